//! A range of a store in memory as a map.

use std::task::{Context, Poll};

use super::MemoryStore;
use crate::cell::{AppliedStep, Step};
use crate::memory::{MemoryMap, MemoryMapWatcher};
use crate::{Bytes, Change, Entry, Epoch, Error, KeyRange, MapReader, MapWatcher};

/// A range of a [`MemoryStore`] as a map. [`MemoryStore::range`] makes one.
#[derive(Debug, Clone)]
pub struct MemoryStoreMap {
    store: MemoryStore,
    range: KeyRange,
}

impl MemoryStoreMap {
    pub(super) fn new(store: MemoryStore, range: KeyRange) -> Self {
        Self { store, range }
    }
}

impl MapReader<Bytes, Entry> for MemoryStoreMap {
    type Watcher = MemoryStoreMapWatcher;

    fn watch(&self) -> MemoryStoreMapWatcher {
        let (watcher, of) = (self.store.watch_range(&self.range), self.clone());
        MemoryStoreMapWatcher { watcher: Some(watcher), of }
    }
}

/// A watcher of a range of a [`MemoryStore`].
#[must_use = "a watcher does nothing unless it is polled"]
#[derive(Debug)]
pub struct MemoryStoreMapWatcher {
    /// `None` while it is dropped.
    watcher: Option<MemoryMapWatcher<Bytes, Entry>>,
    of: MemoryStoreMap,
}

impl MapWatcher<Bytes, Entry> for MemoryStoreMapWatcher {
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<Result<Change<Bytes, Entry>, Error>> {
        match &mut self.watcher {
            Some(watcher) => watcher.poll_change(cx),
            None => Poll::Ready(Err(Error::closed())),
        }
    }

    fn poll_changes(
        &mut self,
        cx: &mut Context<'_>,
        limit: usize,
        into: &mut Vec<Change<Bytes, Entry>>,
    ) -> Poll<Result<(), Error>> {
        match &mut self.watcher {
            Some(watcher) => watcher.poll_changes(cx, limit, into),
            None => Poll::Ready(Err(Error::closed())),
        }
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.as_ref()?.epoch()
    }
}

impl Drop for MemoryStoreMapWatcher {
    fn drop(&mut self) {
        self.watcher = None;
        self.of.store.unwatch_range(&self.of.range);
    }
}

/// The maps of a store that have watchers.
#[derive(Debug, Default)]
pub(super) struct Maps {
    /// Few, and each change has to look at all of them: so no table.
    maps: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    range: KeyRange,
    map: MemoryMap<Bytes, Entry>,
    watchers: usize,
}

impl Maps {
    /// Starts a watcher. If it is the first of its range, `entries` are what is there.
    pub(super) fn watch(
        &mut self,
        range: &KeyRange,
        entries: impl FnOnce() -> Vec<Entry>,
    ) -> MemoryMapWatcher<Bytes, Entry> {
        if let Some(watched) = self.maps.iter_mut().find(|watched| watched.range == *range) {
            watched.watchers += 1;
            return watched.map.watch();
        }
        let map = MemoryMap::new();
        map.apply(|step| {
            for entry in entries() {
                if let Some(name) = range.relative(&entry.key) {
                    step.insert(name, range.entry(entry));
                }
            }
        });
        let watcher = map.watch();
        self.maps.push(Watched { range: range.clone(), map, watchers: 1 });
        watcher
    }

    /// A watcher of this range is gone. Takes the map out, if it was the last one.
    pub(super) fn leave(&mut self, range: &KeyRange) -> Option<MemoryMap<Bytes, Entry>> {
        let at = self.maps.iter().position(|watched| watched.range == *range)?;
        self.maps[at].watchers -= 1;
        (self.maps[at].watchers == 0).then(|| self.maps.swap_remove(at).map)
    }

    /// Applies the entries to each map that has some of them, as one step.
    pub(super) fn apply(&self, entries: &[Entry]) -> Vec<AppliedStep<Bytes, Entry>> {
        let mut applied = Vec::new();
        for Watched { range, map, .. } in &self.maps {
            let mut in_range = entries.iter().filter(|entry| range.contains(&entry.key)).peekable();
            if in_range.peek().is_some() {
                let mut step = map.step();
                put(&mut step, range, in_range);
                applied.push(map.apply_quietly(step, false));
            }
        }
        applied
    }
}

/// Puts the entries that are there into a step, and the deletes of the others.
fn put<'a>(
    step: &mut Step<Bytes, Entry>,
    range: &KeyRange,
    entries: impl Iterator<Item = &'a Entry>,
) {
    for entry in entries {
        match (range.relative(&entry.key), entry.value()) {
            (Some(name), Some(_)) => step.insert(name, range.entry(entry.clone())),
            (Some(name), None) => step.remove(name),
            (None, _) => {}
        }
    }
}
