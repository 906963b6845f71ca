//! How a store connects.

use std::fmt;
use std::net::Ipv6Addr;
use std::time::Duration;

use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};
use event_core::{Error, ErrorKind};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::bounds::Bounds;

/// The server closes a connection whose keepalive is under 5 s (C2). Faults are found sooner, by the
/// store's own question on the stream; this one is for the sockets.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// The longest bound that is taken for one.
const LONGEST: Duration = Duration::from_hours(24);

const HTTP: &str = "http://";
const HTTPS: &str = "https://";

/// How a store connects.
///
/// The defaults suit production: every call and every silence is bounded, and a leader is required.
///
/// ```
/// use std::time::Duration;
/// use event_etcd::Options;
///
/// let options = Options::new()
///     .user("reader", "password")
///     .liveness_timeout(Duration::from_secs(3));
/// ```
#[derive(Clone)]
#[must_use]
pub struct Options {
    user: Option<(String, String)>,
    ca: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
    domain: Option<String>,
    connect: Duration,
    detection: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The defaults: no user, TLS with the system's roots for `https://` endpoints, a connect bound
    /// of 5 s, a detection bound of 5 s.
    pub fn new() -> Self {
        let second = Duration::from_secs(1);
        Self {
            user: None,
            ca: None,
            identity: None,
            domain: None,
            connect: 5 * second,
            detection: 5 * second,
        }
    }

    /// The user and the password to authenticate with.
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.user = Some((name.into(), password.into()));
        self
    }

    /// The certificate authority that the servers' certificates are signed by, as PEM, in place of
    /// the system's roots. Makes `https` the scheme of endpoints that have none.
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca = Some(pem.into());
        self
    }

    /// The client's certificate and its key, as PEM, for mutual TLS.
    pub fn identity(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.identity = Some((certificate.into(), key.into()));
        self
    }

    /// The name in the servers' certificates, where it is not that of the endpoint.
    pub fn domain_name(mut self, name: impl Into<String>) -> Self {
        self.domain = Some(name.into());
        self
    }

    /// How long a member may take from the connect to the first answer, before the next one is
    /// tried. 5 s by default, which leaves room for a connect and a call at a round trip of 2.4 s.
    pub fn connect_timeout(mut self, bound: Duration) -> Self {
        self.connect = bound;
        self
    }

    /// How long a connection may be silent before it counts as dead. 5 s by default.
    ///
    /// An idle stream is asked for a sign of life after two fifths of it, and has the other three for
    /// the answer: by default a round trip may take up to 3 s. Under a few round trips it gives false
    /// alarms.
    pub fn liveness_timeout(mut self, bound: Duration) -> Self {
        self.detection = bound;
        self
    }

    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { connect: self.connect, detection: self.detection }
    }

    pub(crate) fn with_user(&self, etcd: ConnectOptions) -> ConnectOptions {
        match &self.user {
            Some((name, password)) => etcd.with_user(name, password),
            None => etcd,
        }
    }

    /// etcd-client's options, without the user: its own defaults have no bound at all (C1).
    pub(crate) fn to_etcd(&self, endpoints: &[String]) -> Result<ConnectOptions, Error> {
        if [self.connect, self.detection].iter().any(|bound| bound.is_zero() || *bound > LONGEST) {
            return Err(refused("a bound must be longer than zero and not longer than a day"));
        }
        for endpoint in endpoints {
            check_endpoint(endpoint)?;
        }
        // Half the bound: in packet loss a new attempt sends its own SYN sooner than the kernel
        // sends an old one again.
        let options = ConnectOptions::new()
            .with_connect_timeout(self.connect / 2)
            .with_keep_alive(KEEPALIVE, KEEPALIVE)
            .with_require_leader(true)
            .with_auto_token_refresh(true);
        let secure = self.ca.is_some() || self.identity.is_some() || self.domain.is_some();
        if !secure && !endpoints.iter().any(|endpoint| endpoint.starts_with(HTTPS)) {
            return Ok(options);
        }
        if endpoints.iter().any(|endpoint| endpoint.starts_with(HTTP)) {
            return Err(refused(
                "endpoints with http:// don't go with TLS: write https://, or leave the scheme out",
            ));
        }
        self.check_certificates()?;
        Ok(options.with_tls(self.tls()))
    }

    /// The library below passes over certificates that it can't read.
    fn check_certificates(&self) -> Result<(), Error> {
        if let Some(pem) = &self.ca {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(pem, "the authority's certificate")? {
                roots.add(certificate).map_err(|error| {
                    refused("the authority's certificate can't be read").with_source(error)
                })?;
            }
        }
        if let Some((certificate, key)) = &self.identity {
            certificates(certificate, "the client's certificate")?;
            PrivateKeyDer::from_pem_slice(key).map_err(|_| {
                refused("the client's key can't be read: expected a private key as PEM")
            })?;
        }
        Ok(())
    }

    fn tls(&self) -> TlsOptions {
        let mut tls = match &self.ca {
            Some(pem) => TlsOptions::new().ca_certificate(Certificate::from_pem(pem)),
            None => TlsOptions::new().with_native_roots(),
        };
        if let Some((certificate, key)) = &self.identity {
            tls = tls.identity(Identity::from_pem(certificate, key));
        }
        if let Some(name) = &self.domain {
            tls = tls.domain_name(name);
        }
        tls
    }
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

