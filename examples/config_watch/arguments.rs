//! The command line.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{ArgGroup, Parser, ValueEnum};
use event_core::{BoxStore, Error, KeyRange, StoreExt};
use event_etcd::{EtcdStore, Options};
use event_open::Url;

/// Follows a configuration and prints each version, one JSON object a line. Without arguments it
/// lives in memory.
#[derive(Debug, Parser)]
#[command(group(ArgGroup::new("store").args(["url", "etcd"])))]
#[command(group(ArgGroup::new("what").args(["key", "prefix"])))]
pub(crate) struct Arguments {
    /// The URL of a store, such as `etcd://localhost:2379/app/?user=reader`. The key is printed without its path.
    #[arg(long, requires = "what")]
    url: Option<String>,
    /// The endpoints of an etcd, comma-separated: host:port, or with http://, https:// or unix://.
    #[arg(long, requires = "what")]
    etcd: Option<String>,
    /// The key to follow.
    #[arg(long, requires = "store")]
    key: Option<String>,
    /// Follow every key under this path, such as `services`, as lines whose event is `put`, `delete` or `synced`. Empty:
    /// every key.
    #[arg(long, requires = "store", value_name = "PATH")]
    prefix: Option<String>,
    /// What all keys begin with. The key is printed without it.
    #[arg(long, default_value = "", requires = "etcd")]
    namespace: String,
    /// How the value is read: as a JSON document, which is printed as it was stored, or as text.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// The user to authenticate as. Without a file, the password is read from `ETCD_PASSWORD`.
    #[arg(long, requires = "etcd")]
    user: Option<String>,
    /// The file that has the password. Files are read again for each new connection.
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// The certificate authority of the servers, as PEM.
    #[arg(long, value_name = "FILE", requires = "etcd")]
    cacert: Option<PathBuf>,
    /// This client's certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    cert: Option<PathBuf>,
    /// The key of this client's certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    tls_key: Option<PathBuf>,
    /// The name that the servers' certificates are for, if it is not that of the endpoint.
    #[arg(long, value_name = "NAME", requires = "etcd")]
    server_name: Option<String>,
    /// Speak HTTP/2 though TLS does not negotiate it, as behind stunnel.
    #[arg(long, requires = "etcd")]
    assume_http2: bool,
    /// Try the endpoints in the order they are given in.
    #[arg(long, requires = "etcd")]
    ordered_endpoints: bool,
    /// Also connect to members that the cluster lists.
    #[arg(long, requires = "etcd")]
    follow_members: bool,
    /// The id of the only cluster to read from, in decimal.
    #[arg(long, value_name = "ID", requires = "etcd")]
    cluster_id: Option<u64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    Json,
    Raw,
}

/// What to follow.
pub(crate) struct Followed {
    pub(crate) place: Place,
    pub(crate) what: What,
    pub(crate) format: Format,
}

pub(crate) enum What {
    Key(String),
    Range(KeyRange),
}

/// Where it lives.
pub(crate) enum Place {
    Url(String),
    Etcd { endpoints: String, namespace: String, options: Box<Options> },
}

impl Place {
    /// What the keys begin with, which is not printed.
    pub(crate) fn namespace(&self) -> Vec<u8> {
        match self {
            Self::Url(url) => Url::parse(url).map(|url| url.prefix().to_vec()).unwrap_or_default(),
            Self::Etcd { namespace, .. } => namespace.clone().into_bytes(),
        }
    }

    /// The store there. Its keys are named without the namespace.
    pub(crate) async fn open(self) -> Result<BoxStore, Error> {
        match self {
            Self::Url(url) => event_open::open(&url).await,
            Self::Etcd { endpoints, namespace, options } => {
                let store = EtcdStore::connect([endpoints], *options).await?;
                Ok(Arc::new(StoreExt::namespace(store, namespace)))
            }
        }
    }
}

impl Arguments {
    /// `None`: the story in memory. Ends the program where the password can't be read.
    pub(crate) fn followed(self) -> Option<Followed> {
        let range = || Some(What::Range(KeyRange::folder(self.prefix?)));
        let (what, format) = (self.key.map(What::Key).or_else(range)?, self.format);
        if let Some(url) = self.url {
            return Some(Followed { place: Place::Url(url), what, format });
        }
        let endpoints = self.etcd?;
        let mut options = Options::new()
            .assume_http2(self.assume_http2)
            .ordered_endpoints(self.ordered_endpoints)
            .follow_members(self.follow_members)
            .cluster_id(self.cluster_id);
        if let Some(user) = self.user {
            options = match self.password_file {
                Some(file) => options.user_with_password_file(user, file),
                None => options.user(user, password()),
            };
        }
        if let Some(file) = self.cacert {
            options = options.ca_certificate_file(file);
        }
        if let (Some(cert), Some(key)) = (self.cert, self.tls_key) {
            options = options.identity_files(cert, key);
        }
        if let Some(name) = self.server_name {
            options = options.domain_name(name);
        }
        let place =
            Place::Etcd { endpoints, namespace: self.namespace, options: Box::new(options) };
        Some(Followed { place, what, format })
    }
}

fn password() -> String {
    std::env::var("ETCD_PASSWORD").unwrap_or_else(|_| {
        let message = "--user needs --password-file, or the password in the environment variable ETCD_PASSWORD";
        clap::Error::raw(clap::error::ErrorKind::ValueValidation, format!("{message}\n")).exit()
    })
}
