//! A connection to a cluster.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use event_core::{Bytes, Error, ErrorKind, Health, MemoryReader};
use tokio::runtime::Handle;

use crate::driver::DriverHandle;
use crate::endpoint::{check_endpoint, wants_tls};
use crate::mailbox::EndpointChange;
use crate::options::Options;
use crate::seam::{Connector, Members};
use crate::session::{Endpoints, Timeouts};
use crate::value::EtcdValue;

/// A connection to an etcd cluster, whose keys are values.
///
/// It is a handle that is cheap to clone. All clones, their namespaces, values and watchers share one
/// connection, one watch stream and one task. The store connects when its first key is watched, fails over
/// by itself, and ends when the last handle is dropped. It only reads.
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
/// # When does a value end?
///
/// A store is no writer, so *no writer is left* means here that the store ended: by
/// [`close`](Self::close), or with the tokio runtime that it was made in. Its watchers then take the last
/// version and get [`ErrorKind::Closed`]. A cluster that can't be reached does not end a value.
///
/// Calling `set` does not compile:
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
    driver: Arc<DriverHandle>,
    endpoints: WhichEndpoints,
    /// What every key of this view begins with.
    prefix: Bytes,
}

/// Which endpoints may be added.
#[derive(Debug, Clone, Copy)]
enum WhichEndpoints {
    Plain,
    Tls,
    /// None: they are the client's to choose.
    OfTheClient,
}

impl EtcdStore {
    /// Makes a store that connects to one of `endpoints` at a time, and does not wait for the cluster.
    ///
    /// An endpoint is `host:port`, `http://host:port` or `https://host:port`. A URL may leave out its
    /// port, which is then 80 or 443. The store tries the endpoints in this order.
    ///
    /// Only the arguments are checked here, so a program may start before its cluster. Then watchers
    /// wait, and [`health`](Self::health) shows how the store is doing. Use a timeout on the first `get`
    /// if your program should not start without a value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`]:
    ///
    /// - there is no endpoint, or one can't be read, or `http://` and TLS are mixed;
    /// - a certificate or a key can't be read;
    /// - a timeout is zero or longer than a day;
    /// - the call is outside a tokio runtime. The runtime must have its clock and its I/O enabled, as that of
    ///   `#[tokio::main]` has.
    pub async fn connect<E: Into<String>>(
        endpoints: impl IntoIterator<Item = E>,
        options: Options,
    ) -> Result<Self, Error> {
        let endpoints: Vec<String> = endpoints.into_iter().map(Into::into).collect();
        let Some(first) = endpoints.first() else {
            return Err(invalid("no endpoint is given: expected host:port"));
        };
        let tls = options.wants_tls() || endpoints.iter().any(|endpoint| wants_tls(endpoint));
        for endpoint in &endpoints {
            check_endpoint(endpoint, tls)?;
        }
        options.check()?;
        runtime()?;
        let members = Members::new(&options, tls, first).await?;
        let which = if tls { WhichEndpoints::Tls } else { WhichEndpoints::Plain };
        Self::start(Arc::new(members), endpoints, options.timeouts(), which)
    }

    /// Makes a store over a client that the program has, with the default timeouts.
    ///
    /// The client chooses the endpoints, and its balancer gives calls to dead members again and again.
    /// Give the client `with_require_leader`, a connect timeout, a keepalive of 5 s or more, and
    /// `with_auto_token_refresh` if there is a user. Better, let the store [`connect`](Self::connect)
    /// on its own.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`]: the call is outside a tokio runtime.
    pub fn from_client(client: etcd_client::Client) -> Result<Self, Error> {
        let endpoints = vec!["the client's".to_owned()];
        let timeouts = Options::new().timeouts();
        Self::start(Arc::new(client), endpoints, timeouts, WhichEndpoints::OfTheClient)
    }

    fn start(
        connector: Arc<dyn Connector>,
        endpoints: Vec<String>,
        timeouts: Timeouts,
        which: WhichEndpoints,
    ) -> Result<Self, Error> {
        let endpoints = Endpoints::new(endpoints, None);
        let driver = Arc::new(DriverHandle::start(connector, endpoints, timeouts, &runtime()?));
        Ok(Self { driver, endpoints: which, prefix: Bytes::new() })
    }

