//! The command line.

use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use event_etcd::Options;

/// Follows a configuration and prints each version, one JSON object a line. Without arguments it
/// lives in memory.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// The endpoints of an etcd, comma-separated: host:port, or with http:// or https://.
    #[arg(long, value_delimiter = ',', requires = "key")]
    etcd: Vec<String>,
    /// The key to follow.
    #[arg(long, requires = "etcd")]
    key: Option<String>,
    /// What all keys begin with. The key is printed without it.
    #[arg(long, default_value = "", requires = "etcd")]
    namespace: String,
    /// How the value is read: as a JSON document, or as text.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// The user to authenticate as. The password is read from `ETCD_PASSWORD`.
    #[arg(long, requires = "etcd")]
    user: Option<String>,
    /// The certificate authority of the servers, as PEM.
    #[arg(long, value_name = "FILE", requires = "etcd")]
    cacert: Option<PathBuf>,
    /// This client's certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    cert: Option<PathBuf>,
    /// The key of this client's certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    tls_key: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    Json,
    Raw,
}

/// What to follow, and how to connect.
pub(crate) struct Etcd {
    pub(crate) endpoints: Vec<String>,
    pub(crate) namespace: String,
    pub(crate) key: String,
    pub(crate) format: Format,
    pub(crate) options: Options,
}

impl Arguments {
    /// `None`: the story in memory. Ends the program where a file or the password can't be read.
    pub(crate) fn etcd(self) -> Option<Etcd> {
        let key = self.key?;
        let mut options = Options::new();
        if let Some(user) = self.user {
            let password = std::env::var("ETCD_PASSWORD").unwrap_or_else(|_| {
                refuse("--user needs the password in the environment variable ETCD_PASSWORD")
            });
            options = options.user(user, password);
        }
        if let Some(file) = &self.cacert {
            options = options.ca_certificate(read(file));
        }
        if let (Some(cert), Some(key)) = (&self.cert, &self.tls_key) {
            options = options.identity(read(cert), read(key));
        }
        let endpoints = self.etcd.iter().map(|endpoint| endpoint.trim().to_owned());
        let endpoints = endpoints.filter(|endpoint| !endpoint.is_empty()).collect();
        Some(Etcd { endpoints, namespace: self.namespace, key, format: self.format, options })
    }
}

fn read(file: &Path) -> Vec<u8> {
    std::fs::read(file)
        .unwrap_or_else(|error| refuse(&format!("could not read {}: {error}", file.display())))
}

fn refuse(message: &str) -> ! {
    clap::Error::raw(clap::error::ErrorKind::ValueValidation, format!("{message}\n")).exit()
}
