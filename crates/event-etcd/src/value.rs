//! A key as a value.

use std::fmt;

use event_core::upstream::{UpstreamHealth, UpstreamValue, UpstreamWatcher};
use event_core::{Entry, Refresh, ValueReader};

/// An etcd key as a value of [`Entry`]s: its bytes and revision, *deleted*, or *never seen*.
///
/// [`EtcdStore::value`](crate::EtcdStore::value) makes one, and
/// [`decode`](event_core::ReaderExt::decode) turns it into a typed value. It costs nothing until it is
/// watched. All watchers of a key share one watch on the server. Each costs as much as a watcher of a
/// [`MemoryValue`](event_core::MemoryValue#cost).
///
/// # What does `get` yield?
///
/// | the key | `get` | `health` |
/// |---|---|---|
/// | exists | its bytes and the revision that wrote them | live |
/// | does not exist, or was deleted before the store watched it | *never seen*; with a decoder without a default, waits | live |
/// | is deleted while the store watches it, or is missing after a backup was restored | *deleted* and a revision, at most once for each watcher | live |
/// | may not be read by the user | waits until the user may read it | stalled: [`PermissionDenied`] and the key |
/// | has a value of more than 64 MB | waits until it is smaller | stalled: [`TooLarge`] and the key |
/// | has an empty name even with the namespace (etcd refuses it) | an error of kind [`InvalidArgument`](event_core::ErrorKind::InvalidArgument), once for each watcher; then waits until the store ends | stalled: [`InvalidArgument`]. The health of the store is not affected |
///
/// The last column is the [`health`](Self::health) of this value, while the store is live. The store tries again and
/// again to read a key that may not be read or is too large: every 0.5 s, plus 0.5 s for each 32 such keys. If the
/// key is too large, the interval doubles with each try, up to 30 s. Other keys are not affected. If a key can no
/// longer be read, its watchers get nothing newer, and [`Latest::get`](event_core::adapters::Latest::get) still
/// returns the last value. To get an error instead of waiting, call [`refresh`](ValueReader::refresh).
///
/// When the last watcher of a key is dropped, the store forgets the key. If the key is deleted after
/// that, the next watcher gets *never seen*.
///
/// While the cluster can't be reached, a `get` waits. It does not return an error. Watchers get
/// [`Closed`](event_core::ErrorKind::Closed) when the store ends: by
/// [`EtcdStore::close`](crate::EtcdStore::close), or with the tokio runtime that it was created in.
///
/// [`PermissionDenied`]: event_core::CauseKind::PermissionDenied
/// [`TooLarge`]: event_core::CauseKind::TooLarge
/// [`InvalidArgument`]: event_core::CauseKind::InvalidArgument
///
/// Dropping the last watcher of a key cancels its watch on the server. A watcher keeps the store alive.
#[derive(Clone)]
pub struct EtcdValue {
    value: UpstreamValue,
}

impl EtcdValue {
    /// The key has its namespace.
    pub(crate) fn new(value: UpstreamValue) -> Self {
        Self { value }
    }

    /// How this key is doing, as a value. Reading the health does not watch the key.
    ///
    /// - [`Stalled`]: the whole store is stalled, or it can't read this key. If it can't read this key, the cause has the
    ///   key, unless its name is empty. Watchers of this key may have a stale value, or wait for one.
    /// - [`Live`], if not stalled: the store is live, the key is watched, and it has been read. Watchers have the newest
    ///   version, or can take it. A key that does not exist is live.
    /// - [`Connecting`] otherwise.
    ///
    /// A key that can't be read does not change the health of other values, or the state of
    /// [`EtcdStore::health`](crate::EtcdStore::health). A readiness probe can therefore ask for the values that
    /// the program can't do without. `since`, `source`, `history_resets` and `cluster` are those of the store, so
    /// `since` does not say since when this key can't be read. The health ends with the store.
    ///
    /// ```no_run
    /// use event_core::{HealthState, ReaderExt, ValueReader};
    ///
    /// # async fn run(store: event_etcd::EtcdStore) -> Result<(), event_core::Error> {
    /// let config = store.value("config");
    /// let _watcher = config.watch();
    /// let is_ready = config.health().map(|health| health.state == HealthState::Live);
    /// println!("{}", if is_ready.get().await? { "ready" } else { "not ready" });
    /// # Ok(()) }
    /// ```
    ///
    /// [`Connecting`]: event_core::HealthState::Connecting
    /// [`Live`]: event_core::HealthState::Live
    /// [`Stalled`]: event_core::HealthState::Stalled
    #[must_use]
    pub fn health(&self) -> UpstreamHealth {
        self.value.health()
    }
}

impl ValueReader<Entry> for EtcdValue {
    type Watcher = UpstreamWatcher;

    fn watch(&self) -> UpstreamWatcher {
        self.value.watch()
    }

    /// Reads the key with a linearizable read, for all its watchers. [`ValueReader::refresh`] says what they then take.
    /// It waits while the cluster can't be reached, is overloaded or refuses the credentials: add a timeout if that
    /// matters.
    ///
    /// # Errors
    ///
    /// - [`PermissionDenied`](event_core::ErrorKind::PermissionDenied): the user may not read the key.
    /// - [`InvalidArgument`](event_core::ErrorKind::InvalidArgument): the key's name is empty.
    /// - [`ResourceExhausted`](event_core::ErrorKind::ResourceExhausted): the value is too large.
    /// - [`Closed`](event_core::ErrorKind::Closed): the store ended.
    fn refresh(&self) -> Refresh {
        self.value.refresh()
    }
}

impl fmt::Debug for EtcdValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdValue").field("key", self.value.key()).finish_non_exhaustive()
    }
}
