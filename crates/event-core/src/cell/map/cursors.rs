//! Where the live watchers of a map are, as numbers of changes.

use super::slab::Slab;

/// The places of the live watchers. A tombstone is kept for those between the birth and the death of its key.
#[derive(Debug)]
pub(super) struct Cursors {
    places: Slab<u64>,
    /// The highest place that there ever was: nobody knows of a key that was born later.
    highest: u64,
}

impl Cursors {
    pub(super) const fn new() -> Self {
        Self { places: Slab::new(), highest: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn add(&mut self) -> u32 {
        self.places.insert(0)
    }

    /// Returns where the watcher was.
    pub(super) fn remove(&mut self, id: u32) -> u64 {
        self.places.remove(id)
    }

    #[inline]
    pub(super) fn place(&self, id: u32) -> u64 {
        self.places[id]
    }

    #[inline]
    pub(super) fn advance(&mut self, id: u32, place: u64) {
        self.places[id] = place;
        self.highest = self.highest.max(place);
    }

    /// Whether a watcher may have taken a key that was born then. A quick test, which may say yes wrongly.
    pub(super) fn may_know(&self, born: u64) -> bool {
        self.places.len() > 0 && self.highest >= born
    }

    /// The places in rising order.
    pub(super) fn sorted(&self) -> Vec<u64> {
        let mut places: Vec<u64> = self.places.iter().copied().collect();
        places.sort_unstable();
        places
    }
}

/// Whether one of these places is in `born..died`: its watcher may have taken the key, and has not taken the
/// deletion.
pub(super) fn is_between(sorted: &[u64], born: u64, died: u64) -> bool {
    let first = sorted.partition_point(|place| *place < born);
    sorted.get(first).is_some_and(|place| *place < died)
}
