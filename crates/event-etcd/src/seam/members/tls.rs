//! TLS, as the options say.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, Error as TlsError, RootCertStore};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::Options;
use crate::options::Source;

/// What HTTP/2 is called where protocols are negotiated.
pub(super) const H2: &[u8] = b"h2";

/// What TLS connections are made with.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    /// The name that the servers' certificates are for, if it is not that of the endpoint.
    pub(super) domain: Option<ServerName<'static>>,
    pub(super) assume_http2: bool,
    pub(super) identity: Option<Validity>,
}

/// How many certificates of the authority could not be read last time. A warning is logged if it changes,
/// not with each connection.
#[derive(Clone, Default)]
pub(super) struct UnreadableRoots(Arc<AtomicUsize>);

impl Tls {
    /// Reads the files. An error says in words what can't be used.
    pub(super) fn read(options: &Options, unreadable: &UnreadableRoots) -> Result<Self, String> {
        let roots = match &options.ca {
            Some(ca) => given_roots(ca, unreadable)?,
            None => roots_of_system()?,
        };
        // As tonic chooses it.
        let provider = CryptoProvider::get_default()
            .map_or_else(|| Arc::new(ring::default_provider()), Arc::clone);
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("the program's TLS provider can't be used: {error}"))?
            .with_root_certificates(roots);
        let (mut config, identity) = match &options.identity {
            None => (builder.with_no_client_auth(), None),
            Some(source) => {
                let origin = source.origin();
                let (certificate, key) = source.read()?;
                let (chain, key) = identity(&certificate, &key, &origin)?;
                let validity = chain.first().and_then(|first| Validity::of(first, origin.clone()));
                let config = builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| unusable_identity(&error, &origin))?;
                (config, validity)
            }
        };
        config.alpn_protocols = vec![H2.to_vec()];
        let domain = options.domain.clone().map(ServerName::try_from).transpose();
        Ok(Self {
            config: Arc::new(config),
            domain: domain.map_err(|error| error.to_string())?,
            assume_http2: options.assume_http2,
            identity,
        })
    }
}

/// The certificates of a bundle that can be read, if there are any.
fn given_roots(
    source: &Source<Vec<u8>>,
    last_unreadable: &UnreadableRoots,
) -> Result<RootCertStore, String> {
    let (pem, origin) = (source.read()?, source.origin());
    let mut roots = RootCertStore::empty();
    let (mut unreadable, mut why) = (0, String::new());
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        if let Err(error) = added {
            unreadable += 1;
            why = error;
        }
    }
    if roots.is_empty() {
        let why = if why.is_empty() { why } else { format!(" ({why})") };
        return Err(format!(
            "the authority's certificate{origin} can't be read: expected one or more certificates as PEM{why}"
        ));
    }
    if last_unreadable.0.swap(unreadable, Ordering::Relaxed) != unreadable && unreadable > 0 {
        tracing::warn!(
            "{unreadable} of {} certificates of the authority{origin} can't be read and are ignored: {why}",
            roots.len() + unreadable
        );
    }
    Ok(roots)
}

fn roots_of_system() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
        return Err(format!(
            "this machine has no root certificates{why}: set `Options::ca_certificate`, or install the \
             system's"
        ));
    }
    Ok(roots)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(certificate: &[u8], key: &[u8], origin: &str) -> Result<Identity, String> {
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| {
        format!(
            "the client's certificate{origin} can't be read: expected one or more certificates as PEM"
        )
    })?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
        format!(
            "the client's key{origin} can't be read: expected a private key as PEM, not encrypted"
        )
    })?;
    Ok((chain, key))
}

fn unusable_identity(error: &TlsError, origin: &str) -> String {
    match error {
        TlsError::InconsistentKeys(_) => format!(
            "the client's key does not belong to its certificate{origin}: the first certificate must be the \
             client's own"
        ),
        error => format!("the client's certificate or key{origin} can't be used: {error}"),
    }
}

/// When the client's certificate is valid.
#[derive(Clone)]
pub(super) struct Validity {
    not_before: Duration,
    not_after: Duration,
    /// Where the certificate comes from.
    origin: String,
}

impl Validity {
    fn of(certificate: &CertificateDer<'_>, origin: String) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let validity = certificate.validity();
        let since_epoch = |seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        Some(Self {
            not_before: since_epoch(validity.not_before.timestamp()),
            not_after: since_epoch(validity.not_after.timestamp()),
            origin,
        })
    }

    /// Why the certificate is not valid now.
    pub(super) fn problem(&self, now: SystemTime) -> Option<String> {
        let (now, origin) = (now.duration_since(UNIX_EPOCH).ok()?, &self.origin);
        if let Some(ago) = now.checked_sub(self.not_after).filter(|ago| !ago.is_zero()) {
            return Some(format!(
                "the client's certificate{origin} expired {} ago: renew it, or set this machine's clock",
                rounded(ago)
            ));
        }
        let ahead = self.not_before.checked_sub(now).filter(|ahead| !ahead.is_zero())?;
        Some(format!(
            "the client's certificate{origin} becomes valid only in {}: set this machine's clock",
            rounded(ahead)
        ))
    }
}

fn rounded(duration: Duration) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let seconds = duration.as_secs();
    match UNITS.iter().find(|(unit, _)| seconds >= 2 * unit) {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        None => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_not_valid_now_says_since_or_until_when() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let validity = Validity {
            not_before: Duration::from_secs(1_000),
            not_after: Duration::from_secs(2_000),
            origin: " (client.pem)".to_owned(),
        };
        for (now, words) in [
            (10, Some("client.pem) becomes valid only in 16 minutes")),
            (1_000, None),
            (2_000, None),
            (2_030, Some("client.pem) expired 30 s ago")),
            (2_000 + 3 * 86_400, Some("client.pem) expired 3 days ago")),
        ] {
            let problem = validity.problem(at(now));
            assert_eq!(problem.is_some(), words.is_some(), "{now}");
            assert!(problem.unwrap_or_default().contains(words.unwrap_or_default()), "{now}");
        }
    }
}