/// Reads PEM, and refuses one without a certificate.
fn certificates(pem: &[u8], whose: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    match CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>() {
        Ok(read) if !read.is_empty() => Ok(read),
        _ => {
            Err(refused(format!("{whose} can't be read: expected one or more certificates as PEM")))
        }
    }
}

/// Refuses what is no `host:port` or `[address]:port`, with a scheme or without; with one, the port may
/// be left out, as in any URL.
pub(crate) fn check_endpoint(endpoint: &str) -> Result<(), Error> {
    if endpoint.contains('@') {
        // Not told back: there is a password in it.
        return Err(refused(
            "an endpoint has a user in it: expected host:port, and the user by `Options::user`",
        ));
    }
    let url = endpoint.strip_prefix(HTTPS).or(endpoint.strip_prefix(HTTP));
    let authority = url.unwrap_or(endpoint);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_is_fit = match is_address {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        }
    };
    let port_is_fit = match port {
        Some(port) => port.parse::<u16>().is_ok_and(|port| port > 0),
        None => url.is_some(),
    };
    if host_is_fit && port_is_fit {
        return Ok(());
    }
    Err(refused(format!(
        "the endpoint `{endpoint}` can't be read: expected host:port, http://host:port or https://host:port"
    )))
}

impl fmt::Debug for Options {
    /// Tells no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("user", &self.user.as_ref().map(|(name, _)| name))
            .field("ca_certificate", &self.ca.is_some())
            .field("identity", &self.identity.is_some())
            .field("domain_name", &self.domain)
            .field("connect_timeout", &self.connect)
            .field("liveness_timeout", &self.detection)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_and_a_port_or_a_url() {
        for endpoint in [
            "localhost:2379",
            "http://10.0.0.1:2379",
            "https://etcd.example.com",
            "[::1]:2379",
            "a_b-c:1",
        ] {
            assert!(check_endpoint(endpoint).is_ok(), "{endpoint}");
        }
        for endpoint in [
            "",
            "http://",
            ":2379",
            "a:b",
            "a:0",
            "a:65536",
            "a:1:2",
            "::1:2379",
            "a b:1",
            "a:1/",
            "[x]:1",
            "localhost",
            "[::1]",
        ] {
            assert!(check_endpoint(endpoint).is_err(), "{endpoint}");
        }
    }

    #[test]
    fn an_endpoint_with_a_password_is_not_told_back() {
        for endpoint in ["http://root:hunter2@10.0.0.1:2379", "root:hunter2@10.0.0.1:2379"] {
            let message = check_endpoint(endpoint).unwrap_err().to_string();
            assert!(message.contains("Options::user") && !message.contains("hunter2"), "{message}");
        }
    }
}
