//! The wakers of waiting tasks: an epoch, and a slot for the waker of each watcher that waits.
//!
//! Every wake-up of all waiters begins a new *epoch*. A watcher remembers the epoch in which it left its
//! waker. The waker still lies in its slot if no new epoch began since. So a wake-up takes the whole
//! buffer of wakers away at once, and a watcher that is polled a million times in a `select!` loop
//! allocates nothing.

use std::any::Any;
use std::mem;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::Waker;
use std::thread;

use super::end::End;
use super::epoch::Counter;

/// A slot, counted from one, so that a `Place` without a slot takes no more memory.
type Slot = NonZeroU32;

#[derive(Debug, Default)]
pub(crate) struct Wakers {
    /// Counts the wake-ups of all waiters.
    epoch: u64,
    /// The same number for those who look without a lock, if somebody does.
    counter: Option<Arc<Counter>>,
    slots: Vec<Option<Waker>>,
    /// The slots that were left in this epoch.
    free: Vec<Slot>,
}

/// Where the waker of one watcher lies.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// Its slot, if it left a waker …
    slot: Option<Slot>,
    /// … and the epoch in which it did. In a later one the slot is somebody else's.
    epoch: u64,
    /// Not about wakers. It stands here because beside the slot it takes no memory.
    pub(crate) end: End,
}

/// The wakers of an epoch that ended. Wake them without holding a lock.
#[must_use]
#[derive(Debug)]
pub(crate) enum Woken {
    Nobody,
    /// Its buffer stays where it is.
    One(Waker),
    Many(Vec<Option<Waker>>),
}

impl Woken {
    /// Wakes them, and gives back the emptied buffer, if there is one.
    #[inline]
    pub(crate) fn wake(self) -> Option<Vec<Option<Waker>>> {
        match self {
            Self::Nobody => None,
            Self::One(waker) => {
                wake_one(waker);
                None
            }
            Self::Many(wakers) => Some(wake_each(wakers)),
        }
    }
}

impl Place {
    /// Whether a waker may lie there.
    pub(crate) fn has_slot(&self) -> bool {
        self.slot.is_some()
    }
}

impl Wakers {
    pub(crate) fn at_epoch(epoch: u64) -> Self {
        Self { epoch, ..Self::default() }
    }

    #[inline]
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The counter that follows the epoch from now on. Everybody who asks gets the same one.
    pub(crate) fn counter(&mut self) -> Arc<Counter> {
        Arc::clone(self.counter.get_or_insert_with(|| Arc::new(Counter::new(self.epoch))))
    }

    /// Begins a new epoch. The caller wakes those who waited, after it has released the lock.
    #[inline]
    pub(crate) fn next_epoch(&mut self) -> Woken {
        self.epoch += 1;
        if let Some(counter) = &self.counter {
            counter.set(self.epoch);
        }
        self.free.clear();
        if self.slots.len() > 1 {
            return Woken::Many(mem::take(&mut self.slots));
        }
        self.slots.pop().flatten().map_or(Woken::Nobody, Woken::One)
    }

    /// Leaves a waker. Gives back the one that it replaces, which the caller drops without the lock.
    #[inline]
    pub(crate) fn register(&mut self, place: &mut Place, waker: &Waker) -> Option<Waker> {
        if let Some(slot) = self.slot_of(place) {
            return match &mut self.slots[index(slot)] {
                Some(old) if old.will_wake(waker) => None,
                left => left.replace(waker.clone()),
            };
        }
        let slot = self.insert(waker.clone());
        (place.slot, place.epoch) = (Some(slot), self.epoch);
        None
    }

    /// Takes a waker back.
    pub(crate) fn unregister(&mut self, place: &mut Place) -> Option<Waker> {
        let slot = self.slot_of(place);
        place.slot = None;
        let slot = slot?;
        self.free.push(slot);
        self.slots[index(slot)].take()
    }

    /// Takes an emptied buffer for the next waiters, if there is none yet.
    pub(crate) fn reuse(&mut self, buffer: Vec<Option<Waker>>) {
        if self.slots.capacity() == 0 {
            self.slots = buffer;
        }
    }

    #[inline]
    fn slot_of(&self, place: &Place) -> Option<Slot> {
        place.slot.filter(|_| place.epoch == self.epoch)
    }

    fn insert(&mut self, waker: Waker) -> Slot {
        if let Some(slot) = self.free.pop() {
            self.slots[index(slot)] = Some(waker);
            return slot;
        }
        if self.slots.len() == self.slots.capacity() {
            // By half, where a `Vec` would double: many values have one watcher, and some have many.
            self.slots.reserve_exact((self.slots.len() / 2).max(1));
        }
        self.slots.push(Some(waker));
        let place = u32::try_from(self.slots.len()).ok().and_then(Slot::new);
        place
            .unwrap_or_else(|| unreachable!("four thousand million watchers need 64 GiB of wakers"))
    }
}

/// Wakes the only one who waited. A panic goes on, unless this thread is panicking already.
#[inline]
fn wake_one(waker: Waker) {
    if thread::panicking() {
        let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
    } else {
        waker.wake();
    }
}

/// Wakes them all, and gives back the emptied buffer.
///
/// If a waker panics, the others are woken first. Then the panic goes on, unless this thread is
/// panicking already.
fn wake_each(mut wakers: Vec<Option<Waker>>) -> Vec<Option<Waker>> {
    let mut left = wakers.drain(..).flatten();
    let mut first_panic: Option<Box<dyn Any + Send>> = None;
    while let Err(panic) = catch_unwind(AssertUnwindSafe(|| left.by_ref().for_each(Waker::wake))) {
        first_panic.get_or_insert(panic);
    }
    drop(left);
    match first_panic {
        Some(panic) if !thread::panicking() => resume_unwind(panic),
        _ => wakers,
    }
}

fn index(slot: Slot) -> usize {
    slot.get() as usize - 1
}
