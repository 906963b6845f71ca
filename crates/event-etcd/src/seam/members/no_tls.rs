//! In place of `tls.rs` where the feature `tls` is off.

use std::io;

use super::link::Io;
use super::validity::Validity;
use crate::Options;
use crate::endpoint::Endpoint;

/// There is none: reading it is an error.
#[derive(Clone)]
pub(super) enum Tls {}

#[derive(Clone, Default)]
pub(super) struct UnreadableRoots(());

impl Tls {
    pub(super) fn read(_options: &Options, _unreadable: &UnreadableRoots) -> Result<Self, String> {
        Err("TLS is not built in: enable the feature `tls-ring` or `tls-aws-lc` of event-etcd"
            .to_owned())
    }

    pub(super) fn has_identity(&self) -> bool {
        match *self {}
    }

    pub(super) fn validity(&self) -> Option<Validity> {
        match *self {}
    }

    #[expect(clippy::unused_async, reason = "as in `tls.rs`")]
    pub(super) async fn handshake(
        &self,
        _endpoint: &Endpoint,
        _socket: Box<dyn Io>,
    ) -> io::Result<Box<dyn Io>> {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use crate::{EtcdStore, Options};

    #[tokio::test]
    async fn without_tls_an_endpoint_or_an_option_that_wants_it_is_refused_with_the_feature() {
        let wants_tls = Options::new().ca_certificate("-----BEGIN CERTIFICATE-----");
        for (endpoint, options) in [("https://a:1", Options::new()), ("a:1", wants_tls)] {
            let error = EtcdStore::connect([endpoint], options).await.unwrap_err();
            assert!(error.to_string().contains("enable the feature `tls-ring`"), "{error}");
        }
        EtcdStore::connect(["http://a:1"], Options::new()).await.unwrap();
    }
}
