//! Epochs as those see them who look without a lock.

use std::sync::Arc;

#[cfg(all(test, event_loom))]
use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
#[cfg(not(all(test, event_loom)))]
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The epoch of one cell. It is written under the cell's lock, before anybody can see what changed: so
/// whoever has taken a version and then reads the counter finds it moved.
#[derive(Debug)]
pub(crate) struct Counter(AtomicU64);

/// Says whether a watcher's last `Pending` was the last word. It was not if a sibling was about to publish
/// something newer, or if the poll stopped early.
#[derive(Debug, Default)]
pub(crate) struct Unsettled(AtomicBool);

impl Unsettled {
    pub(crate) fn set(&self, is_unsettled: bool) {
        self.0.store(is_unsettled, Ordering::Release);
    }
}

impl Counter {
    pub(crate) fn new(epoch: u64) -> Self {
        Self(AtomicU64::new(epoch))
    }

    #[inline]
    fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    #[inline]
    pub(crate) fn set(&self, epoch: u64) {
        self.0.store(epoch, Ordering::Release);
    }
}

/// A counter that grows before a newer version becomes visible.
///
/// [`Watcher::epoch`](crate::Watcher::epoch) returns one. Its documentation says what your own adapter should
/// return. Only the watchers of this crate can make an epoch that grows. One made by `default` never grows.
#[derive(Debug, Clone, Default)]
pub struct Epoch {
    /// Mostly the only one: it is looked at for each read of a `Current`.
    first: Option<Arc<Counter>>,
    others: Vec<Arc<Counter>>,
    /// Of the watchers on the way that share an upstream.
    unsettled: Vec<Arc<Unsettled>>,
    /// A poll may run a function of the program.
    runs_functions: bool,
}

impl Epoch {
    /// An epoch that grows whenever one of `epochs` does, for an adapter over several watchers. `None` if one
    /// of them is `None`. It also suits an adapter whose poll runs a function of the program.
    ///
    /// ```
    /// use event_core::{Epoch, MemoryValue, ValueReader, Watcher};
    ///
    /// let watchers = [MemoryValue::new(1).watch(), MemoryValue::new(2).watch()];
    /// assert!(Epoch::all(watchers.iter().map(Watcher::epoch)).is_some());
    /// assert!(Epoch::all([watchers[0].epoch(), None]).is_none());
    /// ```
    #[must_use]
    pub fn all(epochs: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        let all = epochs.into_iter().collect::<Option<Vec<_>>>()?;
        Some(all.into_iter().reduce(Self::and).unwrap_or_default().of_adapter())
    }

    pub(crate) fn of(counter: Arc<Counter>) -> Self {
        Self {
            first: Some(counter),
            others: Vec::new(),
            unsettled: Vec::new(),
            runs_functions: false,
        }
    }

    /// The same epoch, of a watcher that shares its upstream.
    pub(crate) fn with(mut self, unsettled: Arc<Unsettled>) -> Self {
        self.unsettled.push(unsettled);
        self.of_adapter()
    }

    /// The same epoch, of an adapter: its poll runs a function of the program.
    pub(crate) fn of_adapter(mut self) -> Self {
        self.runs_functions = true;
        self
    }

    /// Whether a poll may run a function of the program.
    pub(crate) fn runs_functions(&self) -> bool {
        self.runs_functions
    }

    /// Whether the last `Pending` of the watcher was the last word.
    pub(crate) fn is_settled(&self) -> bool {
        self.unsettled.iter().all(|unsettled| !unsettled.0.load(Ordering::Acquire))
    }

    /// An epoch that moves when either does.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.others.extend(other.first);
        self.others.extend(other.others);
        self.unsettled.extend(other.unsettled);
        self.runs_functions |= other.runs_functions;
        self
    }

    #[inline]
    pub(crate) fn now(&self) -> u64 {
        let first = self.first.as_ref().map_or(0, |counter| counter.get());
        self.others.iter().fold(first, |sum, counter| sum.wrapping_add(counter.get()))
    }
}

#[cfg(all(test, not(event_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_of_all_grows_with_each() {
        let counters = [1, 2, 3].map(|epoch| Arc::new(Counter::new(epoch)));
        let epochs = || counters.iter().map(|counter| Some(Epoch::of(Arc::clone(counter))));
        let all = Epoch::all(epochs()).unwrap();
        assert!(all.runs_functions());
        for counter in &counters {
            let before = all.now();
            counter.set(counter.get() + 1);
            assert_eq!(all.now(), before + 1);
        }
        assert!(Epoch::all(epochs().chain([None])).is_none());
        assert_eq!(Epoch::all([]).unwrap().now(), 0);
    }
}
