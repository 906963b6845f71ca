//! Generates certificates for servers and clients.

use std::{fmt, fs, io, path::Path, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use time::OffsetDateTime;

/// A certificate authority for tests.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Creates an authority with a new key.
    ///
    /// # Panics
    ///
    /// If the system provides no random numbers.
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "etcd-harness authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, new_key());
        Self { issuer: issuer.expect("cannot sign the authority's certificate") }
    }

    /// The authority's certificate, as PEM. Clients must trust it to verify the server.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Issues a certificate for a server at `127.0.0.1` and `localhost`.
    ///
    /// # Panics
    ///
    /// If the system provides no random numbers.
    #[must_use]
    pub fn server(&self) -> Identity {
        self.issue("etcd", &["localhost", "127.0.0.1"])
    }

    /// Issues a certificate for a client. If etcd authenticates clients by certificate, `name` is the name of
    /// the user.
    ///
    /// # Panics
    ///
    /// If the system provides no random numbers.
    #[must_use]
    pub fn client(&self, name: &str) -> Identity {
        self.issue(name, &[])
    }

    /// Issues a certificate for a client that expires after `lifetime`, in whole seconds.
    ///
    /// # Panics
    ///
    /// If the system provides no random numbers.
    #[must_use]
    pub fn short_lived_client(&self, name: &str, lifetime: Duration) -> Identity {
        self.issue_until(name, &[], Some(OffsetDateTime::now_utc() + lifetime))
    }

    fn issue(&self, common_name: &str, addresses: &[&str]) -> Identity {
        self.issue_until(common_name, addresses, None)
    }

    fn issue_until(
        &self,
        common_name: &str,
        addresses: &[&str],
        expires: Option<OffsetDateTime>,
    ) -> Identity {
        let addresses: Vec<String> = addresses.iter().map(|&address| address.to_owned()).collect();
        let mut params = CertificateParams::new(addresses).expect("the addresses are ASCII");
        params.distinguished_name.push(DnType::CommonName, common_name);
        // Every certificate has both usages, because etcd's gateway connects to its own server as a client,
        // with the server's certificate.
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        if let Some(expires) = expires {
            params.not_after = expires;
        }
        let key = new_key();
        let certificate =
            params.signed_by(&key, &self.issuer).expect("cannot sign the certificate");
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// A certificate and its key.
#[derive(Clone)]
pub struct Identity {
    certificate: String,
    key: String,
}

impl Identity {
    /// The certificate, as PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// The key, as PEM.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key
    }

    /// Writes both to files.
    pub fn write_to(&self, certificate: &Path, key: &Path) -> io::Result<()> {
        fs::write(certificate, &self.certificate)?;
        fs::write(key, &self.key)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("cannot generate a key")
}
