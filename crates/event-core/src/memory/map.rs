//! A map in memory.

use std::borrow::Borrow;
use std::hash::Hash;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

#[cfg(feature = "upstream")]
use crate::cell::Merge;
use crate::cell::{AppliedStep, MapCell, MapCursor, Step};
use crate::debug::debug;
use crate::{Change, Epoch, Error, ErrorKind, MapReader, MapWatcher};

/// A map in memory. A program changes and watches it. A test uses it in place of a backend. If you write a
/// backend, hand what it reads to its watchers through a `MemoryMap`.
///
/// It is a handle that is cheap to clone. Each clone is a writer. When the last writer is dropped, each watcher
/// takes what it has not taken yet, then gets [`ErrorKind::Closed`](crate::ErrorKind::Closed).
/// [`reader`](Self::reader) returns a handle that is not a writer.
///
/// # Cost
///
/// A map keeps one version of each key. A watcher is a number, and a place for a waker if it waits. A slow watcher costs
/// no queue, but tombstones: one for each key that it has taken, that was deleted since, and whose delete it has not
/// taken. If the watchers need `n` tombstones, a map with `w` watchers keeps at most `2 n + w + 64`.
///
/// Each watcher gets clones of keys and values, which are made under the map's lock: keep big ones in an
/// [`Arc`]. A `clone`, or an `==` of a key, that changes or watches its own map deadlocks. So does an `==` of a value in
/// [`replace_all`](Self::replace_all).
///
/// ```
/// use event_core::{Change, MapReader, MapWatcherExt, MemoryMap};
///
/// # futures_executor::block_on(async {
/// let weights = MemoryMap::new();
/// weights.insert("a", 1);
/// let mut watcher = weights.watch();
/// watcher.wait_until_synced().await.unwrap(); // skips `a`
/// weights.apply(|step| {
///     step.remove("a");
///     step.insert("b", 2);
/// });
/// assert_eq!(watcher.changes().await.unwrap().len(), 2); // one step
/// drop(weights);
/// assert!(watcher.change().await.unwrap_err().is_closed());
/// # });
/// ```
pub struct MemoryMap<K, V> {
    cell: Arc<MapCell<K, V>>,
    /// It stopped writing: it may not publish any more, perhaps after the end.
    only_reads: bool,
}

impl<K, V> MemoryMap<K, V> {
    /// An empty map, which is synced: a watcher yields [`Change::Synced`] when it has yielded what is there.
    #[must_use]
    pub fn new() -> Self {
        Self { cell: Arc::new(MapCell::new(true)), only_reads: false }
    }

    /// An empty map that is not synced yet, for a backend that has not read its range. What is put into it is
    /// yielded at once. It has no whole steps before [`set_synced`](Self::set_synced).
    ///
    /// ```
    /// use event_core::{MapReader, MapWatcherExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::unsynced();
    /// let mut watcher = map.watch();
    /// map.insert("a", 1);
    /// assert_eq!(watcher.change().await.unwrap().key(), Some(&"a"));
    /// assert!(watcher.try_change().is_none());
    /// map.set_synced();
    /// assert!(watcher.change().await.unwrap().is_synced());
    /// # });
    /// ```
    #[must_use]
    pub fn unsynced() -> Self {
        Self { cell: Arc::new(MapCell::new(false)), only_reads: false }
    }

    /// Says that what was put into the map until now is the whole range. A map stays synced.
    pub fn set_synced(&self) {
        if !self.only_reads {
            self.cell.set_synced();
        }
    }

    /// Drops this writer. If it is the last one, the map ends, and every [`Closed`](crate::ErrorKind::Closed) that its
    /// watchers get says why.
    ///
    /// ```
    /// use event_core::{MapReader, MapWatcherExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::<u8, u8>::unsynced();
    /// let mut watcher = map.watch();
    /// map.end("the test is over");
    /// assert_eq!(watcher.change().await.unwrap_err().to_string(), "the test is over");
    /// # });
    /// ```
    pub fn end(mut self, why: impl Into<String>) {
        if !mem::replace(&mut self.only_reads, true) {
            self.cell.remove_writer(Some(Error::new(ErrorKind::Closed, why)));
        }
    }

