//! A store in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{MemoryReader, MemoryValue, MemoryWatcher};
use crate::cell::{Lock, Published};
use crate::{
    BoxReader, Bytes, Entry, Epoch, Error, Health, HealthState, ReaderExt, Refresh, Store,
    ValueReader, Watcher,
};

/// A store in memory. A test passes it in place of a backend, and a program whose keys live in its own memory uses
/// it, too.
///
/// It is a handle that is cheap to clone. To end the watchers, call [`close`](Self::close): a watcher keeps the store
/// alive when all handles are dropped. It keeps the newest version of each key that exists, and *deleted* for a deleted
/// key with watchers.
/// A change of any key takes the next revision, as in etcd.
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
        let state = State { keys: BTreeMap::new(), revision: 0, health: Some(health) };
        Self { shared: Arc::new(Shared { state: Lock::new(state), health: reader }) }
    }

    /// Sets a key. Returns the revision, or `None` if the store is closed.
    pub fn set(&self, name: impl AsRef<[u8]>, value: impl Into<Bytes>) -> Option<i64> {
        let name = Bytes::copy_from_slice(name.as_ref());
        let mut state = self.shared.state.lock();
        let revision = state.next_revision()?;
        let entry = Entry::present(name.clone(), revision, value);
        let published = state.keys.entry(name).or_default().publish_quietly(entry);
        drop(state);
        published.announce();
        Some(revision)
    }

    /// Deletes a key. Returns the revision, or `None` if the key is not there, or the store is closed.
    pub fn delete(&self, name: impl AsRef<[u8]>) -> Option<i64> {
        let name = Bytes::copy_from_slice(name.as_ref());
        let mut state = self.shared.state.lock();
        let is_unread = state.keys.get(&name).filter(|value| value.is_present())?.is_unread();
        let revision = state.next_revision()?;
        if is_unread {
            let forgotten = state.keys.remove(&name);
            drop(state);
            drop(forgotten);
        } else if let Some(value) = state.keys.get(&name) {
            let published = value.publish_quietly(Entry::deleted(name, revision));
            drop(state);
            published.announce();
        }
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
        let ended = (std::mem::take(&mut state.keys), state.health.take());
        drop(state);
        drop(ended); // wakes tasks: not under the lock
    }

    /// A key as a value.
    #[must_use]
    pub fn value(&self, name: impl AsRef<[u8]>) -> MemoryStoreValue {
        MemoryStoreValue { store: self.clone(), name: Bytes::copy_from_slice(name.as_ref()) }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn next_revision(&mut self) -> Option<i64> {
        self.health.as_ref()?;
        self.revision += 1;
        Some(self.revision)
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
