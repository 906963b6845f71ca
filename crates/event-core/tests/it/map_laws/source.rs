//! A map in memory as the subject of the suite.

use event_core::conformance::maps::MapSubject;
use event_core::{Error, ErrorKind, MemoryMap, MemoryMapReader};

pub(super) struct Source<V> {
    map: Option<MemoryMap<u64, V>>,
    /// What a version of a key is in the map.
    version: fn(u64, u64) -> V,
    /// Makes a bad version of a key.
    pub(super) spoil: fn(&MemoryMap<u64, V>, u64),
}

impl<V> Source<V> {
    /// What `adapt` makes of a map, and the map.
    pub(super) fn new<R>(
        version: fn(u64, u64) -> V,
        adapt: impl FnOnce(MemoryMapReader<u64, V>) -> R,
    ) -> (R, Self) {
        let map = MemoryMap::unsynced();
        let reader = adapt(map.reader());
        let spoil = |map: &MemoryMap<u64, V>, key| {
            map.fail(key, Error::new(ErrorKind::Decode, "spoilt"));
        };
        (reader, Self { map: Some(map), version, spoil })
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
        0
    }
}
