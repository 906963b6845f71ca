//! How clients connect to a server: TLS and timeouts.

use std::{io, path::Path, time::Duration};

use etcd_client::{Certificate, Client, ConnectOptions, Identity as ClientIdentity, TlsOptions};

use crate::{Authority, Identity};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(2);

/// The TLS settings of a server and its clients. The default is plain HTTP.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    tls: Option<Tls>,
}

#[derive(Clone, Debug)]
struct Tls {
    authority: String,
    server: Identity,
    /// The clients' certificate, if the server requires one.
    client: Option<Identity>,
}

impl Access {
    pub(crate) fn tls(authority: &Authority) -> Self {
        Self {
            tls: Some(Tls { authority: authority.pem(), server: authority.server(), client: None }),
        }
    }

    pub(crate) fn mutual_tls(authority: &Authority) -> Self {
        let client = Some(authority.client("client"));
        Self { tls: Some(Tls { authority: authority.pem(), server: authority.server(), client }) }
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Writes the server's certificate files to a folder. Returns the server's flags for them.
    pub(crate) fn server_flags(&self, folder: &Path) -> io::Result<Vec<String>> {
        let Some(tls) = &self.tls else { return Ok(Vec::new()) };
        let (authority, certificate, key) =
            (folder.join("ca.pem"), folder.join("server.pem"), folder.join("server.key"));
        std::fs::write(&authority, &tls.authority)?;
        tls.server.write_to(&certificate, &key)?;
        let mut flags = vec![
            format!("--cert-file={}", certificate.display()),
            format!("--key-file={}", key.display()),
        ];
        if tls.client.is_some() {
            flags.push("--client-cert-auth".to_owned());
            flags.push(format!("--trusted-ca-file={}", authority.display()));
        }
        Ok(flags)
    }

    pub(crate) fn connect_options(&self) -> ConnectOptions {
        let options = ConnectOptions::new()
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_timeout(REQUEST_TIMEOUT)
            .with_keep_alive(KEEP_ALIVE_INTERVAL, KEEP_ALIVE_TIMEOUT);
        let Some(tls) = &self.tls else { return options };
        let trusted = TlsOptions::new().ca_certificate(Certificate::from_pem(&tls.authority));
        options.with_tls(match &tls.client {
            Some(client) => trusted
                .identity(ClientIdentity::from_pem(client.certificate_pem(), client.key_pem())),
            None => trusted,
        })
    }
}

/// Connects a client to the endpoints, or panics.
pub(crate) async fn connect(endpoints: &[String], options: ConnectOptions) -> Client {
    match Client::connect(endpoints, Some(options)).await {
        Ok(client) => client,
        Err(error) => panic!("cannot connect to {endpoints:?}: {error}"),
    }
}
