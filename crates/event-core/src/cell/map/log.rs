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

use hashbrown::HashTable;
use smallvec::SmallVec;

use super::cursors::{Cursors, is_between};
use super::slab::Slab;
use crate::Error;

/// A position of the log that was struck out.
const STRUCK: u32 = u32::MAX;

/// Holes, tombstones and free slots below this number are not worth a sweep.
const FEW: usize = 64;

#[derive(Debug)]
pub(super) struct Log<K, V> {
    slab: Slab<Entry<K, V>>,
    /// From a key to its slot.
    table: HashTable<u32>,
    /// By rising number. The last one may be smaller than `newest`, if its key is gone.
    positions: Vec<Position>,
    /// The number of the newest change.
    newest: u64,
    /// The tombstones, by rising number. One that is gone or no tombstone any more stays until the next sweep.
    graves: Vec<Position>,
    /// How many tombstones the last sweep left.
    needed: usize,
    /// Tombstones made or taken since the last sweep.
    work: usize,
}

#[derive(Debug, Clone, Copy)]
struct Position {
    number: u64,
    slot: u32,
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
    /// Its position in the log.
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
            table: HashTable::new(),
            positions: Vec::new(),
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
        self.positions.len()
    }

    /// The slot of a key, tombstones included.
    pub(super) fn find(&self, hash: u64, mut is_key: impl FnMut(&K) -> bool) -> Option<u32> {
        self.table.find(hash, |slot| is_key(&self.slab[*slot].key)).copied()
    }

    pub(super) fn entry(&self, slot: u32) -> &Entry<K, V> {
        &self.slab[slot]
    }

    /// The keys that are there, in the order of their last change.
    pub(super) fn present(&self) -> impl Iterator<Item = (u32, &Entry<K, V>)> {
        let entries = self.positions.iter().filter(|position| position.slot != STRUCK);
        let entries = entries.map(|position| (position.slot, &self.slab[position.slot]));
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
            let at = self.positions.len();
            let entry = &mut self.slab[slot];
            garbage.keys.push(key);
            garbage.values.push(entry.value.replace(value));
            entry.number = number;
            let old = std::mem::replace(&mut entry.at, position(at));
            self.positions[old as usize].slot = STRUCK;
            self.positions.push(Position { number, slot });
        } else {
            let at = position(self.positions.len());
            let value = Some(value);
            let slot = self.slab.insert(Entry { key, value, number, born: number, hash, at });
            self.positions.push(Position { number, slot });
            self.table.insert_unique(hash, slot, |slot| self.slab[*slot].hash);
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
        let old = std::mem::replace(&mut entry.at, position(self.positions.len()));
        let born = entry.born;
        self.positions[old as usize].slot = STRUCK;
        self.positions.push(Position { number, slot });
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
        let is_behind =
            |at: usize| self.positions.get(at).is_none_or(|position| position.number > place);
        let is_before = |at: usize| at == 0 || self.positions[at - 1].number <= place;
        let start = if hint <= self.positions.len() && is_before(hint) && is_behind(hint) {
            hint
        } else {
            self.positions.partition_point(|position| position.number <= place)
        };
        let at =
            start + self.positions[start..].iter().position(|position| position.slot != STRUCK)?;
        Some((at, &self.slab[self.positions[at].slot]))
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
        if self.positions.len() > 2 * self.slab.len() + FEW {
            self.rewrite();
        }
    }

    /// Frees the tombstones that no watcher needs.
    #[cold]
    fn sweep(&mut self, cursors: &Cursors, garbage: &mut Garbage<K, V>) {
        let places = cursors.sorted();
        let mut graves = std::mem::take(&mut self.graves);
        graves.retain(|grave| {
            let is_one = self.log_has(*grave) && self.slab[grave.slot].value.is_none();
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

    /// Whether this is still the last change of an entry.
    fn log_has(&self, position: Position) -> bool {
        let at = self.positions.binary_search_by_key(&position.number, |position| position.number);
        at.is_ok_and(|at| self.positions[at].slot == position.slot)
    }

    /// Forgets a key.
    fn free(&mut self, slot: u32, garbage: &mut Garbage<K, V>) {
        let entry = self.slab.remove(slot);
        self.positions[entry.at as usize].slot = STRUCK;
        if let Ok(found) = self.table.find_entry(entry.hash, |found| *found == slot) {
            found.remove();
        }
        garbage.keys.push(entry.key);
        garbage.values.push(entry.value);
    }

    /// Rewrites the log without its holes.
    #[cold]
    fn rewrite(&mut self) {
        self.positions.retain(|position| position.slot != STRUCK);
        if self.slab.slots() > 4 * self.slab.len() + FEW {
            self.move_together();
        }
        for (at, of) in self.positions.iter().enumerate() {
            self.slab[of.slot].at = position(at);
        }
        shrink(&mut self.positions);
    }

    /// After most keys have gone: takes new slots, without the free ones.
    fn move_together(&mut self) {
        let mut slab = Slab::new();
        self.table.clear();
        for position in &mut self.positions {
            let entry = self.slab.remove(position.slot);
            let hash = entry.hash;
            position.slot = slab.insert(entry);
            self.table.insert_unique(hash, position.slot, |slot| slab[*slot].hash);
        }
        self.table.shrink_to(2 * slab.len(), |slot| slab[*slot].hash);
        self.slab = slab;
        // By number: a key's slot is another one now.
        self.graves.retain_mut(|grave| {
            let at = self.positions.binary_search_by_key(&grave.number, |position| position.number);
            at.is_ok_and(|at| {
                grave.slot = self.positions[at].slot;
                true
            })
        });
    }
}

/// Gives memory back, if most of it is unused.
fn shrink<T>(vec: &mut Vec<T>) {
    if vec.capacity() > 4 * vec.len() + FEW {
        vec.shrink_to(2 * vec.len());
    }
}

fn position(at: usize) -> u32 {
    let position = u32::try_from(at).ok().filter(|at| *at < STRUCK);
    position
        .unwrap_or_else(|| unreachable!("a log this long needs hundreds of gigabytes of entries"))
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
        assert!(self.positions.is_sorted_by_key(|position| position.number));
        let entries = self.positions.iter().enumerate().filter(|(_, of)| of.slot != STRUCK);
        for (at, of) in entries.clone() {
            let entry = &self.slab[of.slot];
            assert_eq!((entry.at as usize, entry.number), (at, of.number));
            assert!(entry.born <= entry.number);
            assert_eq!(self.table.find(entry.hash, |slot| *slot == of.slot), Some(&of.slot));
        }
        assert_eq!(entries.count(), self.slab.len());
    }
}

#[cfg(all(test, not(event_loom)))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) present: usize,
    pub(super) tombstones: usize,
    pub(super) log: usize,
}
