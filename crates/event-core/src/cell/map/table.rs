//! From a key to its slot.
//!
//! Why several tables? A table that is full moves all that it has, under the map's lock: at a million keys that took
//! 70 ms. Each of these has a share of the keys, and moves them in its own time.

use hashbrown::HashTable;

/// How many tables there are: a power of two.
const TABLES: usize = 32;

#[derive(Debug)]
pub(super) struct Table {
    tables: [HashTable<u32>; TABLES],
}

impl Table {
    pub(super) const fn new() -> Self {
        Self { tables: [const { HashTable::new() }; TABLES] }
    }

    pub(super) fn find(&self, hash: u64, is_it: impl FnMut(&u32) -> bool) -> Option<u32> {
        self.tables[share(hash)].find(hash, is_it).copied()
    }

    /// Adds a slot, which is not there. `hash_of` says the hashes of others.
    pub(super) fn insert(&mut self, hash: u64, slot: u32, hash_of: impl Fn(&u32) -> u64) {
        self.tables[share(hash)].insert_unique(hash, slot, hash_of);
    }

    pub(super) fn remove(&mut self, hash: u64, slot: u32) {
        if let Ok(found) = self.tables[share(hash)].find_entry(hash, |found| *found == slot) {
            found.remove();
        }
    }

    pub(super) fn clear(&mut self) {
        self.tables.iter_mut().for_each(HashTable::clear);
    }

    /// Gives memory back.
    pub(super) fn shrink(&mut self, hash_of: impl Fn(&u32) -> u64) {
        for table in &mut self.tables {
            table.shrink_to(2 * table.len(), &hash_of);
        }
    }
}

/// Bits that a table does not look at itself, as long as it has less than four thousand million keys.
fn share(hash: u64) -> usize {
    (hash >> 48) as usize % TABLES
}

#[cfg(all(test, not(event_loom)))]
impl Table {
    pub(super) fn len(&self) -> usize {
        self.tables.iter().map(HashTable::len).sum()
    }

    pub(super) fn capacity(&self) -> usize {
        self.tables.iter().map(HashTable::capacity).sum()
    }
}
