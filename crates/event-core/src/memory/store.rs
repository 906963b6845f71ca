//! A store in memory.

mod map;
mod step;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use smallvec::SmallVec;

use super::{MemoryMap, MemoryMapWatcher, MemoryReader, MemoryValue, MemoryWatcher};
use crate::cell::{AppliedStep, Lock, Published};
use crate::{
    BoxMapReader, BoxReader, Bytes, Entry, Epoch, Error, Health, HealthState, KeyRange, MapReader,
    MapReaderExt, Metadata, ReaderExt, Refresh, Store, ValueReader, Watcher,
};
use map::Maps;

pub use map::{MemoryStoreMap, MemoryStoreMapWatcher};
pub use step::MemoryStoreStep;

/// A store in memory. A test passes it in place of a backend, and a program whose keys live in its own memory uses
/// it, too.
///
/// It is a handle that is cheap to clone. The store ends when it is [closed](Self::close), and not with its
/// last handle: a watcher keeps it alive. It keeps the newest version of each key that exists, and *deleted* for a deleted
/// key with watchers. A change of any key takes the next revision, as in etcd, and an entry has its [`Metadata`], without a
/// lease. When a change returns, the watchers of the
/// key and those of every map that has the key can take it. [`apply`](Self::apply) changes several keys as one step.
///
/// ```
/// use event_core::{EntryState, MemoryStore, StoreExt, ValueReader, WatcherExt};
///
/// let store = MemoryStore::new();
/// let mut watcher = store.value("port").watch();
/// assert_eq!(watcher.try_get().unwrap().unwrap().state, EntryState::NeverSeen);
/// store.set("port", "8080");
/// assert_eq!(watcher.try_get().unwrap().unwrap().value().unwrap(), "8080");
/// store.delete("port");
/// assert_eq!(watcher.try_get().unwrap().unwrap().value(), None);
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    state: Lock<State>,
    health: MemoryReader<Health>,
}

#[derive(Debug)]
struct State {
    /// The keys that are there or have a watcher.
    keys: BTreeMap<Bytes, MemoryValue<Entry>>,
    maps: Maps,
    revision: i64,
    /// `None`: the store is closed.
    health: Option<MemoryValue<Health>>,
}

impl MemoryStore {
    /// A store without keys. Its health is live.
    #[must_use]
    pub fn new() -> Self {
        let health = MemoryValue::new(Health::new(HealthState::Live));
        let reader = health.reader();
        let state = State {
            keys: BTreeMap::new(),
            maps: Maps::default(),
            revision: 0,
            health: Some(health),
        };
        Self { shared: Arc::new(Shared { state: Lock::new(state), health: reader }) }
    }

    /// Sets a key. Returns the revision, or `None` if the store is closed.
    pub fn set(&self, name: impl AsRef<[u8]>, value: impl Into<Bytes>) -> Option<i64> {
        self.apply(|step| step.set(name, value))
    }

    /// Deletes a key. Returns the revision, or `None` if the key is not there, or the store is closed.
    pub fn delete(&self, name: impl AsRef<[u8]>) -> Option<i64> {
        self.apply(|step| step.delete(name))
    }

    /// Changes several keys as one step, with one revision. Returns the revision, or `None` if nothing changed, or the
    /// store is closed. `f` runs without a lock, and gets the step to fill.
    ///
    /// For one map it is one [step](crate::MapReader#the-laws). Watchers of two keys, or of two maps, may see a part of it.
    ///
    /// ```
    /// use event_core::{MapReader, MapWatcherExt, MemoryStore, StoreExt};
    ///
    /// # futures_executor::block_on(async {
    /// let store = MemoryStore::new();
    /// store.set("services/a", "host-a:80");
    /// let mut services = store.map("services").watch();
    /// services.wait_until_synced().await.unwrap(); // skips what is there
    /// store.apply(|step| {
    ///     step.delete("services/a");
    ///     step.set("services/b", "host-b:80");
    /// });
    /// assert_eq!(services.changes().await.unwrap().len(), 2);
    /// # });
    /// ```
    pub fn apply(&self, f: impl FnOnce(&mut MemoryStoreStep)) -> Option<i64> {
        let mut step = MemoryStoreStep::default();
        f(&mut step);
        let changes = step.into_last_changes();
        // Before the guard, so after it when this returns: dropping it wakes tasks.
        let mut applied = Applied::default();
        let mut state = self.shared.state.lock();
        let revision = state.revision + 1;
        let is_change = |(name, value): &(Bytes, Option<Bytes>)| {
            value.is_some() || state.keys.get(name).is_some_and(MemoryValue::is_present)
        };
        let entries: SmallVec<[Entry; 1]> = changes
            .into_iter()
            .filter(is_change)
            .map(|(name, value)| match value {
                Some(value) => {
                    let metadata = next_metadata(state.keys.get(&name), revision);
                    Entry::present(name, revision, value).with_metadata(metadata)
                }
                None => Entry::deleted(name, revision),
            })
            .collect();
        if entries.is_empty() || state.health.is_none() {
            drop(state);
            return None;
        }
        state.revision = revision;
        applied.maps = state.maps.apply(&entries);
        for entry in entries {
            state.publish(entry, &mut applied);
        }
        drop(state);
        Some(revision)
    }

