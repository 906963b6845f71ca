//! The latest-change log: the entries of a map in the order of their last change.
//!
//! Each change has a number. The log holds, for each key, the number of its last change and the slot of its
//! entry; the position of an earlier change is struck out. So a watcher is one number, and what it has not
//! taken is what lies behind that number: at most one change for each key, however far behind the watcher is.
//!
//! A deleted key leaves a tombstone only while a watcher needs it: one that may have taken the key and has
//! not taken the deletion. This is the *interval rule*: a key that was born at `b` and died at `d` is kept while
//! a watcher is at a place in `b..d`. So what is kept does not grow with the keys that come and go while a
//! watcher sleeps.
//!
//! Nothing here runs code of a user, apart from the `==` that the caller passes to [`Log::find`].

use smallvec::SmallVec;

use super::cursors::{Cursors, is_between};
use super::positions::{Position, Positions, shrink};
use super::slab::Slab;
use super::table::Table;
use crate::Error;

/// Tombstones and free slots below this number are not worth a sweep.
const FEW: usize = 64;

#[derive(Debug)]
pub(super) struct Log<K, V> {
    slab: Slab<Entry<K, V>>,
    table: Table,
    /// The last number may be smaller than `newest`, if its key is gone.
    positions: Positions,
    /// The number of the newest change.
    newest: u64,
    /// The tombstones, by rising number. One that is gone or no tombstone any more stays until the next sweep.
    graves: Vec<Position>,
    /// How many tombstones the last sweep left.
    needed: usize,
    /// Tombstones made or taken since the last sweep.
    work: usize,
}

/// What is known of a key.
#[derive(Debug)]
pub(super) struct Entry<K, V> {
    pub(super) key: K,
    /// `None`: a tombstone.
    pub(super) value: Option<Result<V, Error>>,
    /// The number of its last change.
    pub(super) number: u64,
    /// The number of the change that made it, since nobody knew of the key.
    born: u64,
    pub(super) hash: u64,
    /// The place of its position in the log.
    at: u32,
}

/// What is for the caller to drop, when the lock is released.
#[derive(Debug)]
pub(super) struct Garbage<K, V> {
    pub(super) keys: SmallVec<[K; 1]>,
    pub(super) values: SmallVec<[Option<Result<V, Error>>; 1]>,
}

impl<K, V> Default for Garbage<K, V> {
    fn default() -> Self {
        Self { keys: SmallVec::new(), values: SmallVec::new() }
    }
}

impl<K, V> Log<K, V> {
    pub(super) const fn new() -> Self {
        Self {
            slab: Slab::new(),
            table: Table::new(),
            positions: Positions::new(),
            newest: 0,
            graves: Vec::new(),
            needed: 0,
            work: 0,
        }
    }

    /// The number of the newest change.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// The position behind the newest change.
    pub(super) fn end(&self) -> usize {
        self.positions.end()
    }

    /// The slot of a key, tombstones included.
    pub(super) fn find(&self, hash: u64, mut is_key: impl FnMut(&K) -> bool) -> Option<u32> {
        self.table.find(hash, |slot| is_key(&self.slab[*slot].key))
    }

    pub(super) fn entry(&self, slot: u32) -> &Entry<K, V> {
        &self.slab[slot]
    }

    /// The keys that are there, in the order of their last change.
    pub(super) fn present(&self) -> impl Iterator<Item = (u32, &Entry<K, V>)> {
        let entries =
            self.positions.iter().map(|position| (position.slot, &self.slab[position.slot]));
        entries.filter(|(_, entry)| entry.value.is_some())
    }

    /// Makes `value` the newest version of a key, whose slot was found with this hash.
    pub(super) fn put(
        &mut self,
        found: Option<u32>,
        hash: u64,
        key: K,
        value: Result<V, Error>,
        garbage: &mut Garbage<K, V>,
    ) {
        self.newest += 1;
        let number = self.newest;
        if let Some(slot) = found {
            let entry = &mut self.slab[slot];
            garbage.keys.push(key);
            garbage.values.push(entry.value.replace(value));
            entry.number = number;
            self.positions.strike(entry.at);
            entry.at = self.positions.push(number, slot);
        } else {
            let value = Some(value);
            let slot = self.slab.insert(Entry { key, value, number, born: number, hash, at: 0 });
            self.slab[slot].at = self.positions.push(number, slot);
            self.table.insert(hash, slot, |slot| self.slab[*slot].hash);
        }
    }

    /// Deletes the key of this slot. Returns whether it was there.
    pub(super) fn delete(
        &mut self,
        slot: u32,
        cursors: &Cursors,
        garbage: &mut Garbage<K, V>,
    ) -> bool {
        let entry = &mut self.slab[slot];
        let Some(value) = entry.value.take() else { return false };
        garbage.values.push(Some(value));
        self.newest += 1;
        let number = self.newest;
        entry.number = number;
        let born = entry.born;
        self.positions.strike(entry.at);
        entry.at = self.positions.push(number, slot);
        if cursors.may_know(born) {
            self.graves.push(Position { number, slot });
            self.work += 1;
        } else {
            self.free(slot, garbage);
        }
        true
    }

