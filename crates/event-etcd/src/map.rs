//! A range of keys as a map.

use std::fmt;

use event_core::upstream::{UpstreamHealth, UpstreamMap, UpstreamMapWatcher};
use event_core::{Bytes, Entry, MapReader, Refresh};

/// A range of etcd keys as a map of [`Entry`]s: the keys that are there, each with its bytes, its revision and its metadata.
///
/// [`EtcdStore::map`](crate::EtcdStore::map) and [`EtcdStore::range`](crate::EtcdStore::range) make one, and
/// [`decode`](event_core::MapReaderExt::decode) turns it into a map of typed values. It costs nothing until it is
/// watched. All watchers of equal ranges share one watch on the server.
///
/// ```no_run
/// use event_core::{Change, MapReader, MapWatcherExt};
///
/// # async fn run(store: event_etcd::EtcdStore) -> Result<(), event_core::Error> {
/// let mut watcher = store.map("services").watch();
/// loop {
///     match watcher.change().await? {
///         Change::Put { key, value: entry } => println!("{key:?} is {:?}", entry.value()),
///         Change::Delete { key } => println!("{key:?} is gone"),
///         Change::Synced => println!("these are all"),
///         _ => {}
///     }
/// }
/// # }
/// ```
///
/// # What is a step?
///
/// When a watcher has nothing left to yield, after `Synced`, what it has yielded adds up to the whole range at one
/// revision of etcd. All changes of a transaction are in the same step, which may hold others, too. The end of a lease is
/// like a transaction: all keys of a service instance that died leave the map at once.
///
/// After the connection was lost, the store reads the range again and publishes what differs, as one step. A key that was
/// deleted in between is deleted. While the range can't be read, the map stays as it is: an error deletes nothing.
///
/// # What does it cost?
///
/// A range is read in pages of about 8 MB, all at one revision. The store keeps the names and the revisions of the
/// keys, to tell what differs, and shares their bytes with the map.
///
/// A map of [one level](event_core::KeyRange::one_level) keeps less, and reads as much: the server has no such filter, and sends the
/// deeper keys, too.
///
/// # If the range can't be read
///
/// The user needs the permission to read the whole range, and not only its keys. Otherwise the map waits, the
/// [`health`](Self::health) of the map is stalled for [`PermissionDenied`](event_core::CauseKind::PermissionDenied) with
/// the start of the range, and the store tries again and again. One key with a value of more than 64 MB has the same
/// effect on the whole map, with the cause [`TooLarge`](event_core::CauseKind::TooLarge). Other keys and maps are not
/// affected.
#[derive(Clone)]
pub struct EtcdMap {
    map: UpstreamMap,
}

impl EtcdMap {
    /// The range has its namespace.
    pub(crate) fn new(map: UpstreamMap) -> Self {
        Self { map }
    }

    /// How this map is doing, as a value. Reading the health does not watch the map.
    ///
    /// - [`Stalled`](event_core::HealthState::Stalled): the whole store is stalled, or it can't read this range. If it
    ///   can't read this range, the cause has the start of the range, unless that is empty. Watchers may have an old step.
    /// - [`Live`](event_core::HealthState::Live), if not stalled: the store is live, the map is watched, and the whole range
    ///   has been read. Watchers have the newest step, or can take it.
    /// - [`Connecting`](event_core::HealthState::Connecting) otherwise.
    #[must_use]
    pub fn health(&self) -> UpstreamHealth {
        self.map.health()
    }
}

impl MapReader<Bytes, Entry> for EtcdMap {
    type Watcher = UpstreamMapWatcher;

    fn watch(&self) -> UpstreamMapWatcher {
        self.map.watch()
    }

    /// Reads the range, for all watchers of the map. [`MapReader::refresh`] says what they then yield. It waits while the
    /// cluster can't be reached, is overloaded or refuses the credentials: add a timeout if that matters.
    ///
    /// # Errors
    ///
    /// - [`PermissionDenied`](event_core::ErrorKind::PermissionDenied): the user may not read the whole range.
    /// - [`ResourceExhausted`](event_core::ErrorKind::ResourceExhausted): a value is too large.
    /// - [`Closed`](event_core::ErrorKind::Closed): the store ended.
    fn refresh(&self) -> Refresh {
        self.map.refresh()
    }
}

impl fmt::Debug for EtcdMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdMap").field("range", self.map.range()).finish_non_exhaustive()
    }
}
