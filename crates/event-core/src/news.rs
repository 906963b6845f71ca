//! A flag that says whether a poll may have something to give.
//!
//! Who polls a watcher lowers it first, and the watcher's waker raises it. While it is low there is
//! nothing new, and nobody need poll to know.
//!
//! Both are swaps: who lowers the flag then sees what each of those who raised it had written before, and
//! the poll that follows may take no lock to learn of it. All of it is `SeqCst`: weaker orderings would
//! do, but loom is not sure of them, and the reads cost the same.

#[cfg(event_loom)]
use loom::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(event_loom))]
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) struct News(AtomicBool);

impl News {
    /// Nobody has polled yet.
    pub(crate) fn raised() -> Self {
        Self(AtomicBool::new(true))
    }

    #[inline]
    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn raise(&self) {
        self.0.swap(true, Ordering::SeqCst);
    }

    /// To be called before the poll: what comes after that raises it again. Who is given something by
    /// the poll raises it, since that left no waker.
    pub(crate) fn lower(&self) {
        self.0.swap(false, Ordering::SeqCst);
    }
}