    /// A read-only handle. The map ends when its last writer is dropped, even if readers remain.
    #[must_use]
    pub fn reader(&self) -> MemoryMapReader<K, V> {
        MemoryMapReader { cell: Arc::clone(&self.cell) }
    }
}

impl<K: Hash + Eq, V> MemoryMap<K, V> {
    /// Sets the value of a key, as a step of its own.
    ///
    /// ```
    /// use event_core::{Change, MapReader, MapWatcherExt, MemoryMap};
    ///
    /// let map = MemoryMap::new();
    /// let mut watcher = map.watch();
    /// map.insert("a", 1);
    /// map.insert("a", 2);
    /// assert!(matches!(watcher.try_change(), Some(Ok(Change::Put { key: "a", value: 2 }))));
    /// ```
    pub fn insert(&self, key: K, value: V) {
        if !self.only_reads {
            self.cell.put(key, Ok(value));
        }
    }

    /// Deletes a key, as a step of its own. Returns whether it was there.
    ///
    /// ```
    /// use event_core::MemoryMap;
    ///
    /// let map = MemoryMap::new();
    /// map.insert("a".to_owned(), 1);
    /// assert!(map.remove("a"));
    /// assert!(!map.remove("a"));
    /// ```
    pub fn remove<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        !self.only_reads && self.cell.delete(key)
    }

    /// Makes an error the newest version of a key, as a step of its own. Each watcher yields it at most once. A later
    /// version replaces it.
    ///
    /// [`Error::closed`] is ignored: a map ends with its last writer.
    ///
    /// ```
    /// use event_core::{Change, Error, ErrorKind, MapReader, MapWatcherExt, MemoryMap};
    ///
    /// let map = MemoryMap::<_, u8>::new();
    /// map.fail("a", Error::new(ErrorKind::Decode, "expected a number"));
    /// let mut watcher = map.watch();
    /// assert!(matches!(watcher.try_change(), Some(Ok(Change::Failed { key: "a", .. }))));
    /// ```
    pub fn fail(&self, key: K, error: Error) {
        if !self.only_reads && !error.is_closed() {
            self.cell.put(key, Err(error));
        }
    }

    /// Changes several keys as one step. `f` runs without a lock, and gets the step to fill. Of several changes of one
    /// key, the last one counts.
    ///
    /// A watcher does not run out of changes in the middle of a step, and those that wait are woken once.
    ///
    /// ```
    /// use event_core::{MapReader, MapWatcherExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// let mut watcher = map.watch();
    /// watcher.wait_until_synced().await.unwrap();
    /// map.apply(|step| {
    ///     step.insert("a", 1);
    ///     step.insert("b", 1);
    /// });
    /// assert_eq!(watcher.changes().await.unwrap().len(), 2);
    /// # });
    /// ```
    pub fn apply(&self, f: impl FnOnce(&mut Step<K, V>)) {
        if self.only_reads {
            return;
        }
        let mut step = self.cell.step();
        f(&mut step);
        self.cell.apply(step);
    }

    /// Makes `entries` the whole map, as one step. A key whose value is equal stays untouched, so the watchers yield
    /// only what differs: a backend calls this with what it has read again.
    ///
    /// Of several entries with one key, the last one counts. `==` of the values runs under the map's lock.
    ///
    /// ```
    /// use event_core::{MapReader, MapWatcherExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.replace_all([("a", 1), ("b", 2), ("c", 3)]);
    /// let mut watcher = map.watch();
    /// watcher.wait_until_synced().await.unwrap(); // skips these
    /// map.replace_all([("a", 1), ("b", 20)]);
    /// assert_eq!(watcher.changes().await.unwrap().len(), 2); // `b` has changed, `c` is gone
    /// # });
    /// ```
    pub fn replace_all(&self, entries: impl IntoIterator<Item = (K, V)>)
    where
        V: PartialEq,
    {
        if self.only_reads {
            return;
        }
        let mut step = self.cell.step();
        entries.into_iter().for_each(|(key, value)| step.insert(key, value));
        self.cell.replace(step);
    }

    /// An empty step for this map.
    pub(crate) fn step(&self) -> Step<K, V> {
        self.cell.step()
    }

    /// Applies a step, for a caller with a lock of its own. If `is_synced`, the map is as of then the whole range.
    pub(crate) fn apply_quietly(&self, step: Step<K, V>, is_synced: bool) -> AppliedStep<K, V> {
        self.cell.apply_quietly(step, is_synced)
    }
}

