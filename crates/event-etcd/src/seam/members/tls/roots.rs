//! Which authorities are trusted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::options::Source;

/// How many certificates of the authority could not be read last time. A warning is logged if it changes,
/// not with each connection.
#[derive(Clone, Default)]
pub(in super::super) struct UnreadableRoots(Arc<AtomicUsize>);

/// The certificates of a bundle that can be read, if there are any.
pub(super) fn given(
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

/// The system's roots. If there are none, those that are built in.
pub(super) fn of_system() -> Result<RootCertStore, String> {
    let (roots, why) = native();
    let roots = if roots.is_empty() { built_in() } else { roots };
    if roots.is_empty() { Err(why) } else { Ok(roots) }
}

/// The system's roots, and what to do if there are none.
#[cfg(feature = "native-roots")]
fn native() -> (RootCertStore, String) {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
    let why = format!(
        "this machine has no root certificates{why}: set `Options::ca_certificate`, or install the system's"
    );
    (roots, why)
}

#[cfg(not(feature = "native-roots"))]
fn native() -> (RootCertStore, String) {
    let why = "no root certificates are known: set `Options::ca_certificate`, or enable the feature \
               `native-roots` or `webpki-roots` of event-etcd";
    (RootCertStore::empty(), why.to_owned())
}

/// Mozilla's roots.
#[cfg(feature = "webpki-roots")]
fn built_in() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

#[cfg(not(feature = "webpki-roots"))]
fn built_in() -> RootCertStore {
    RootCertStore::empty()
}
