//! A map as it was at one moment.

mod difference;

use std::borrow::Borrow;
use std::fmt;
use std::ops::RangeBounds;
use std::sync::atomic::{AtomicU64, Ordering};

use rpds::RedBlackTreeMapSync;

use crate::{Change, Error};

/// A whole map as of one step: ordered by key, and cheap to clone, since all clones share their entries.
///
/// [`as_value`](crate::MapReaderExt::as_value) yields one for each step. `Debug` prints how many keys there are, and
/// not the values, which may be secrets.
///
/// A key whose newest version is an error keeps its last good value, if the `as_value` or the
/// [`current`](crate::MapReaderExt::current) that made the snapshot has seen one. A single
/// [`snapshot`](crate::MapReaderExt::snapshot) has not. The error is among the [`errors`](Self::errors)
/// until the key has a good value or is deleted.
///
/// ```
/// use event_core::{MapReaderExt, MemoryMap};
///
/// # futures_executor::block_on(async {
/// let ports = MemoryMap::new();
/// ports.replace_all([("web", 80), ("mail", 25), ("dns", 53)]);
/// let snapshot = ports.snapshot().await.unwrap();
/// assert_eq!(snapshot.get("web"), Some(&80));
/// assert_eq!(snapshot.iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["dns", "mail", "web"]);
/// # });
/// ```
pub struct Snapshot<K, V> {
    /// The last good value of each key.
    entries: RedBlackTreeMapSync<K, Stored<V>>,
    /// The keys whose newest version is an error.
    errors: RedBlackTreeMapSync<K, Stored<Error>>,
    revision: u64,
    /// Snapshots of one watcher have the same number.
    lineage: u64,
}

#[derive(Debug)]
struct Stored<T> {
    version: T,
    /// The revision in which it changed last.
    changed: u64,
}

impl<K: Ord, V> Snapshot<K, V> {
    /// An empty one, which is like no other.
    pub(crate) fn new() -> Self {
        static LINEAGES: AtomicU64 = AtomicU64::new(1);
        Self {
            entries: RedBlackTreeMapSync::new_sync(),
            errors: RedBlackTreeMapSync::new_sync(),
            revision: 0,
            lineage: LINEAGES.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Takes a change into the next revision, which begins with [`next_revision`](Self::next_revision).
    pub(crate) fn change(&mut self, change: Change<K, V>) {
        let changed = self.revision + 1;
        match change {
            Change::Put { key, value } => {
                self.errors.remove_mut(&key);
                self.entries.insert_mut(key, Stored { version: value, changed });
            }
            Change::Failed { key, error } => {
                self.errors.insert_mut(key, Stored { version: error, changed });
            }
            Change::Delete { key } => {
                self.errors.remove_mut(&key);
                self.entries.remove_mut(&key);
            }
            Change::Synced => {}
        }
    }

    pub(crate) fn next_revision(&mut self) {
        self.revision += 1;
    }

    /// The value of a key; the last good one if its newest version is an error. `None` if the key is not there, or had
    /// no good value yet.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        Some(&self.entries.get(key)?.version)
    }

    /// Whether the key is there, with a value or an error.
    #[must_use]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.entries.contains_key(key) || self.errors.contains_key(key)
    }

    /// The error of a key, if its newest version is one.
    #[must_use]
    pub fn error<Q>(&self, key: &Q) -> Option<&Error>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        Some(&self.errors.get(key)?.version)
    }

    /// The keys in a range, with their values, by rising key.
    ///
    /// ```
    /// use event_core::{MapReaderExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.replace_all((0..10).map(|key| (key, key * key)));
    /// let snapshot = map.snapshot().await.unwrap();
    /// assert!(snapshot.range(3..5).eq([(&3, &9), (&4, &16)]));
    /// # });
    /// ```
    pub fn range<Q>(&self, range: impl RangeBounds<Q>) -> impl DoubleEndedIterator<Item = (&K, &V)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.entries.range(range).map(version)
    }

    /// What differs from an `older` snapshot of the same [`as_value`](crate::MapReaderExt::as_value), by rising key: the
    /// changes that lead from it to this one. If the two do not stem from the same reader, each key counts
    /// as changed.
    ///
    /// It looks at all keys of both, and compares no values.
    ///
    /// ```
    /// use event_core::{Change, MapReaderExt, MemoryMap, ValueReader, WatcherExt};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.replace_all([("a", 1), ("b", 2), ("c", 3)]);
    /// let mut watcher = map.reader().as_value().watch();
    /// let older = watcher.get().await.unwrap();
    /// map.replace_all([("a", 1), ("b", 20)]);
    /// let newer = watcher.get().await.unwrap();
    /// let changes: Vec<_> = newer.changed_since(&older).collect();
    /// assert!(matches!(changes[0], Change::Put { key: &"b", value: &20 }));
    /// assert!(matches!(changes[1], Change::Delete { key: &"c" }));
    /// assert_eq!(changes.len(), 2);
    /// # });
    /// ```
    pub fn changed_since<'a>(
        &'a self,
        older: &'a Self,
    ) -> impl Iterator<Item = Change<&'a K, &'a V>> {
        difference::difference(self, older)
    }
}

impl<K: Ord, V> Snapshot<K, V> {
    /// The keys and their values, by rising key.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.entries.iter().map(version)
    }

    /// The keys whose newest version is an error, by rising key.
    #[must_use]
    pub fn errors(&self) -> impl DoubleEndedIterator<Item = (&K, &Error)> {
        self.errors.iter().map(version)
    }

    /// How many keys have a value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.size()
    }

    /// Whether no key has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The number of this snapshot: how many steps [`as_value`](crate::MapReaderExt::as_value) has yielded since it
    /// was first watched. It is not the backend's revision.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether the two are the same snapshot: the same revision of the same reader.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.lineage, self.revision) == (other.lineage, other.revision)
    }
}

fn version<'a, K, T>((key, stored): (&'a K, &'a Stored<T>)) -> (&'a K, &'a T) {
    (key, &stored.version)
}

impl<K: Ord, V> Clone for Snapshot<K, V> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone(), errors: self.errors.clone(), ..*self }
    }
}

impl<K: Ord, V> fmt::Debug for Snapshot<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (keys, errors) = (self.len(), self.errors.size());
        f.debug_struct("Snapshot")
            .field("revision", &self.revision)
            .field("keys", &keys)
            .field("errors", &errors)
            .finish_non_exhaustive()
    }
}
