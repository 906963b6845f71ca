//! TLS, as the options say.

mod roots;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, Error as TlsError};
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::link::Io;
use super::validity::Validity;
use crate::Options;
use crate::endpoint::Endpoint;

pub(super) use roots::UnreadableRoots;

/// What HTTP/2 is called where protocols are negotiated.
const H2: &[u8] = b"h2";

/// What TLS connections are made with.
#[derive(Clone)]
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    /// The name that the servers' certificates are for, if it is not that of the endpoint.
    domain: Option<ServerName<'static>>,
    assume_http2: bool,
    identity: Option<Validity>,
}

impl Tls {
    /// Reads the files. An error says in words what can't be used.
    pub(super) fn read(options: &Options, unreadable: &UnreadableRoots) -> Result<Self, String> {
        let roots = match &options.ca {
            Some(ca) => roots::given(ca, unreadable)?,
            None => roots::of_system()?,
        };
        let builder = ClientConfig::builder_with_provider(provider()?)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("the program's TLS provider can't be used: {error}"))?
            .with_root_certificates(roots);
        let (mut config, identity) = match &options.identity {
            None => (builder.with_no_client_auth(), None),
            Some(source) => {
                let origin = source.origin();
                let (certificate, key) = source.read()?;
                let (chain, key) = identity(&certificate, &key, &origin)?;
                let validity = chain.first().and_then(|first| validity_of(first, origin.clone()));
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

    /// Whether the client has a certificate.
    pub(super) fn has_identity(&self) -> bool {
        self.config.client_auth_cert_resolver.has_certs()
    }

    /// When the client's certificate is valid, if that is known.
    pub(super) fn validity(&self) -> Option<Validity> {
        self.identity.clone()
    }

    /// The handshake with the server of an endpoint.
    pub(super) async fn handshake(
        &self,
        endpoint: &Endpoint,
        socket: Box<dyn Io>,
    ) -> io::Result<Box<dyn Io>> {
        let name = self.domain.clone().or_else(|| endpoint.server_name());
        let name = name.ok_or_else(|| io::Error::other("the host is no name of a certificate"))?;
        let stream = TlsConnector::from(Arc::clone(&self.config)).connect(name, socket).await?;
        if stream.get_ref().1.alpn_protocol() != Some(H2) && !self.assume_http2 {
            return Err(io::Error::other("HTTP/2 was not negotiated"));
        }
        Ok(Box::new(stream))
    }
}

/// The program's own cryptography, or else that of the features, as tonic chooses it.
fn provider() -> Result<Arc<CryptoProvider>, String> {
    let built_in: &[fn() -> CryptoProvider] = &[
        #[cfg(feature = "tls-ring")]
        rustls::crypto::ring::default_provider,
        #[cfg(feature = "tls-aws-lc")]
        rustls::crypto::aws_lc_rs::default_provider,
    ];
    match (CryptoProvider::get_default(), built_in.first()) {
        (Some(provider), _) => Ok(Arc::clone(provider)),
        (None, Some(provider)) => Ok(Arc::new(provider())),
        (None, None) => Err("TLS has no cryptography: enable the feature `tls-ring` or `tls-aws-lc` of event-etcd, \
                             or install a provider of rustls"
            .to_owned()),
    }
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

/// When a certificate is valid, if it can be read.
fn validity_of(certificate: &CertificateDer<'_>, origin: String) -> Option<Validity> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let validity = certificate.validity();
    let since_epoch = |seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    Some(Validity {
        not_before: since_epoch(validity.not_before.timestamp()),
        not_after: since_epoch(validity.not_after.timestamp()),
        origin,
    })
}
