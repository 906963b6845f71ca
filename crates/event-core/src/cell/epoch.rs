//! Epochs as those see them who look without a lock.

use std::sync::Arc;

#[cfg(event_loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(event_loom))]
use std::sync::atomic::{AtomicU64, Ordering};

/// The epoch of one cell. It is written under the cell's lock, before anybody can see what changed: so
/// whoever has taken a version and then reads the counter finds it moved.
#[derive(Debug)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn new(epoch: u64) -> Self {
        Self(AtomicU64::new(epoch))
    }

    #[inline]
    pub(crate) fn set(&self, epoch: u64) {
        self.0.store(epoch, Ordering::Release);
    }
}

/// A number that moves before a watcher's newer version can be seen anywhere.
///
/// [`Watcher::epoch`](crate::Watcher::epoch) gives one. While it stands still, a poll of that watcher has
/// nothing newer to yield than it had before, so the poll can be spared.
#[derive(Debug, Clone, Default)]
pub struct Epoch(Vec<Arc<Counter>>);

impl Epoch {
    pub(crate) fn of(counter: Arc<Counter>) -> Self {
        Self(vec![counter])
    }

    /// An epoch that moves when either does.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.0.iter().map(|counter| counter.0.load(Ordering::Acquire)).fold(0, u64::wrapping_add)
    }
}
