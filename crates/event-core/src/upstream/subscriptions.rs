//! The keys and the maps that have watchers.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Place;

use super::first::First;
use super::published_map::PublishedMap;
use super::slots::{Ids, KeyId, Slots};
use crate::{Bytes, Entry, KeyRange, MemoryMapReader, MemoryReader, MemoryValue};

/// One per key and one per range, however many watchers it has.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    ids: Ids,
    pub(super) keys: Slots<Subscription>,
    /// Finds a key's slot by its name, which lies in `keys`.
    by_name: HashTable<u32>,
    hasher: RandomState,
    pub(super) maps: BTreeMap<KeyId, MapSubscription>,
    by_range: HashMap<KeyRange, KeyId>,
}

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) name: Bytes,
    pub(super) cell: MemoryReader<Entry>,
    watchers: u32,
}

#[derive(Debug)]
pub(super) struct MapSubscription {
    pub(super) range: KeyRange,
    pub(super) map: MemoryMapReader<Bytes, Entry>,
    /// Has a version when the whole range was read.
    pub(super) is_read: MemoryReader<()>,
    watchers: u32,
}

impl Subscriptions {
    /// Adds a watcher to a key. If it is the key's first, gives the value to feed.
    pub(super) fn add(&mut self, name: &Bytes) -> (Option<KeyId>, Option<MemoryValue<Entry>>) {
        let Self { ids, keys, by_name, hasher, .. } = self;
        let name_of = |slot: &u32| Some(&keys.get(keys.id_at(*slot)?)?.name);
        let place = by_name.entry(
            hasher.hash_one(name),
            |slot| name_of(slot) == Some(name),
            |slot| name_of(slot).map_or(0, |name| hasher.hash_one(name)),
        );
        match place {
            Place::Occupied(place) => {
                let id = keys.id_at(*place.get());
                if let Some(key) = id.and_then(|id| keys.get_mut(id)) {
                    key.watchers += 1;
                }
                (id, None)
            }
            Place::Vacant(place) => {
                let (id, value) = (ids.take(), MemoryValue::empty());
                place.insert(id.slot);
                keys.insert(
                    id,
                    Subscription { name: name.clone(), cell: value.reader(), watchers: 1 },
                );
                (Some(id), Some(value))
            }
        }
    }

    /// Adds a watcher to a range. If it is the range's first, gives the map to feed.
    pub(super) fn add_map(&mut self, range: &KeyRange) -> (KeyId, Option<PublishedMap>) {
        if let Some(id) = self.by_range.get(range) {
            if let Some(map) = self.maps.get_mut(id) {
                map.watchers += 1;
            }
            return (*id, None);
        }
        let (id, new) = (self.ids.take(), PublishedMap::new(range.clone()));
        self.by_range.insert(range.clone(), id);
        let (map, is_read) = (new.reader(), new.is_read());
        self.maps.insert(id, MapSubscription { range: range.clone(), map, is_read, watchers: 1 });
        (id, Some(new))
    }

    /// Takes a watcher from a key or a map, and says whether it was the last one.
    pub(super) fn remove(&mut self, id: KeyId) -> bool {
        if let Some(map) = self.maps.get_mut(&id) {
            map.watchers -= 1;
            if map.watchers > 0 {
                return false;
            }
            self.by_range.remove(&map.range);
            self.maps.remove(&id);
            self.ids.give_back(id);
            return true;
        }
        let Some(key) = self.keys.get_mut(id) else { return false };
        key.watchers -= 1;
        if key.watchers > 0 {
            return false;
        }
        let hash = self.hasher.hash_one(&key.name);
        if let Ok(place) = self.by_name.find_entry(hash, |slot| *slot == id.slot) {
            place.remove();
        }
        self.keys.remove(id);
        self.ids.give_back(id);
        true
    }

    /// The key of this name, if it has a watcher.
    pub(super) fn find(&self, name: &Bytes) -> Option<(KeyId, &Subscription)> {
        let name_of = |slot: &u32| Some(&self.keys.get(self.keys.id_at(*slot)?)?.name);
        let hash = self.hasher.hash_one(name);
        let slot = self.by_name.find(hash, |slot| name_of(slot) == Some(name))?;
        let id = self.keys.id_at(*slot)?;
        Some((id, self.keys.get(id)?))
    }
    /// The map of this range, if it has a watcher.
    pub(super) fn find_map(&self, range: &KeyRange) -> Option<(KeyId, &MapSubscription)> {
        let id = self.by_range.get(range)?;
        Some((*id, self.maps.get(id)?))
    }

    /// What a key or a map is called: the name of the key, or the start of the range.
    pub(super) fn name(&self, id: KeyId) -> Option<&Bytes> {
        let key = self.keys.get(id).map(|key| &key.name);
        key.or_else(|| self.maps.get(&id).map(|map| map.range.start()))
    }

    /// All that has a watcher, with its name.
    pub(super) fn names(&self) -> impl Iterator<Item = (KeyId, &Bytes)> {
        let keys = self.keys.iter().map(|(id, key)| (id, &key.name));
        keys.chain(self.maps.iter().map(|(id, map)| (*id, map.range.start())))
    }

    /// All that has a watcher, in the order of the ids.
    pub(super) fn firsts(&self) -> Vec<(KeyId, First)> {
        let keys = self.keys.iter().map(|(id, key)| (id, First::of_key(&key.cell)));
        let maps = self.maps.iter().map(|(id, map)| (*id, First::of_map(&map.is_read)));
        let mut firsts: Vec<_> = keys.chain(maps).collect();
        firsts.sort_unstable_by_key(|(id, _)| *id);
        firsts
    }
}
