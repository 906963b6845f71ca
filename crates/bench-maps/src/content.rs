//! Keys of 40 bytes with values of 100, and each contender's map of them.

use std::collections::HashMap;

use event_core::{Bytes, MemoryMap};
use futures_signals::signal_map::MutableBTreeMap;
use remoc::robs::hash_map::ObservableHashMap;

/// How many keys there are.
pub(crate) const KEYS: usize = 100_000;
/// A step through the keys that hits each, and none twice in a row.
const STRIDE: usize = 61_803;

pub(crate) type Ours = MemoryMap<Bytes, Bytes>;
pub(crate) type Signals = MutableBTreeMap<Bytes, Bytes>;
pub(crate) type Robs = ObservableHashMap<Bytes, Bytes>;

/// The entries, and which of them is next.
pub(crate) struct Content {
    pub(crate) entries: Vec<(Bytes, Bytes)>,
    at: usize,
}

impl Content {
    pub(crate) fn new(keys: usize) -> Self {
        Self { entries: (0..keys).map(entry).collect(), at: 0 }
    }

    /// The next key to write, and its value.
    pub(crate) fn next(&mut self) -> (Bytes, Bytes) {
        let at = self.next_at();
        self.entries[at].clone()
    }

    pub(crate) fn next_at(&mut self) -> usize {
        self.at = (self.at + STRIDE) % self.entries.len();
        self.at
    }

    pub(crate) fn ours(&self) -> Ours {
        let map = Ours::new();
        self.entries.iter().cloned().for_each(|(key, value)| map.insert(key, value));
        map
    }

    pub(crate) fn signals(&self) -> Signals {
        MutableBTreeMap::with_values(self.entries.iter().cloned().collect())
    }

    pub(crate) fn robs(&self) -> Robs {
        ObservableHashMap::from(self.table())
    }

    pub(crate) fn table(&self) -> HashMap<Bytes, Bytes> {
        self.entries.iter().cloned().collect()
    }
}

/// An entry of a number.
pub(crate) fn entry(number: usize) -> (Bytes, Bytes) {
    (format!("{number:040}").into(), vec![b'v'; 100].into())
}
