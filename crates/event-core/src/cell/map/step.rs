//! What happens to a map at once.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::Error;

/// The changes of one step, at most one for each key. It is filled without a lock.
///
/// The closure of [`MemoryMap::apply`](crate::MemoryMap::apply) gets one. `Debug` prints the values.
#[derive(Debug)]
pub struct Step<K, V> {
    pub(super) changes: Vec<StepChange<K, V>>,
    /// From a key to its change.
    table: HashTable<usize>,
    hasher: DefaultHashBuilder,
}

#[derive(Debug)]
pub(super) struct StepChange<K, V> {
    pub(super) hash: u64,
    pub(super) key: K,
    /// `None`: the key is deleted.
    pub(super) value: Option<Result<V, Error>>,
}

impl<K: Hash + Eq, V> Step<K, V> {
    pub(crate) fn new(hasher: DefaultHashBuilder) -> Self {
        Self { changes: Vec::new(), table: HashTable::new(), hasher }
    }

    /// Sets the value of a key.
    pub fn insert(&mut self, key: K, value: V) {
        self.change(key, Some(Ok(value)));
    }

    /// Deletes a key, if it is there.
    pub fn remove(&mut self, key: K) {
        self.change(key, None);
    }

    /// Makes an error the newest version of a key. [`Error::closed`] is ignored: a map ends with its last writer.
    pub fn fail(&mut self, key: K, error: Error) {
        if !error.is_closed() {
            self.change(key, Some(Err(error)));
        }
    }

    /// Of several changes of one key, the last one counts.
    pub(crate) fn change(&mut self, key: K, value: Option<Result<V, Error>>) {
        let hash = self.hasher.hash_one(&key);
        let found = self.table.find(hash, |at| self.changes[*at].key == key).copied();
        if let Some(at) = found {
            self.changes[at].value = value;
            return;
        }
        let changes = &self.changes;
        self.table.insert_unique(hash, changes.len(), |at| changes[*at].hash);
        self.changes.push(StepChange { hash, key, value });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether the step has a change of this key.
    pub(super) fn has<Q>(&self, hash: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.table.find(hash, |at| self.changes[*at].key.borrow() == key).is_some()
    }
}
