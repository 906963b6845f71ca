//! `current`: the newest state of a map at hand, for all threads of a program at once.

use std::borrow::Borrow;
use std::fmt;

use crate::adapters::Current;
use crate::{BoxWatcher, Error, Snapshot};

/// The newest state of a map at hand, for any number of threads and tasks.
///
/// [`MapReaderExt::current`](crate::MapReaderExt::current) makes one. It is a handle that is cheap to clone. All
/// clones share one watcher and one [`Snapshot`]. It needs no task: the first call after a change takes the changes. What
/// it shows is the map as of one step, and after the end, the last step.
///
/// A call takes a [bounded number](crate::MapReaderExt::current) of changes. While more are left, and until the map is
/// synced, it shows what was there before: nothing at first. [`wait_until_synced`](Self::wait_until_synced) waits until the map is whole.
pub struct CurrentMap<K, V> {
    current: Current<Snapshot<K, V>>,
}

impl<K: Ord, V> CurrentMap<K, V> {
    pub(crate) fn new(watcher: BoxWatcher<Snapshot<K, V>>) -> Self {
        Self { current: Current::new(watcher) }
    }

    /// The value of a key; the last good one if its newest version is an error. `None` if the key is not there, or had
    /// no good value yet. Does not wait.
    ///
    /// ```
    /// use event_core::{MapReaderExt, MemoryMap};
    ///
    /// let ports = MemoryMap::new();
    /// let current = ports.current();
    /// ports.insert("web", 80);
    /// assert_eq!(current.get("web"), Some(80));
    /// ```
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        V: Clone,
    {
        self.current.get()?.get(key).cloned()
    }

    /// How many keys have a value. Does not wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.current.get().map_or(0, |snapshot| snapshot.len())
    }

    /// Whether no key has a value. Does not wait. A map that is not [synced](Self::is_synced) is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The whole map, for more than one look at the same state: to iterate, for instance. Does not wait, and copies
    /// no entries.
    ///
    /// ```
    /// use event_core::{MapReaderExt, MemoryMap};
    ///
    /// let ports = MemoryMap::new();
    /// let current = ports.current();
    /// ports.replace_all([("web", 80), ("dns", 53)]);
    /// assert_eq!(current.snapshot().iter().map(|(_, port)| port).sum::<i32>(), 133);
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> Snapshot<K, V> {
        self.current.get().map_or_else(Snapshot::new, |snapshot| snapshot.clone())
    }

    /// Whether the map was whole once. Does not wait.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.current.get().is_some()
    }

    /// Waits until the map is whole: until the backend has read the range, and all of it is here.
    ///
    /// # Errors
    ///
    /// The map ended before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    ///
    /// ```
    /// use event_core::{MapReaderExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.replace_all((0..50_000).map(|key| (key, key)));
    /// let current = map.current();
    /// current.wait_until_synced().await.unwrap();
    /// assert_eq!(current.len(), 50_000);
    /// # });
    /// ```
    pub async fn wait_until_synced(&self) -> Result<(), Error> {
        self.current.wait().await.map(drop)
    }
}

impl<K, V> Clone for CurrentMap<K, V> {
    fn clone(&self) -> Self {
        Self { current: self.current.clone() }
    }
}

impl<K, V> fmt::Debug for CurrentMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentMap").finish_non_exhaustive()
    }
}
