//! A map in memory as the subject of the suite, and what stands for the rest of a backend.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use event_core::conformance::maps::MapSubject;
use event_core::{
    Change, Epoch, Error, ErrorKind, MapReader, MapWatcher, MemoryMap, MemoryMapReader,
    MemoryMapWatcher,
};

/// The reader below an adapter. It counts its live watchers.
pub(super) struct Below<V> {
    reader: MemoryMapReader<u64, V>,
    watchers: Arc<AtomicUsize>,
    has_epoch: bool,
}

impl<V> Below<V> {
    pub(super) fn without_epoch(self) -> Self {
        Self { has_epoch: false, ..self }
    }
}

impl<V: Clone> MapReader<u64, V> for Below<V> {
    type Watcher = WatcherBelow<V>;

    fn watch(&self) -> WatcherBelow<V> {
        self.watchers.fetch_add(1, Ordering::SeqCst);
        let watchers = Arc::clone(&self.watchers);
        WatcherBelow { watcher: self.reader.watch(), watchers, has_epoch: self.has_epoch }
    }
}

pub(super) struct WatcherBelow<V> {
    watcher: MemoryMapWatcher<u64, V>,
    watchers: Arc<AtomicUsize>,
    has_epoch: bool,
}

// It has no `poll_changes`, as a watcher of another crate may have none.
impl<V: Clone> MapWatcher<u64, V> for WatcherBelow<V> {
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<Result<Change<u64, V>, Error>> {
        self.watcher.poll_change(cx)
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch().filter(|_| self.has_epoch)
    }
}

impl<V> Drop for WatcherBelow<V> {
    fn drop(&mut self) {
        self.watchers.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(super) struct Source<V> {
    map: Option<MemoryMap<u64, V>>,
    /// What a version of a key is in the map.
    version: fn(u64, u64) -> V,
    /// Makes a bad version of a key.
    pub(super) spoil: fn(&MemoryMap<u64, V>, u64),
    watchers: Arc<AtomicUsize>,
}

impl<V> Source<V> {
    /// What `adapt` makes of a map, and the map.
    pub(super) fn new<R>(
        version: fn(u64, u64) -> V,
        adapt: impl FnOnce(Below<V>) -> R,
    ) -> (R, Self) {
        let map = MemoryMap::unsynced();
        let watchers = Arc::<AtomicUsize>::default();
        let reader = map.reader();
        let below = Below { reader, watchers: Arc::clone(&watchers), has_epoch: true };
        let reader = adapt(below);
        let spoil = |map: &MemoryMap<u64, V>, key| {
            map.fail(key, Error::new(ErrorKind::Decode, "spoilt"));
        };
        (reader, Self { map: Some(map), version, spoil, watchers })
    }

    /// What `adapt` makes of a map in memory, and the map.
    pub(super) fn in_memory<R>(
        version: fn(u64, u64) -> V,
        adapt: impl FnOnce(MemoryMapReader<u64, V>) -> R,
    ) -> (R, Self) {
        Self::new(version, |below| adapt(below.reader))
    }

    fn map(&self) -> &MemoryMap<u64, V> {
        self.map.as_ref().expect("the map has not ended")
    }
}

impl<V> MapSubject for Source<V> {
    type Key = u64;

    fn key(&self, number: u64) -> u64 {
        number
    }

    async fn apply(&mut self, changes: &[(u64, Option<u64>)]) {
        self.map().apply(|step| {
            for (key, version) in changes {
                match version {
                    Some(version) => step.insert(*key, (self.version)(*key, *version)),
                    None => step.remove(*key),
                }
            }
        });
    }

    async fn sync(&mut self) -> bool {
        self.map().set_synced();
        true
    }

    async fn spoil(&mut self, key: u64) -> bool {
        (self.spoil)(self.map(), key);
        true
    }

    async fn end(&mut self) -> bool {
        self.map = None;
        true
    }

    async fn held(&mut self) -> usize {
        self.watchers.load(Ordering::SeqCst)
    }
}
