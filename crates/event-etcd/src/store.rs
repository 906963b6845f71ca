//! A connection to a cluster.

mod endpoints;
mod runtime;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_core::upstream::UpstreamHealth;
use event_core::{
    BoxMapReader, BoxReader, Bytes, Entry, Error, ErrorKind, Health, KeyRange, MapReaderExt,
    ReaderExt, Refresh, Store,
};
use tokio::runtime::Handle;

use crate::driver::DriverHandle;
use crate::endpoint::{Endpoint, EndpointNames, split};
use crate::map::EtcdMap;
use crate::options::Options;
use crate::ready::Ready;
use crate::seam::{Connector, Members};
use crate::session::{Endpoints, Session};
use crate::value::EtcdValue;

/// A connection to an etcd cluster. [`value`](Self::value) returns one key as a value, and [`map`](Self::map) the keys
/// under a path as a map.
///
/// It is a handle that is cheap to clone. All clones, their namespaces, values and watchers share one
/// connection, one watch stream and one task. The store connects when its first key or map is watched, and fails
/// over by itself. It ends when its last handle, value and watcher are dropped; a reader of its health does
/// not keep it alive. It only reads.
///
/// The task runs in the tokio runtime that the store was created in. A `current_thread` runtime is enough, as long
/// as something drives it. Watchers may be awaited on any executor.
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
/// A store does not write. Its values and maps end when the store ends: by [`close`](Self::close), or with the tokio
/// runtime that it was created in. Their watchers then yield the last version, unless they already did, and
/// after that [`ErrorKind::Closed`]. A cluster that can't be reached does not end a value.
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
    driver: DriverHandle,
    /// `None`: they are the client's to choose.
    endpoints: Option<Arc<EndpointNames>>,
    /// What every key of this view begins with.
    prefix: Bytes,
}

impl EtcdStore {
    /// Checks the arguments and returns a store, without connecting: the store connects to one of `endpoints`
    /// when the first key or map is watched.
    ///
    /// To wait until the cluster has answered, watch what the program needs and call [`ready`](Self::ready).
    ///
    /// An endpoint is `host:port`, `http://host:port` or `https://host:port`. A URL without a port means port 80
    /// or 443, not 2379. A host without a scheme needs a port. A Unix socket is `unix:///path/of/socket`, or
    /// `unixs://` with TLS. A string may have several endpoints, separated by commas. If an endpoint is given
    /// twice, even in different spellings, it counts once. An endpoint must not contain a user or a password: see
    /// [`Options::user`].
    ///
    /// If a name has several addresses, the store tries each of them. It resolves the name anew before it
    /// connects. Whichever address it chose, the certificate is checked against the name, and HTTP/2 sends the name
    /// as `:authority`. The server behind a Unix socket is called `localhost`.
    ///
    /// Only the arguments are checked here, so a program may start before its cluster. Until the cluster
    /// answers, watchers wait, and [`health`](Self::health) is connecting or stalled.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`]:
    ///
    /// - there is no endpoint, or one can't be parsed, or `http://` is combined with TLS;
    /// - the client's certificate or key is not PEM, or can't be parsed, or the key belongs to another
    ///   certificate; no certificate authority can be read;
    /// - a file of the credentials can't be read, or a function for them returns an error;
    /// - the user, the password or the name of the servers' certificates is empty;
    /// - an endpoint or an option is for TLS, and the [features](crate#features) for TLS are off;
    /// - a timeout is zero or longer than a day;
    /// - the call is outside a tokio runtime, or in one without time or without I/O. `#[tokio::main]` enables
    ///   both.
    pub async fn connect<E: Into<String>>(
        endpoints: impl IntoIterator<Item = E>,
        options: Options,
    ) -> Result<Self, Error> {
        let endpoints: Vec<String> = endpoints.into_iter().map(Into::into).collect();
        let endpoints = split(endpoints.iter().map(String::as_str))?;
        if endpoints.is_empty() {
            return Err(invalid("no endpoint is given: expected host:port"));
        }
        let tls = options.wants_tls() || endpoints.iter().any(|name| Endpoint::wants_tls(name));
        let (known, mut names) = (EndpointNames::new(tls), Vec::new());
        for endpoint in &endpoints {
            known.add(endpoint, |name| names.push(name))?;
        }
        options.check()?;
        let runtime = runtime::current()?;
        let members = Members::new(&options, tls).await?;
        let mut endpoints = Endpoints::new(names, None);
        if options.ordered_endpoints {
            endpoints = endpoints.in_order();
        }
        let session = |now| {
            let session = Session::new(endpoints, options.timeouts(), options.cluster_id, now)
                .with_audits(options.audit_interval);
            if options.follow_members { session.follow_members() } else { session }
        };
        Ok(Self::start(Arc::new(members), session, Some(known), &runtime))
    }

