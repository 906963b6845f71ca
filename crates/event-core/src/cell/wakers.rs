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

use smallvec::SmallVec;

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
    /// Most values have one watcher, whose waker lies within the cell.
    slots: SmallVec<[Left; 1]>,
    /// The first slot that is free; the slot says which is the next.
    free: Option<Slot>,
    /// Handles that may publish. Not about wakers, but it is counted for each cell, and here it takes no memory.
    writers: u32,
}

/// What lies in a slot. It takes no more memory than a waker.
#[derive(Debug)]
pub(crate) enum Left {
    Waker(Waker),
    /// The waker was taken back in this epoch. Here is the next slot that is free.
    Free(Option<Slot>),
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
    One(Waker),
    Many(Vec<Left>),
}

impl Woken {
    /// Wakes them, and gives back the emptied buffer, if there is one.
    #[inline]
    pub(crate) fn wake(self) -> Option<Vec<Left>> {
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

impl Left {
    fn waker(self) -> Option<Waker> {
        match self {
            Self::Waker(waker) => Some(waker),
            Self::Free(_) => None,
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
    /// Those of a cell with one writer.
    pub(crate) fn at_epoch(epoch: u64) -> Self {
        Self { epoch, writers: 1, ..Self::default() }
    }

    pub(crate) fn add_writer(&mut self) {
        self.writers = self.writers.saturating_add(1);
    }

    /// One writer fewer. With the last one begins a new epoch, since those who wait have no more to wait for.
    pub(crate) fn remove_writer(&mut self) -> Woken {
        self.writers = self.writers.saturating_sub(1);
        if self.writers == 0 { self.next_epoch() } else { Woken::Nobody }
    }

    pub(crate) fn writers(&self) -> u32 {
        self.writers
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
        self.free = None;
        if self.slots.spilled() {
            return Woken::Many(mem::take(&mut self.slots).into_vec());
        }
        self.slots.pop().and_then(Left::waker).map_or(Woken::Nobody, Woken::One)
    }

    /// Leaves a waker. Gives back the one that it replaces, which the caller drops without the lock.
    #[inline]
    pub(crate) fn register(&mut self, place: &mut Place, waker: &Waker) -> Option<Waker> {
        if let Some(slot) = self.slot_of(place) {
            return match &mut self.slots[index(slot)] {
                Left::Waker(old) if old.will_wake(waker) => None,
                left => mem::replace(left, Left::Waker(waker.clone())).waker(),
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
        let left = mem::replace(&mut self.slots[index(slot)], Left::Free(self.free));
        self.free = Some(slot);
        left.waker()
    }

    /// Takes an emptied buffer for the next waiters, if they have none on the heap yet.
    pub(crate) fn reuse(&mut self, mut buffer: Vec<Left>) {
        if !self.slots.spilled() {
            buffer.extend(self.slots.drain(..));
            self.slots = SmallVec::from_vec(buffer);
        }
    }

    #[inline]
    fn slot_of(&self, place: &Place) -> Option<Slot> {
        place.slot.filter(|_| place.epoch == self.epoch)
    }

    fn insert(&mut self, waker: Waker) -> Slot {
        if let Some(slot) = self.free {
            let left = mem::replace(&mut self.slots[index(slot)], Left::Waker(waker));
            if let Left::Free(next) = left {
                self.free = next;
            }
            return slot;
        }
        if self.slots.len() == self.slots.capacity() {
            // By half, where a `Vec` would double.
            self.slots.reserve_exact((self.slots.len() / 2).max(1));
        }
        self.slots.push(Left::Waker(waker));
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
fn wake_each(mut wakers: Vec<Left>) -> Vec<Left> {
    let mut left = wakers.drain(..).filter_map(Left::waker);
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

#[cfg(all(test, not(event_loom)))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_slot_takes_no_more_memory_than_a_waker() {
        assert_eq!(size_of::<Left>(), size_of::<Waker>());
        assert_eq!(size_of::<SmallVec<[Left; 1]>>(), size_of::<Vec<Left>>());
    }

    #[test]
    fn the_count_of_writers_takes_no_memory() {
        // The epoch, the counter and the slots; the free slot and the writers share a word.
        assert_eq!(size_of::<Wakers>(), size_of::<(u64, usize, Vec<Left>, u64)>());
    }

    #[test]
    fn slots_that_were_left_are_used_again() {
        let (mut wakers, waker) = (Wakers::default(), Waker::noop());
        let mut places: Vec<Place> = (0..5).map(|_| Place::default()).collect();
        for place in &mut places {
            assert!(wakers.register(place, waker).is_none());
        }
        for index in [1, 3, 0] {
            assert!(wakers.unregister(&mut places[index]).is_some());
            assert!(wakers.unregister(&mut places[index]).is_none());
        }
        for index in [0, 1, 3] {
            wakers.register(&mut places[index], waker);
        }
        assert_eq!(wakers.slots.len(), 5);
        let slots: std::collections::BTreeSet<_> = places.iter().map(|place| place.slot).collect();
        assert_eq!(slots.len(), 5);
    }

    #[test]
    fn a_waker_that_came_during_a_wake_up_is_kept_when_the_buffer_comes_back() {
        let (mut wakers, mut places) = (Wakers::default(), <[Place; 3]>::default());
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        for place in &mut places {
            drop(wakers.register(place, &waker));
        }
        let buffer = wakers.next_epoch().wake().unwrap();
        assert_eq!(count.0.swap(0, Ordering::Relaxed), 3);
        drop(wakers.register(&mut places[1], &waker));
        wakers.reuse(buffer);
        assert!(wakers.slots.spilled(), "the buffer is used again");
        drop(wakers.register(&mut places[2], &waker));
        drop(wakers.unregister(&mut places[1]));
        drop(wakers.next_epoch().wake());
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }
}
