//! The wakers of those who wait for the end of a tick, one slot each.

use std::mem;
use std::num::NonZeroU32;
use std::task::Waker;

/// A slot, by its place counted from one: so a watcher that has none takes no more memory.
pub(super) type Slot = NonZeroU32;

#[derive(Debug, Default)]
pub(super) struct Waiting {
    slots: Vec<Option<Waker>>,
    /// The slots that were left before the tick ended.
    free: Vec<Slot>,
}

impl Waiting {
    /// How many slots there are, whether left or not.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn insert(&mut self, waker: Waker) -> Slot {
        if let Some(slot) = self.free.pop() {
            self.slots[index(slot)] = Some(waker);
            return slot;
        }
        if self.slots.len() == self.slots.capacity() {
            // By half, where a `Vec` would double: many a value has one watcher, and some have many.
            self.slots.reserve_exact((self.slots.len() / 2).max(1));
        }
        self.slots.push(Some(waker));
        let place = u32::try_from(self.slots.len()).ok().and_then(Slot::new);
        place.unwrap_or_else(|| unreachable!("64 GiB of wakers"))
    }

    /// Gives back the waker before, if another one takes its place.
    pub(super) fn replace(&mut self, slot: Slot, waker: &Waker) -> Option<Waker> {
        match &mut self.slots[index(slot)] {
            Some(old) if old.will_wake(waker) => None,
            slot => slot.replace(waker.clone()),
        }
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Waker> {
        self.slots[index(slot)].as_ref()
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Waker> {
        self.free.push(slot);
        self.slots[index(slot)].take()
    }

    pub(super) fn take(&mut self) -> Vec<Option<Waker>> {
        self.free.clear();
        mem::take(&mut self.slots)
    }

    /// The same where there is one slot at the most.
    #[inline]
    pub(super) fn take_one(&mut self) -> Option<Waker> {
        self.free.clear();
        self.slots.pop()?
    }

    /// Takes an empty buffer for the next who wait, if there is none.
    pub(super) fn keep(&mut self, buffer: Vec<Option<Waker>>) {
        if self.slots.capacity() == 0 {
            self.slots = buffer;
        }
    }
}

fn index(slot: Slot) -> usize {
    slot.get() as usize - 1
}