    /// Makes a store over a client that the program has, with the default timeouts.
    ///
    /// Prefer [`connect`](Self::connect): the balancer of a client keeps sending calls to dead members. The
    /// client must be of the version of etcd-client that this crate re-exports as
    /// [`etcd_client`](crate::etcd_client). In its `ConnectOptions`, set `with_require_leader`, a connect timeout,
    /// a keepalive interval of at least 5 s and, with a user, `with_auto_token_refresh`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`]: the call is outside a tokio runtime, or in one without time or without
    /// I/O.
    pub fn from_client(client: etcd_client::Client) -> Result<Self, Error> {
        let endpoints = Endpoints::new(["the client's".to_owned()], None);
        let session = |now| Session::new(endpoints, Options::new().timeouts(), None, now);
        Ok(Self::start(Arc::new(client), session, None, &runtime::current()?))
    }

    fn start(
        connector: Arc<dyn Connector>,
        session: impl FnOnce(Instant) -> Session,
        known: Option<EndpointNames>,
        runtime: &Handle,
    ) -> Self {
        let driver = DriverHandle::start(connector, session, runtime);
        Self { driver, endpoints: known.map(Arc::new), prefix: Bytes::new() }
    }

    /// A view of the keys that begin with `prefix`. Pass it keys without the prefix. Views nest.
    ///
    /// The prefix is taken as it is: end it with a `/` if you mean a folder. Entries and errors have the
    /// full key.
    #[must_use]
    pub fn namespace(&self, prefix: impl AsRef<[u8]>) -> Self {
        Self {
            driver: self.driver.clone(),
            endpoints: self.endpoints.clone(),
            prefix: self.key(prefix.as_ref()),
        }
    }

    /// A key as a value. It costs nothing until it is watched.
    ///
    /// For what a `get` yields, see [`EtcdValue`].
    ///
    /// Watching `app` does not watch `app/port`. If the key does not exist and keys below it do, the store
    /// logs a warning through `tracing`.
    #[must_use]
    pub fn value(&self, key: impl AsRef<[u8]>) -> EtcdValue {
        EtcdValue::new(self.driver.upstream.value(self.key(key.as_ref())))
    }

    /// The keys under a path as a map: `services` has the keys that begin with `services/`, each under the name that
    /// follows. An empty name is all keys. See [`KeyRange::folder`].
    ///
    /// ```no_run
    /// use event_core::MapReaderExt;
    ///
    /// # async fn run(store: event_etcd::EtcdStore) -> Result<(), event_core::Error> {
    /// let services = store.map("services").snapshot().await?;
    /// for (name, entry) in services.iter() {
    ///     println!("{name:?} is {:?}", entry.value());
    /// }
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn map(&self, name: impl AsRef<[u8]>) -> EtcdMap {
        self.range(KeyRange::folder(name))
    }