    /// A view of the keys that begin with `prefix`. In it you name keys without the prefix. Views nest.
    ///
    /// The prefix is taken as it is: end it with a `/` if you mean a folder. Entries and errors have the
    /// full key.
    #[must_use]
    pub fn namespace(&self, prefix: impl AsRef<[u8]>) -> Self {
        Self {
            driver: Arc::clone(&self.driver),
            endpoints: self.endpoints,
            prefix: self.key(prefix.as_ref()),
        }
    }

    /// A key as a value. It costs nothing until it is watched.
    ///
    /// [`EtcdValue`] says what a `get` yields: of a key that does not exist, that the user may not read,
    /// that is empty.
    ///
    /// A key is no folder: watching `app` yields nothing of `app/port`. If the key does not exist and keys
    /// below it do, the store logs a warning through `tracing`.
    #[must_use]
    pub fn value(&self, key: impl AsRef<[u8]>) -> EtcdValue {
        EtcdValue::new(Arc::clone(&self.driver), self.key(key.as_ref()))
    }

    /// How the store is doing, as a value.
    ///
    /// - [`Connecting`]: no key was watched yet, or the cluster has not answered yet.
    /// - [`Live`]: the watch stream is open and answers, and every watched key was read.
    /// - [`Stalled`]: watchers may have stale values, for the reason in its cause: all of them, or those of
    ///   one key that can't be read. The store tries again without end.
    ///
    /// A new version comes when the state, the kind of the cause, the endpoint in use or the number of
    /// history resets changes. [`stale_for`](Self::stale_for) says how fresh the last response is.
    ///
    /// After the last watcher has left, the store asks the cluster nothing more, so the health stays as it
    /// was: *live* then says nothing of now.
    ///
    /// A replaced history shows itself by a lower revision, or by another version at the revision of one
    /// that was published. A history that has passed the old revision, and has compacted that version, is
    /// not noticed.
    ///
    /// [`Connecting`]: event_core::HealthState::Connecting
    /// [`Live`]: event_core::HealthState::Live
    /// [`Stalled`]: event_core::HealthState::Stalled
    #[must_use]
    pub fn health(&self) -> MemoryReader<Health> {
        self.driver.health()
    }

    /// The time since the server last gave a sign of life, or since the store was made if it never did.
    ///
    /// While a key is watched and all is well, it stays below the
    /// [liveness timeout](Options::liveness_timeout).
    #[must_use]
    pub fn stale_for(&self) -> Duration {
        self.driver.stale_for()
    }

    /// Adds an endpoint to those that the store tries.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`]: the endpoint can't be read, or does not fit the store: `http://` if the
    /// store uses TLS, `https://` if it does not. Or the store is one
    /// [over a client](Self::from_client), which has endpoints of its own.
    pub fn add_endpoint(&self, endpoint: impl Into<String>) -> Result<(), Error> {
        let endpoint = endpoint.into();
        check_endpoint(&endpoint, self.tls()?)?;
        self.driver.mailbox.change_endpoint(endpoint, EndpointChange::Added);
        Ok(())
    }

    /// Removes an endpoint, which is named as it was given. If it is the one in use, the store connects to
    /// the next one. Removing an endpoint that the store does not have changes nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`]: the store is one [over a client](Self::from_client), which has
    /// endpoints of its own.
    pub fn remove_endpoint(&self, endpoint: impl Into<String>) -> Result<(), Error> {
        self.tls()?;
        self.driver.mailbox.change_endpoint(endpoint.into(), EndpointChange::Removed);
        Ok(())
    }

    /// Ends the store for all its handles: each watcher takes the last version if it has not, then
    /// gets [`ErrorKind::Closed`].
    pub fn close(&self) {
        self.driver.close();
    }

    /// Whether the store uses TLS.
    fn tls(&self) -> Result<bool, Error> {
        match self.endpoints {
            WhichEndpoints::Plain => Ok(false),
            WhichEndpoints::Tls => Ok(true),
            WhichEndpoints::OfTheClient => Err(invalid(
                "the store is over a client, which has endpoints of its own: change them there",
            )),
        }
    }

    fn key(&self, name: &[u8]) -> Bytes {
        [&self.prefix, name].concat().into()
    }
}

fn runtime() -> Result<Handle, Error> {
    Handle::try_current()
        .map_err(|error| invalid("a store needs a tokio runtime").with_source(error))
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

impl fmt::Debug for EtcdStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
