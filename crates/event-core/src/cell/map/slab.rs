//! Slots with small numbers, in chunks: to grow neither copies what is there nor takes twice the memory.

use std::ops::{Index, IndexMut};

/// Slots per chunk: a power of two.
const CHUNK: usize = 256;

#[derive(Debug)]
pub(super) struct Slab<T> {
    /// Only the last one is not full. The first one grows, since most maps are small.
    chunks: Vec<Vec<Option<T>>>,
    free: Vec<u32>,
    len: usize,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), free: Vec::new(), len: 0 }
    }

    /// How many slots are taken.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many slots there are, taken or free.
    pub(super) fn slots(&self) -> usize {
        self.len + self.free.len()
    }

    pub(super) fn insert(&mut self, value: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            *self.slot(slot) = Some(value);
            self.len += 1;
            return slot;
        }
        let slot = u32::try_from(self.len).unwrap_or(u32::MAX);
        assert!(slot < u32::MAX, "four thousand million entries need hundreds of gigabytes");
        if self.len % CHUNK == 0 {
            self.chunks.push(if self.len == 0 { Vec::new() } else { Vec::with_capacity(CHUNK) });
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(Some(value));
        }
        self.len += 1;
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) -> T {
        match self.slot(slot).take() {
            Some(value) => {
                self.free.push(slot);
                self.len -= 1;
                value
            }
            None => unreachable!("the slot is taken"),
        }
    }

    pub(super) fn get(&self, slot: u32) -> Option<&T> {
        self.chunks.get(slot as usize / CHUNK)?.get(slot as usize % CHUNK)?.as_ref()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten().flatten()
    }

    fn slot(&mut self, slot: u32) -> &mut Option<T> {
        &mut self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    #[inline]
    fn index(&self, slot: u32) -> &T {
        match &self.chunks[slot as usize / CHUNK][slot as usize % CHUNK] {
            Some(value) => value,
            None => unreachable!("the slot is taken"),
        }
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut T {
        match self.slot(slot) {
            Some(value) => value,
            None => unreachable!("the slot is taken"),
        }
    }
}

#[cfg(all(test, not(event_loom)))]
mod tests {
    use super::*;

    #[test]
    fn slots_that_were_freed_are_taken_again() {
        let mut slab = Slab::new();
        let slots: Vec<_> = (0..1000).map(|i| slab.insert(i)).collect();
        assert_eq!((slab.len(), slab.slots()), (1000, 1000));
        for &slot in slots.iter().filter(|slot| *slot % 3 == 0) {
            assert_eq!(slab.remove(slot), slot);
        }
        assert_eq!((slab.len(), slab.slots()), (666, 1000));
        let again: std::collections::BTreeSet<_> = (0..334).map(|i| slab.insert(i)).collect();
        assert!(again.len() == 334 && again.iter().all(|slot| slot % 3 == 0));
        assert_eq!((slab.len(), slab.slots()), (1000, 1000));
        assert_eq!(slab[1], 1);
    }
}