    /// A range of keys as a map. It costs nothing until it is watched. For what a watcher yields, see [`EtcdMap`].
    ///
    /// ```no_run
    /// use event_core::KeyRange;
    ///
    /// # fn make(store: event_etcd::EtcdStore) {
    /// let peers = store.range(KeyRange::prefix("peer-"));
    /// let instances = store.range(KeyRange::folder("services").one_level());
    /// # }
    /// ```
    #[must_use]
    pub fn range(&self, range: KeyRange) -> EtcdMap {
        EtcdMap::new(self.driver.upstream.map(range.within(&self.prefix)))
    }

    /// How the store is doing, as a value.
    ///
    /// - [`Connecting`]: nothing is watched and there is no connection, or the cluster has not answered and no try
    ///   has failed.
    /// - [`Live`]: as far as the store knows, watchers have the newest version of each key and map, or can
    ///   take it. This says nothing of those that can't be read, nor, until they have been read, of those
    ///   that you began to watch after the store connected. The member in use has answered a linearizable
    ///   read within the [liveness timeout](Options::liveness_timeout), or is sending a large response.
    /// - [`Stalled`]: any watcher may have a stale value. The cause says why. The store tries again without end.
    ///
    /// If a connection fails silently, a value can be stale while the store is still live. A connection that is
    /// wholly silent is noticed within the liveness timeout. If the member still answers, and only a watch is silent,
    /// it can take longer. The store is tested to notice it within twice the liveness timeout: 10 s by default. A
    /// single event that the server loses does not change the health until the store [finds the
    /// loss](Options::audit_interval).
    ///
    /// A live store may have a cause that you should look at. If the cause has a key, the store can't read that key,
    /// or the map that begins with it: the user may not read it, or a value is too large. The rest stays fresh, so
    /// one optional key does not make a readiness probe fail. The cause names only one of them, and there may be
    /// others: their [`EtcdValue::health`] and [`EtcdMap::health`] are stalled.
    /// [`OtherCluster`](event_core::CauseKind::OtherCluster) says that the cluster's id changed, and names both ids.
    ///
    /// A new version comes when the state, the cause, the endpoint in use, the cluster's id or the number of
    /// history resets changes. While the store is stalled, it tries the endpoints in turn. If an endpoint fails
    /// again for the same reason, that is not a new version.
    ///
    /// If the server refuses the client's certificate, or the credentials can't be read, the cause is `Unauthenticated`.
    /// If TLS fails for another reason, such as a wrong authority, an expired certificate or a wrong name, it is
    /// `Unreachable`. The cause says what to change, and has the words of the TLS library.
    ///
    /// When the last watcher is dropped, the store keeps its connection but stops asking whether it works. *Live*
    /// may then be out of date. When that connection ends, or if there was none, the state becomes connecting,
    /// and the store connects again when something is watched.
    ///
    /// When the store ends, every `get` of the health returns [`ErrorKind::Closed`]. Unlike other values, the health does
    /// not yield its last version first.
    ///
    /// The store logs through `tracing`. If it stalls, or can't read a key or a map, it logs a warning with
    /// the cause. When the problem is over, it logs at level `INFO` how long it lasted. A problem that
    /// lasts is one line. If it comes back within ten seconds of its last line, the next line comes after
    /// these ten seconds, if the problem is still there. Each change of the health is logged at level
    /// `DEBUG`.
    ///
    /// The store detects that etcd's history was replaced, and `history_resets` grows, if
    ///
    /// - the revision of etcd, or that of a key, is lower than before;
    /// - the cluster's id changed; or
    /// - etcd now has other data at the revision of a version that watchers got earlier.
    ///
    /// If the cluster's id is the same, and the new history is already past the revision of the last
    /// version that watchers got, and has compacted that revision, the store can't detect the reset:
    /// watchers get the new data, but `history_resets` does not grow.
    ///
    /// # Example
    ///
    /// ```no_run
    /// use event_core::{HealthState, ReaderExt};
    ///
    /// # async fn run(store: event_etcd::EtcdStore) -> Result<(), event_core::Error> {
    /// let is_live = store.health().map(|health| health.state == HealthState::Live);
    /// println!("{}", if is_live.get().await? { "ready" } else { "not ready" });
    /// # Ok(()) }
    /// ```
    ///
    /// [`Connecting`]: event_core::HealthState::Connecting
    /// [`Live`]: event_core::HealthState::Live
    /// [`Stalled`]: event_core::HealthState::Stalled
    #[must_use]
    pub fn health(&self) -> UpstreamHealth {
        self.driver.upstream.health()
    }

