//! How a member is connected to.

mod advice;
mod credentials;
mod detached;
mod link;
mod resolver;
mod tls;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use etcd_client::{Client, ConnectOptions, Error as EtcdError};
use event_core::{CauseKind, Error, ErrorKind};
use tokio::time::{Instant, timeout_at};

use super::etcd::failure;
use super::{Connection, Connector, Failure};
use crate::Options;
use crate::endpoint::{Address, Endpoint};
use credentials::CredentialsReader;
use resolver::Resolver;
use transport::{Deadlines, Transport};

/// Connections of our own, each to one member (C4).
pub(crate) struct Members {
    tls: bool,
    credentials: CredentialsReader,
    resolver: Resolver,
    /// For reading the credentials, connecting and authenticating, and as long for resolving.
    ///
    /// The session gives up after the connect timeout, and knows no more than that. So this one is shorter,
    /// for the reason to be known. The rest is for the first response.
    timeout: Duration,
    /// For the socket: half the connect timeout. In packet loss a new attempt sends its own SYN sooner than
    /// the kernel sends an old one again.
    socket_timeout: Duration,
}

impl Members {
    /// Reads the credentials, and refuses what no connection can be made with. Does not connect.
    pub(crate) async fn new(options: &Options, tls: bool) -> Result<Self, Error> {
        let members = Self {
            tls,
            credentials: CredentialsReader::new(options, tls),
            resolver: Resolver::of_system(),
            timeout: options.connect_timeout * 9 / 10,
            socket_timeout: options.connect_timeout / 2,
        };
        match members.credentials.read(members.timeout).await {
            Ok(_) => Ok(members),
            Err(message) => Err(Error::new(ErrorKind::InvalidArgument, message)),
        }
    }

    fn parse(&self, endpoint: &str) -> Result<Endpoint, Failure> {
        Endpoint::parse(endpoint, self.tls).map_err(|error| unreachable(error.to_string()))
    }

    /// A client with a token, if the cluster wants one.
    async fn log_in(
        &self,
        transport: Transport,
        user: Option<(String, String)>,
        deadline: Instant,
    ) -> Result<Client, Failure> {
        let Transport { channel, link } = transport;
        let client = |user| {
            let mut options =
                ConnectOptions::new().with_require_leader(true).with_auto_token_refresh(true);
            if let Some((name, password)) = user {
                options = options.with_user(name, password);
            }
            Client::from_channel(channel.clone(), Some(options))
        };
        // Without a user nothing is sent.
        let Some(user) = user else { return client(None).await.map_err(|error| failure(&error)) };
        let name = user.0.clone();
        match timeout_at(deadline, client(Some(user))).await {
            Ok(Ok(client)) => Ok(client),
            // Go's client reads without a token, too (N8). If authentication is enabled later, reads are
            // refused, and the next connection comes here again.
            Ok(Err(error)) if is_auth_disabled(&error) => {
                tracing::debug!("authentication is not enabled: reading without a user");
                client(None).await.map_err(|error| failure(&error))
            }
            Ok(Err(error)) => Err(failure(&error)),
            // The server works on the login though the client has gone (N9).
            Err(_) if link.has_answered() => Err(Failure::new(
                CauseKind::ResourceExhausted,
                format!(
                    "the login of the user {name} took longer than {:?}: the server checks passwords slowly, or \
                     too many clients log in at once",
                    self.timeout
                ),
            )),
            Err(_) => Err(unreachable(format!(
                "the server accepted the connection, and did not answer the login within {:?}",
                self.timeout
            ))),
        }
    }
}

#[async_trait]
impl Connector for Members {
    async fn resolve(&self, endpoint: &str) -> Result<Vec<Arc<str>>, Failure> {
        let addresses = self.resolver.resolve(&self.parse(endpoint)?, self.timeout).await?;
        Ok(addresses.iter().map(|address| address.to_string().into()).collect())
    }

    async fn connect(&self, endpoint: &str, address: &str) -> Result<Arc<dyn Connection>, Failure> {
        let deadline = Instant::now() + self.timeout;
        let address = Address::parse(address)
            .ok_or_else(|| unreachable(format!("{address} is no address")))?;
        let endpoint = self.parse(endpoint)?;
        let credentials = self.credentials.read(self.timeout).await;
        let credentials =
            credentials.map_err(|words| Failure::new(CauseKind::Unauthenticated, words))?;
        let deadlines =
            Deadlines { socket: self.socket_timeout, all: deadline, all_within: self.timeout };
        let transport =
            transport::connect(&endpoint, &address, credentials.tls.as_ref(), deadlines).await?;
        Ok(Arc::new(self.log_in(transport, credentials.user, deadline).await?))
    }
}

fn is_auth_disabled(error: &EtcdError) -> bool {
    let EtcdError::GRpcStatus(status) = error else { return false };
    status.message().contains("authentication is not enabled")
}

fn unreachable(message: impl Into<String>) -> Failure {
    Failure::new(CauseKind::Unreachable, message)
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