#[cfg(feature = "upstream")]
impl<K: Hash + Eq, V> MemoryMap<K, V> {
    /// Applies a step. If `is_synced`, the map is as of then the whole range.
    pub(crate) fn apply_and_sync(&self, step: Step<K, V>, is_synced: bool) {
        self.cell.apply_and_sync(step, is_synced);
    }

    /// Makes those changes of a step that differ from what there is. Returns whether there were any.
    pub(crate) fn merge(
        &self,
        step: Step<K, V>,
        how: Merge,
        is_same: impl Fn(&Result<V, Error>, &Result<V, Error>) -> bool,
    ) -> bool {
        self.cell.merge(step, how, is_same)
    }
}

impl<K, V> Default for MemoryMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> Clone for MemoryMap<K, V> {
    fn clone(&self) -> Self {
        if !self.only_reads {
            self.cell.add_writer();
        }
        Self { cell: Arc::clone(&self.cell), only_reads: self.only_reads }
    }
}

impl<K, V> Drop for MemoryMap<K, V> {
    fn drop(&mut self) {
        if !self.only_reads {
            self.cell.remove_writer(None);
        }
    }
}

impl<K: Clone, V: Clone> MapReader<K, V> for MemoryMap<K, V> {
    type Watcher = MemoryMapWatcher<K, V>;

    fn watch(&self) -> Self::Watcher {
        MemoryMapWatcher::new(&self.cell)
    }

    fn stop_writing(&mut self) {
        if !mem::replace(&mut self.only_reads, true) {
            self.cell.remove_writer(None);
        }
    }
}

/// A read-only handle to a [`MemoryMap`].
pub struct MemoryMapReader<K, V> {
    cell: Arc<MapCell<K, V>>,
}

impl<K, V> Clone for MemoryMapReader<K, V> {
    fn clone(&self) -> Self {
        Self { cell: Arc::clone(&self.cell) }
    }
}

impl<K: Clone, V: Clone> MapReader<K, V> for MemoryMapReader<K, V> {
    type Watcher = MemoryMapWatcher<K, V>;

    fn watch(&self) -> Self::Watcher {
        MemoryMapWatcher::new(&self.cell)
    }
}

/// A watcher of a [`MemoryMap`].
#[must_use = "a watcher does nothing unless it is polled"]
pub struct MemoryMapWatcher<K, V> {
    cell: Arc<MapCell<K, V>>,
    cursor: MapCursor,
}

impl<K, V> MemoryMapWatcher<K, V> {
    fn new(cell: &Arc<MapCell<K, V>>) -> Self {
        Self { cell: Arc::clone(cell), cursor: cell.watch() }
    }
}

impl<K: Clone, V: Clone> MapWatcher<K, V> for MemoryMapWatcher<K, V> {
    #[inline]
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<Result<Change<K, V>, Error>> {
        self.cell.poll_change(&mut self.cursor, cx)
    }

    fn poll_changes(
        &mut self,
        cx: &mut Context<'_>,
        limit: usize,
        into: &mut Vec<Change<K, V>>,
    ) -> Poll<Result<(), Error>> {
        self.cell.poll_changes(&mut self.cursor, cx, limit, into)
    }

    fn epoch(&self) -> Option<Epoch> {
        Some(self.cell.epoch())
    }
}

impl<K, V> Drop for MemoryMapWatcher<K, V> {
    fn drop(&mut self) {
        self.cell.unregister(&mut self.cursor);
    }
}

debug!(MemoryMap < K, V > {});
debug!(MemoryMapReader < K, V > {});
debug!(MemoryMapWatcher < K, V > {});