    /// Waits until every key and every map that is watched now has been read. Call it when a service starts, after it has
    /// watched what it needs.
    ///
    /// A key that does not exist counts as read, and so does one with an empty name. If nothing is watched, the future
    /// completes at once. The future keeps the store alive. While the cluster can't be reached, it waits: set a timeout
    /// with [`within`](Ready::within), and the error says why the store is not ready.
    ///
    /// # Errors
    ///
    /// - [`Unauthenticated`](ErrorKind::Unauthenticated): the server refused the credentials or the client's
    ///   certificate, or they can't be read.
    /// - [`PermissionDenied`](ErrorKind::PermissionDenied) or
    ///   [`ResourceExhausted`](ErrorKind::ResourceExhausted), with the key, or the start of the range: a key or a map can't
    ///   be read. If the program can do without it, watch it after the store is ready.
    /// - [`Closed`](ErrorKind::Closed): the store ended.
    /// - After the timeout, the kind of the cause. It is [`Unavailable`](ErrorKind::Unavailable) if the cluster
    ///   can't be reached.
    ///
    /// The store goes on after an error, so you may call `ready` again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Example
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use event_core::{ErrorKind, ValueReader};
    /// use event_etcd::{EtcdStore, Options};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), event_core::Error> {
    /// let store = EtcdStore::connect(["127.0.0.1:1"], Options::new()).await?; // nobody listens there
    /// let _watcher = store.value("config").watch();
    /// let error = store.ready().within(Duration::from_millis(500)).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unavailable);
    /// println!("{error}"); // not ready within 500ms: unreachable: no connection to 127.0.0.1:1: …
    /// # Ok(()) }
    /// ```
    pub fn ready(&self) -> Ready {
        Ready::new(&self.driver)
    }

    /// The time since a server last answered a linearizable read. If there was none, the time since the store
    /// was created.
    ///
    /// While something is watched and all is well, it stays below the [liveness
    /// timeout](Options::liveness_timeout). It is about the connection: it stays low even if no watched key can be
    /// read, since a refusal is an answer, too.
    #[must_use]
    pub fn stale_for(&self) -> Duration {
        self.driver.stale_for()
    }

    /// Ends the store for all its handles: each watcher of a value or a map yields what is left, unless it already did,
    /// and after that [`ErrorKind::Closed`].
    pub fn close(&self) {
        self.driver.upstream.close();
    }

    fn key(&self, name: &[u8]) -> Bytes {
        [&self.prefix, name].concat().into()
    }
}

impl Store for EtcdStore {
    fn key(&self, name: Bytes) -> BoxReader<Entry> {
        self.value(name).boxed()
    }

    fn key_health(&self, name: Bytes) -> BoxReader<Health> {
        self.value(name).health().boxed()
    }

    fn range(&self, range: KeyRange) -> BoxMapReader<Bytes, Entry> {
        Self::range(self, range).boxed()
    }

    fn range_health(&self, range: KeyRange) -> BoxReader<Health> {
        Self::range(self, range).health().boxed()
    }

    fn health(&self) -> BoxReader<Health> {
        Self::health(self).boxed()
    }

    /// Reads every key and every map that is watched, of all clones and namespaces.
    fn refresh(&self) -> Refresh {
        self.driver.upstream.refresh()
    }
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

impl fmt::Debug for EtcdStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
