//! A connection to a cluster.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::Client;
use event_core::{Bytes, Error, ErrorKind, MemoryReader};
use tokio::runtime::Handle;

use crate::bounds::Bounds;
use crate::connection::Connection;
use crate::endpoints::Endpoints;
use crate::options::{Options, check_endpoint};
use crate::source::{Members, Source, check};
use crate::value::EtcdValue;
use event_core::Health;

/// A connection to an etcd cluster, whose keys are values.
///
/// A handle that is cheap to clone: all clones, their namespaces, values and watchers share one
/// connection, one watch stream and one task. It connects with the first watcher, fails over by
/// itself, and ends when the last of them is dropped. It reads only.
///
/// ```no_run
/// use event_core::{ReaderExt, ValueReader, WatcherExt};
/// use event_etcd::{EtcdStore, Options};
///
/// # async fn run() -> Result<(), event_core::Error> {
/// let store = EtcdStore::connect(["10.0.0.1:2379", "10.0.0.2:2379"], Options::new()).await?;
/// let greeting = store.namespace("/app/").value("greeting");
/// let mut watcher = greeting.decode(|bytes: &[u8]| String::from_utf8(bytes.to_vec())).watch();
/// loop {
///     match watcher.get().await {
///         Ok(greeting) => println!("{greeting}"),
///         Err(error) if error.is_closed() => return Ok(()),
///         Err(error) => eprintln!("{error:#}"), // the next good version arrives
///     }
/// }
/// # }
/// ```
///
/// It is no writer, so this does not compile:
///
/// ```compile_fail,E0599
/// use event_core::ValueWriter;
///
/// fn change(store: &event_etcd::EtcdStore, entry: event_core::Entry) {
///     store.value("greeting").set(entry);
/// }
/// ```
#[derive(Clone)]
pub struct EtcdStore {
    connection: Arc<Connection>,
    /// What every key of this view begins with.
    prefix: Bytes,
}

impl EtcdStore {
    /// A store of its own connection, to one of `endpoints` at a time, tried in order:
    /// `host:port`, `http://host:port` or `https://host:port`. A URL may leave out its port, which is then
    /// 80 or 443.
    ///
    /// Checks the arguments and does not wait for the cluster: a program may start before it.
    /// [`health`](Self::health) tells how it goes, and watchers wait.
    ///
    /// # Errors
    ///
    /// Of kind [`ErrorKind::InvalidArgument`]: no endpoint or one that can't be read, certificates that
    /// can't be read, bounds out of range, or no tokio runtime to run in. The runtime must have its
    /// clock and its I/O enabled, as `#[tokio::main]` has.
    pub async fn connect<E: Into<String>>(
        endpoints: impl IntoIterator<Item = E>,
        options: Options,
    ) -> Result<Self, Error> {
        let endpoints: Vec<String> = endpoints.into_iter().map(Into::into).collect();
        if endpoints.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "no endpoint is given: expected host:port",
            ));
        }
        let etcd = options.to_etcd(&endpoints)?;
        runtime()?;
        for endpoint in &endpoints {
            check(endpoint, &etcd).await?;
        }
        let members = Members { options: options.with_user(etcd), bound: options.bounds().connect };
        Self::start(Arc::new(members), Endpoints::new(endpoints, None), options.bounds())
    }

    /// A store over a client that the program has, with the default bounds.
    ///
    /// The endpoints are then the client's to choose, and its balancer hands calls to dead members
    /// again and again. Give it `with_require_leader`, a connect timeout, a keepalive of 5 s or more,
    /// and `with_auto_token_refresh` where there is a user; or let the store
    /// [`connect`](Self::connect) on its own.
    ///
    /// # Errors
    ///
    /// Of kind [`ErrorKind::InvalidArgument`]: no tokio runtime to run in.
    pub fn from_client(client: Client) -> Result<Self, Error> {
        let endpoints = Endpoints::new(["the client's".to_owned()], None);
        Self::start(Arc::new(client), endpoints, Options::new().bounds())
    }

    fn start(source: Arc<dyn Source>, endpoints: Endpoints, bounds: Bounds) -> Result<Self, Error> {
        let connection = Arc::new(Connection::start(source, endpoints, bounds, &runtime()?));
        Ok(Self { connection, prefix: Bytes::new() })
    }

    /// A view of the keys that begin with `prefix`, which are then named without it. Views nest.
    ///
    /// The prefix is taken as it is: end it with a `/` where it is meant as a folder.
    #[must_use]
    pub fn namespace(&self, prefix: impl AsRef<[u8]>) -> Self {
        Self { connection: Arc::clone(&self.connection), prefix: self.key(prefix.as_ref()) }
    }

    /// A key as a value. Costs nothing until it is watched.
    ///
    /// A key is no folder: to watch `app` tells nothing of `app/port`. Where the key is not there and
    /// such keys are, a warning is logged through `tracing`.
    #[must_use]
    pub fn value(&self, key: impl AsRef<[u8]>) -> EtcdValue {
        EtcdValue::new(Arc::clone(&self.connection), self.key(key.as_ref()))
    }

    /// How the connection does, as a value.
    ///
    /// A store connects when its first key is watched: with none it stays [`HealthState::Connecting`]. While no
    /// key is watched any more nothing is asked of the cluster, so the state stays as it was.
    ///
    /// [`HealthState::Connecting`]: event_core::HealthState::Connecting
    #[must_use]
    pub fn health(&self) -> MemoryReader<Health> {
        self.connection.health()
    }

    /// The time since the server last gave a sign of life, or since the store began if it never did.
    ///
    /// While a key is watched an idle stream is asked for one, so this stays below the
    /// [detection bound](Options::liveness_timeout) as long as all is well.
    #[must_use]
    pub fn stale_for(&self) -> Duration {
        self.connection.stale_for()
    }

    /// Adds an endpoint to those that are tried.
    ///
    /// It is for stores of their own connection: [`from_client`](Self::from_client)'s has one
    /// endpoint, the client.
    ///
    /// # Errors
    ///
    /// Of kind [`ErrorKind::InvalidArgument`]: it can't be read.
    pub fn add_endpoint(&self, endpoint: impl Into<String>) -> Result<(), Error> {
        let endpoint = endpoint.into();
        check_endpoint(&endpoint)?;
        self.connection.registry.change_endpoint(endpoint, true);
        Ok(())
    }

    /// Removes an endpoint, named as it was given. If it is the one in use, the next one is.
    pub fn remove_endpoint(&self, endpoint: impl Into<String>) {
        self.connection.registry.change_endpoint(endpoint.into(), false);
    }

    /// Ends the store for all its handles: each watcher takes the last version if it has not, then
    /// gets [`ErrorKind::Closed`].
    pub fn close(&self) {
        self.connection.close();
    }

    fn key(&self, name: &[u8]) -> Bytes {
        [&self.prefix, name].concat().into()
    }
}

fn runtime() -> Result<Handle, Error> {
    Handle::try_current().map_err(|error| {
        Error::new(ErrorKind::InvalidArgument, "a store needs a tokio runtime").with_source(error)
    })
}

impl fmt::Debug for EtcdStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
