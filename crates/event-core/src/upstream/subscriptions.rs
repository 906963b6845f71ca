//! The keys that have watchers.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Place;

use super::slots::{Ids, KeyId, Slots};
use crate::{Bytes, Entry, MemoryReader, MemoryValue};

/// One per key, however many watchers it has.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    ids: Ids,
    pub(super) keys: Slots<Subscription>,
    /// Finds a key's slot by its name, which lies in `keys`.
    by_name: HashTable<u32>,
    hasher: RandomState,
}

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) name: Bytes,
    pub(super) cell: MemoryReader<Entry>,
    watchers: u32,
}

impl Subscriptions {
    /// Adds a watcher to a key. If it is the key's first, gives the value to feed.
    pub(super) fn add(&mut self, name: &Bytes) -> (Option<KeyId>, Option<MemoryValue<Entry>>) {
        let Self { ids, keys, by_name, hasher } = self;
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

    /// Takes a watcher from a key, and says whether it was the last one.
    pub(super) fn remove(&mut self, id: KeyId) -> bool {
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
}