    /// The number of keys that exist or are watched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.state.lock().keys.len()
    }

    /// Whether no key exists or is watched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends the store: each watcher yields the last version, unless it did already, and after that
    /// [`Closed`](crate::ErrorKind::Closed).
    pub fn close(&self) {
        let mut state = self.shared.state.lock();
        let State { keys, maps, health, .. } = &mut *state;
        let ended = (std::mem::take(keys), std::mem::take(maps), health.take());
        drop(state);
        drop(ended); // wakes tasks: not under the lock
    }

    /// A key as a value.
    #[must_use]
    pub fn value(&self, name: impl AsRef<[u8]>) -> MemoryStoreValue {
        MemoryStoreValue { store: self.clone(), name: Bytes::copy_from_slice(name.as_ref()) }
    }

    /// The keys of a range as one map.
    #[must_use]
    pub fn range(&self, range: KeyRange) -> MemoryStoreMap {
        MemoryStoreMap::new(self.clone(), range)
    }

    fn watch_range(&self, range: &KeyRange) -> MemoryMapWatcher<Bytes, Entry> {
        let mut state = self.shared.state.lock();
        if state.health.is_none() {
            drop(state);
            return MemoryMap::unsynced().watch(); // which has ended
        }
        let State { keys, maps, .. } = &mut *state;
        maps.watch(range, || present_in(keys, range))
    }

    /// A watcher of this range is gone.
    fn unwatch_range(&self, range: &KeyRange) {
        let forgotten = self.shared.state.lock().maps.leave(range);
        drop(forgotten);
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// What a change leaves to be dropped when the lock is released.
#[derive(Default)]
struct Applied {
    values: SmallVec<[Published<Entry>; 1]>,
    maps: Vec<AppliedStep<Bytes, Entry>>,
    forgotten: Vec<MemoryValue<Entry>>,
}

/// The metadata of a write at this revision, after what is there.
fn next_metadata(before: Option<&MemoryValue<Entry>>, revision: i64) -> Metadata {
    let before = before.and_then(|value| value.newest()?.ok());
    let before = before.map_or(Metadata::new(), |entry| entry.metadata());
    Metadata::new()
        .with_create_revision(before.create_revision().unwrap_or(revision))
        .with_version(before.version().unwrap_or(0) + 1)
}

/// The entries of a range that are there.
fn present_in(keys: &BTreeMap<Bytes, MemoryValue<Entry>>, range: &KeyRange) -> Vec<Entry> {
    let keys = keys.range(range.start().clone()..);
    let keys = keys.take_while(|(key, _)| range.end().is_none_or(|end| *key < end));
    let newest = keys.filter_map(|(_, value)| value.newest()?.ok());
    newest.filter(|entry| entry.value().is_some()).collect()
}

impl State {
    /// Makes an entry the newest version of its key, or forgets the key, if it is deleted and nobody would see it.
    fn publish(&mut self, entry: Entry, applied: &mut Applied) {
        let is_unread = || self.keys.get(&entry.key).is_some_and(MemoryValue::is_unread);
        if entry.value().is_none() && is_unread() {
            applied.forgotten.extend(self.keys.remove(&entry.key));
            return;
        }
        let value = self.keys.entry(entry.key.clone()).or_default();
        applied.values.push(value.publish_quietly(entry));
    }

    /// Forgets a key that is not there and has no watcher.
    fn forget_unread(&mut self, name: &Bytes) -> Option<MemoryValue<Entry>> {
        let value = self.keys.get(name)?;
        if value.is_unread() && !value.is_present() { self.keys.remove(name) } else { None }
    }
}

impl MemoryValue<Entry> {
    fn publish_quietly(&self, entry: Entry) -> Published<Entry> {
        self.cell.publish_quietly(Ok(entry))
    }

    fn is_present(&self) -> bool {
        matches!(self.newest(), Some(Ok(entry)) if entry.value().is_some())
    }
}

impl Store for MemoryStore {
    fn key(&self, name: Bytes) -> BoxReader<Entry> {
        self.value(name).boxed()
    }

    /// That of the store: in memory, every key can be read.
    fn key_health(&self, _name: Bytes) -> BoxReader<Health> {
        self.health()
    }

    fn range(&self, range: KeyRange) -> BoxMapReader<Bytes, Entry> {
        self.range(range).boxed()
    }

    /// That of the store: in memory, every range can be read.
    fn range_health(&self, _range: KeyRange) -> BoxReader<Health> {
        self.health()
    }

    fn health(&self) -> BoxReader<Health> {
        self.shared.health.clone().boxed()
    }

    fn refresh(&self) -> Refresh {
        Refresh::nothing()
    }
}

/// A key of a [`MemoryStore`] as a value.
#[derive(Debug, Clone)]
pub struct MemoryStoreValue {
    store: MemoryStore,
    name: Bytes,
}

impl ValueReader<Entry> for MemoryStoreValue {
    type Watcher = MemoryStoreWatcher;

    fn watch(&self) -> MemoryStoreWatcher {
        let mut state = self.store.shared.state.lock();
        let watcher = if state.health.is_some() {
            let never_seen = || MemoryValue::new(Entry::never_seen(self.name.clone()));
            state.keys.entry(self.name.clone()).or_insert_with(never_seen).watch()
        } else {
            MemoryValue::empty().watch() // which has ended
        };
        drop(state);
        MemoryStoreWatcher { watcher: Some(watcher), of: self.clone() }
    }
}

/// A watcher of a key of a [`MemoryStore`].
#[must_use = "a watcher does nothing unless it is polled"]
#[derive(Debug)]
pub struct MemoryStoreWatcher {
    /// `None` while it is dropped.
    watcher: Option<MemoryWatcher<Entry>>,
    of: MemoryStoreValue,
}

impl Watcher<Entry> for MemoryStoreWatcher {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<Entry, Error>> {
        match &mut self.watcher {
            Some(watcher) => watcher.poll_get(cx),
            None => Poll::Ready(Err(Error::closed())),
        }
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.as_ref()?.epoch()
    }
}

impl Drop for MemoryStoreWatcher {
    fn drop(&mut self) {
        self.watcher = None;
        let forgotten = self.of.store.shared.state.lock().forget_unread(&self.of.name);
        drop(forgotten);
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
