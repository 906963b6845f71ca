//! Whether polling a watcher may yield something: a *dirty flag* without a lock.
//!
//! Whoever polls a watcher for others ([`Shared`](crate::adapters::Shared)) or for later
//! ([`Latest`](crate::adapters::Latest)) spares the polls that would find nothing. A poll that ends
//! `Pending` settles the flag. Two things make it dirty again: the watcher's epoch moves, or its waker is
//! woken. The epoch moves under the lock of the cell that changed, before the new version can be seen;
//! a wake-up alone would come later, and a thread could take the version elsewhere and miss it here. The
//! wake-up counts too, since a poll may end `Pending` at its bound and wake itself.

use std::sync::Arc;
use std::task::Wake;

use super::epoch::Epoch;

#[cfg(all(test, event_loom))]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(all(test, event_loom)))]
use std::sync::atomic::{AtomicU64, Ordering};

/// No sum of counters gets there.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Dirty {
    /// The watcher's epoch. `None`: it has none, so every poll may yield something.
    epoch: Option<Epoch>,
    /// Counts the wake-ups of the watcher's waker.
    wakes: AtomicU64,
    /// The epoch and the wake-ups at the last poll that ended `Pending`, as a sum: both only grow.
    settled: AtomicU64,
}

/// A moment before a poll.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(u64);

impl Dirty {
    /// Dirty at first.
    pub(crate) fn new(epoch: Option<Epoch>) -> Self {
        Self { epoch, wakes: AtomicU64::new(0), settled: AtomicU64::new(NEVER) }
    }

    pub(crate) fn epoch(&self) -> Option<&Epoch> {
        self.epoch.as_ref()
    }

    /// Whether a poll runs no function of the program, as far as this crate knows.
    pub(crate) fn is_plain(&self) -> bool {
        self.epoch.as_ref().is_some_and(|epoch| !epoch.runs_functions())
    }

    /// Whether a poll may yield something.
    #[inline]
    pub(crate) fn is_dirty(&self) -> bool {
        self.epoch.is_none() || self.has_moved()
    }

    /// Whether the epoch moved or the waker was woken, since the last poll that ended `Pending`.
    #[inline]
    pub(crate) fn has_moved(&self) -> bool {
        // First the old sum, then the counters: so they are no older than the sum is.
        let settled = self.settled.load(Ordering::Acquire);
        self.sum() != settled
    }

    /// Taken before a poll.
    pub(crate) fn moment(&self) -> Moment {
        Moment(self.sum())
    }

    /// Whether the epoch moved or the waker was woken since then.
    pub(crate) fn has_moved_since(&self, moment: Moment) -> bool {
        self.sum() != moment.0
    }

    /// The poll ended `Pending`. Settles the flag, and returns whether it did: not if the poll stopped early,
    /// or if somebody else is about to publish something newer.
    pub(crate) fn settle(&self, before: Moment) -> bool {
        let is_last_word = self.epoch.as_ref().is_none_or(Epoch::is_settled);
        let settles = is_last_word && !self.has_moved_since(before);
        if settles {
            self.settled.store(before.0, Ordering::Release);
        }
        settles
    }

    /// The value ended: nothing newer will come.
    pub(crate) fn settle_for_ever(&self) {
        self.settled.store(self.sum(), Ordering::Release);
    }

    pub(crate) fn raise(&self) {
        self.wakes.fetch_add(1, Ordering::AcqRel);
    }

    #[inline]
    fn sum(&self) -> u64 {
        let epoch = self.epoch.as_ref().map_or(0, Epoch::now);
        epoch.wrapping_add(self.wakes.load(Ordering::Acquire))
    }
}

impl Wake for Dirty {
    fn wake(self: Arc<Self>) {
        self.raise();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.raise();
    }
}
