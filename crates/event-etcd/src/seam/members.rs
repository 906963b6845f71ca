//! How a member is connected to.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use etcd_client::{
    BalancedChannelBuilder, Certificate, Channel, Client, ConnectOptions, Identity, TlsOptions,
};
use event_core::{CauseKind, Error, ErrorKind};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::transport::channel::Change;
use tonic::transport::{Channel as TonicChannel, Endpoint, Error as TonicError, Uri};

use super::etcd::{causes, failure};
use super::{Connection, Connector, Failure};
use crate::Options;

/// The server closes a connection whose keepalive is under 5 s (C2). The session finds faults sooner, by
/// its own question on the stream; this one is for the sockets.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Connections of our own, each to one member (C4).
pub(crate) struct Members {
    options: ConnectOptions,
    /// For connecting and authenticating.
    timeout: Duration,
}

impl Members {
    /// Checks that a connection can be made with the options: the TLS below looks at them only then. Does
    /// not connect.
    pub(crate) async fn new(options: &Options, tls: bool, endpoint: &str) -> Result<Self, Error> {
        // etcd-client's own defaults have no timeout at all (C1). Half the timeout: in packet loss a
        // new attempt sends its own SYN sooner than the kernel sends an old one again.
        let mut etcd = ConnectOptions::new()
            .with_connect_timeout(options.connect_timeout / 2)
            .with_keep_alive(KEEPALIVE, KEEPALIVE)
            .with_require_leader(true)
            .with_auto_token_refresh(true);
        if tls {
            etcd = etcd.with_tls(tls_options(options));
        }
        // Without a user etcd-client makes no connection before the first call.
        Client::connect([endpoint], Some(etcd.clone())).await.map_err(|error| {
            let message = format!("the endpoint `{endpoint}` can't be used: {}", causes(&error));
            Error::new(ErrorKind::InvalidArgument, message)
        })?;
        if let Some((name, password)) = &options.user {
            etcd = etcd.with_user(name, password);
        }
        Ok(Self { options: etcd, timeout: options.connect_timeout })
    }
}

fn tls_options(options: &Options) -> TlsOptions {
    let mut tls = match &options.ca {
        Some(pem) => TlsOptions::new().ca_certificate(Certificate::from_pem(pem)),
        None => TlsOptions::new().with_native_roots(),
    };
    if let Some((certificate, key)) = &options.identity {
        tls = tls.identity(Identity::from_pem(certificate, key));
    }
    if let Some(name) = &options.domain {
        tls = tls.domain_name(name);
    }
    tls
}

#[async_trait]
impl Connector for Members {
    async fn resolve(&self, endpoint: &str) -> Result<Vec<Arc<str>>, Failure> {
        Ok(vec![endpoint.into()])
    }

    async fn connect(
        &self,
        endpoint: &str,
        _address: &str,
    ) -> Result<Arc<dyn Connection>, Failure> {
        let options = Some(self.options.clone());
        let connect = Client::connect_with_balanced_channel([endpoint], options, Windowed);
        match timeout(self.timeout, connect).await {
            Ok(Ok(client)) => Ok(Arc::new(client)),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(Failure::new(
                CauseKind::Unreachable,
                format!("no connection within {:?}", self.timeout),
            )),
        }
    }
}

/// A channel whose streams have a smaller window than the HTTP/2 library gives them, which is 2 MB.
///
/// What the server has sent lies before the answer that overtakes it (E9): 20,000 small responses in
/// 2 MB. And the library ends a connection in which many small frames lie unread (C8): a frame counts
/// with what it lacks to 256 bytes, and all together may come to half the connection's window of 5 MB.
/// A watch's response has at least 70 bytes.
struct Windowed;

const STREAM_WINDOW: u32 = 512 << 10;

impl BalancedChannelBuilder for Windowed {
    type Error = TonicError;

    fn balanced_channel(
        self,
        size: usize,
    ) -> Result<(Channel, mpsc::Sender<Change<Uri, Endpoint>>), TonicError> {
        let (channel, inserted) = TonicChannel::balance_channel(size);
        let (sender, mut changes) = mpsc::channel(size);
        // It ends with the client, which has the sender.
        tokio::spawn(async move {
            while let Some(change) = changes.recv().await {
                let change = match change {
                    Change::Insert(uri, endpoint) => {
                        let endpoint: Endpoint = endpoint;
                        Change::Insert(uri, endpoint.initial_stream_window_size(STREAM_WINDOW))
                    }
                    Change::Remove(uri) => Change::Remove(uri),
                };
                if inserted.send(change).await.is_err() {
                    return;
                }
            }
        });
        Ok((Channel::Tonic(channel), sender))
    }
}

/// A client that the program has.
#[async_trait]
impl Connector for Client {
    async fn resolve(&self, endpoint: &str) -> Result<Vec<Arc<str>>, Failure> {
        Ok(vec![endpoint.into()])
    }

    async fn connect(
        &self,
        _endpoint: &str,
        _address: &str,
    ) -> Result<Arc<dyn Connection>, Failure> {
        Ok(Arc::new(self.clone()))
    }
}