    /// The next change of a watcher at `place`, and its position.
    ///
    /// `hint` is the position behind the change that the watcher took last, if the log was not rewritten since.
    pub(super) fn next(&self, place: u64, hint: usize) -> Option<(usize, &Entry<K, V>)> {
        let (at, position) = self.positions.next(place, hint)?;
        Some((at, &self.slab[position.slot]))
    }

    /// A watcher took a tombstone, which perhaps nobody needs now.
    pub(super) fn took_tombstone(&mut self) {
        self.work += 1;
    }

    /// The watcher that was at `place` is gone, and perhaps nobody needs now what it needed.
    pub(super) fn left(&mut self, place: u64, cursors: &Cursors, garbage: &mut Garbage<K, V>) {
        if self.graves.last().is_some_and(|grave| place < grave.number) {
            self.sweep(cursors, garbage);
        } else if !self.graves.is_empty() {
            self.work += 1;
        }
        self.settle(cursors, garbage);
    }

    /// To be called after each step, and after a watcher has taken tombstones: frees what there is too much of.
    /// Slots may be others afterwards.
    #[inline]
    pub(super) fn settle(&mut self, cursors: &Cursors, garbage: &mut Garbage<K, V>) {
        // Half as much was done as there may be to sweep, so the sweep is paid for.
        if self.work > (self.needed + cursors.len() + FEW) / 2 {
            self.sweep(cursors, garbage);
        }
        let Self { positions, slab, .. } = self;
        let is_rewritten = positions.settle(slab.len(), |slot, at| slab[slot].at = at);
        if is_rewritten && self.slab.slots() > 4 * self.slab.len() + FEW {
            self.move_together();
        }
    }

    /// Frees the tombstones that no watcher needs.
    #[cold]
    fn sweep(&mut self, cursors: &Cursors, garbage: &mut Garbage<K, V>) {
        let places = cursors.sorted();
        let mut graves = std::mem::take(&mut self.graves);
        graves.retain(|grave| {
            let entry = self.slab.get(grave.slot).filter(|entry| entry.number == grave.number);
            let is_one = entry.is_some_and(|entry| entry.value.is_none());
            let is_needed = is_one && is_between(&places, self.slab[grave.slot].born, grave.number);
            if is_one && !is_needed {
                self.free(grave.slot, garbage);
            }
            is_needed
        });
        (self.needed, self.work) = (graves.len(), 0);
        shrink(&mut graves);
        self.graves = graves;
    }

    /// Forgets a key.
    fn free(&mut self, slot: u32, garbage: &mut Garbage<K, V>) {
        let entry = self.slab.remove(slot);
        self.positions.strike(entry.at);
        self.table.remove(entry.hash, slot);
        garbage.keys.push(entry.key);
        garbage.values.push(entry.value);
    }

    /// After most keys have gone: takes new slots, without the free ones.
    #[cold]
    fn move_together(&mut self) {
        let Self { slab: old, table, positions, graves, .. } = self;
        // By number: a key's slot is another one afterwards.
        graves.retain(|grave| old.get(grave.slot).is_some_and(|it| it.number == grave.number));
        let mut slab = Slab::new();
        let mut graves = graves.iter_mut().peekable();
        table.clear();
        positions.change_slots(|slot| {
            let entry = old.remove(slot);
            let (hash, number) = (entry.hash, entry.number);
            let slot = slab.insert(entry);
            if let Some(grave) = graves.next_if(|grave| grave.number == number) {
                grave.slot = slot;
            }
            table.insert(hash, slot, |slot| slab[*slot].hash);
            slot
        });
        table.shrink(|slot| slab[*slot].hash);
        self.slab = slab;
    }
}

#[cfg(all(test, not(event_loom)))]
impl<K, V> Log<K, V> {
    /// Keys that are there, tombstones, and positions of the log.
    pub(super) fn sizes(&self) -> Sizes {
        let present = self.present().count();
        Sizes { present, tombstones: self.slab.len() - present, log: self.positions.len() }
    }

    /// How many tombstones the watchers need now.
    pub(super) fn needed(&self, cursors: &Cursors) -> usize {
        let places = cursors.sorted();
        let needed = |entry: &&Entry<K, V>| is_between(&places, entry.born, entry.number);
        self.slab.iter().filter(|entry| entry.value.is_none()).filter(needed).count()
    }

    /// Room for entries, for positions, and in the table.
    pub(super) fn room(&self) -> (usize, usize, usize) {
        (self.slab.slots(), self.positions.capacity(), self.table.capacity())
    }

    pub(super) fn is_whole(&self) {
        assert_eq!(self.table.len(), self.slab.len());
        let mut last = 0;
        for of in self.positions.iter() {
            let entry = &self.slab[of.slot];
            assert!(self.positions.has(entry.at, of.number, of.slot) && entry.number == of.number);
            assert!(last < of.number);
            last = of.number;
            assert!(entry.born <= entry.number);
            assert_eq!(self.table.find(entry.hash, |slot| *slot == of.slot), Some(of.slot));
        }
        assert_eq!(self.positions.iter().count(), self.slab.len());
    }
}

#[cfg(all(test, not(event_loom)))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) present: usize,
    pub(super) tombstones: usize,
    pub(super) log: usize,
}
