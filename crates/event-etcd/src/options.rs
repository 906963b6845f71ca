//! How a store connects.

use std::fmt;
use std::time::Duration;

use event_core::{Error, ErrorKind};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::session::Timeouts;

/// The longest timeout that is taken for one.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How a store connects.
///
/// The defaults suit production: every call has a timeout, a silent connection counts as dead, and the
/// store moves from a member without a leader to the next one.
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
    pub(crate) user: Option<(String, String)>,
    pub(crate) ca: Option<Vec<u8>>,
    pub(crate) identity: Option<(Vec<u8>, Vec<u8>)>,
    pub(crate) domain: Option<String>,
    pub(crate) connect_timeout: Duration,
    pub(crate) liveness_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The defaults: no user, TLS with the system's roots for `https://` endpoints, a connect timeout of
    /// 5 s, a liveness timeout of 5 s.
    pub fn new() -> Self {
        Self {
            user: None,
            ca: None,
            identity: None,
            domain: None,
            connect_timeout: Duration::from_secs(5),
            liveness_timeout: Duration::from_secs(5),
        }
    }

    /// Sets the user and the password to authenticate with.
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.user = Some((name.into(), password.into()));
        self
    }

    /// Sets the certificate authority that signed the servers' certificates, as PEM, in place of the
    /// system's roots. The store then uses TLS: an endpoint without a scheme is `https`.
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca = Some(pem.into());
        self
    }

    /// Sets the client's certificate and its key, as PEM, for mutual TLS. The store then uses TLS.
    pub fn identity(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.identity = Some((certificate.into(), key.into()));
        self
    }

    /// Sets the name that the servers' certificates are for, if it differs from the host of the endpoint.
    /// The store then uses TLS.
    pub fn domain_name(mut self, name: impl Into<String>) -> Self {
        self.domain = Some(name.into());
        self
    }

    /// Sets how long a member may take from connecting to the first response. After that the next member
    /// is tried.
    ///
    /// 5 s by default. Connecting takes a round trip, and the first response another one, so a round trip
    /// may take up to 2.4 s. TLS and a user need further ones.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long a connection may be silent. After that it counts as dead, and the next member is
    /// tried.
    ///
    /// 5 s by default. If the stream is silent for 40 % of this time, the store sends a probe. The response
    /// must arrive within the remaining 60 %, which is 3 s by default. A timeout of only a few round trips
    /// gives false alarms.
    pub fn liveness_timeout(mut self, timeout: Duration) -> Self {
        self.liveness_timeout = timeout;
        self
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        Timeouts { connect: self.connect_timeout, liveness: self.liveness_timeout }
    }

    /// Whether the options are for TLS, whatever the endpoints are.
    pub(crate) fn wants_tls(&self) -> bool {
        self.ca.is_some() || self.identity.is_some() || self.domain.is_some()
    }

    /// Refuses what can't be used.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let timeouts = [self.connect_timeout, self.liveness_timeout];
        if timeouts.iter().any(|timeout| timeout.is_zero() || *timeout > LONGEST) {
            return Err(refused("a timeout must be longer than zero and not longer than a day"));
        }
        // The TLS below passes over certificates that it can't read.
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

impl fmt::Debug for Options {
    /// Prints no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("user", &self.user.as_ref().map(|(name, _)| name))
            .field("ca_certificate", &self.ca.is_some())
            .field("identity", &self.identity.is_some())
            .field("domain_name", &self.domain)
            .field("connect_timeout", &self.connect_timeout)
            .field("liveness_timeout", &self.liveness_timeout)
            .finish()
    }
}
