//! How a member is connected to.

mod advice;
mod credentials;
mod detached;
mod link;
mod member;
mod resolver;
mod settings;
#[cfg_attr(not(feature = "tls"), path = "members/no_tls.rs")]
mod tls;
mod transport;
mod validity;

use std::pin::pin;
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
use crate::options::LOGIN;
use credentials::CredentialsReader;
use link::Link;
use member::Member;
use resolver::Resolver;
use transport::{Deadlines, Transport};

/// Connections of our own, each to one member (C4).
pub(crate) struct Members(Arc<Dialer>);

struct Dialer {
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
        let dialer = Dialer {
            tls,
            credentials: CredentialsReader::new(options, tls),
            resolver: Resolver::of_system(),
            timeout: options.connect_timeout * 9 / 10,
            socket_timeout: options.connect_timeout / 2,
        };
        match dialer.credentials.read(dialer.timeout).await {
            Ok(_) => Ok(Self(Arc::new(dialer))),
            Err(message) => Err(Error::new(ErrorKind::InvalidArgument, message)),
        }
    }
}

impl Dialer {
    fn parse(&self, endpoint: &str) -> Result<Endpoint, Failure> {
        Endpoint::parse(endpoint, self.tls).map_err(|error| unreachable(error.to_string()))
    }

    /// Connects and logs in.
    async fn dial(
        &self,
        endpoint: &Endpoint,
        address: &Address,
    ) -> Result<(Client, Arc<Link>), Failure> {
        let deadline = Instant::now() + self.timeout;
        let credentials = self.credentials.read(self.timeout).await;
        let credentials =
            credentials.map_err(|words| Failure::new(CauseKind::Unauthenticated, words))?;
        let deadlines =
            Deadlines { socket: self.socket_timeout, all: deadline, all_within: self.timeout };
        let transport =
            transport::connect(endpoint, address, credentials.tls.as_ref(), deadlines).await?;
        let link = Arc::clone(&transport.link);
        Ok((self.log_in(transport, credentials.user, deadline).await?, link))
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
        let mut login = pin!(client(Some(user)));
        let mut logged_in = timeout_at(deadline, &mut login).await;
        // The server works on the login, and would go on with it if we gave up (C12).
        if logged_in.is_err() && link.has_answered() {
            logged_in = timeout_at(deadline + LOGIN * self.timeout, login).await;
        }
        match logged_in {
            Ok(Ok(client)) => Ok(client),
            // Go's client reads without a token, too (C11). If authentication is enabled later, reads are
            // refused, and the next connection comes here again.
            Ok(Err(error)) if is_auth_disabled(&error) => {
                tracing::debug!("authentication is not enabled: reading without a user");
                client(None).await.map_err(|error| failure(&error))
            }
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) if link.has_answered() => Err(Failure::new(
                CauseKind::ResourceExhausted,
                format!(
                    "the login of the user {name} took longer than {:?}: the server checks passwords slowly, or \
                     too many clients log in at once",
                    self.timeout * (LOGIN + 1)
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
        let Dialer { resolver, timeout, .. } = &*self.0;
        let addresses = resolver.resolve(&self.0.parse(endpoint)?, *timeout).await?;
        Ok(addresses.iter().map(|address| address.to_string().into()).collect())
    }

    fn endpoint_of(&self, url: &str) -> Option<String> {
        Endpoint::parse(url, self.0.tls).ok().map(|_| url.to_owned())
    }

    async fn connect(&self, endpoint: &str, address: &str) -> Result<Arc<dyn Connection>, Failure> {
        let address = Address::parse(address)
            .ok_or_else(|| unreachable(format!("{address} is no address")))?;
        let endpoint = self.0.parse(endpoint)?;
        Ok(Arc::new(Member::connect(Arc::clone(&self.0), endpoint, address).await?))
    }
}

/// Whether the server knows no users (C11), kine not even the call.
fn is_auth_disabled(error: &EtcdError) -> bool {
    let EtcdError::GRpcStatus(status) = error else { return false };
    status.message().contains("authentication is not enabled")
        || failure(error).kind == CauseKind::Unimplemented
}

fn unreachable(message: impl Into<String>) -> Failure {
    Failure::new(CauseKind::Unreachable, message)
}

/// A client that the program has.
#[async_trait]
impl Connector for Client {
    async fn connect(
        &self,
        _endpoint: &str,
        _address: &str,
    ) -> Result<Arc<dyn Connection>, Failure> {
        Ok(Arc::new(self.clone()))
    }
}
