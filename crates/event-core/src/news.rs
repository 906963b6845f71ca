//! A flag that says whether a poll may have something to give.
//!
//! Who polls a watcher says so first, and the watcher's waker raises the flag. It is lowered after a poll
//! that had nothing, if it was not raised meanwhile: while it is low no wake-up came since such a poll, and
//! nobody need poll to know. Where a poll gives something or panics it is not lowered, since that left no
//! waker; and who comes while another polls finds it raised, and waits for what that will give.
//!
//! A writer wakes after it has stored. So in the moment between, and while another writer's wake-ups are
//! under way, the flag is low though there is a newer version.
//!
//! All are swaps: who polls then sees what each of those who raised it had written before, and the poll may
//! take no lock to learn of it. All of it is `SeqCst`: weaker orderings would do, but loom is not sure of
//! them, and the reads cost the same.

#[cfg(event_loom)]
use loom::sync::atomic::{AtomicU8, Ordering};
#[cfg(not(event_loom))]
use std::sync::atomic::{AtomicU8, Ordering};

const LOW: u8 = 0;
const RAISED: u8 = 1;
/// Raised, and a poll is under way.
const POLLED: u8 = 2;

pub(crate) struct News(AtomicU8);

impl News {
    /// Nobody has polled yet.
    pub(crate) fn raised() -> Self {
        Self(AtomicU8::new(RAISED))
    }

    #[inline]
    pub(crate) fn is_raised(&self) -> bool {
        // loom tries no schedule between a load and a later swap of the same thread.
        #[cfg(event_loom)]
        return self.0.fetch_or(LOW, Ordering::SeqCst) != LOW;
        #[cfg(not(event_loom))]
        return self.0.load(Ordering::SeqCst) != LOW;
    }

    pub(crate) fn raise(&self) {
        self.0.swap(RAISED, Ordering::SeqCst);
    }

    /// A poll begins. One at a time.
    pub(crate) fn begin(&self) {
        self.0.swap(POLLED, Ordering::SeqCst);
    }

    /// The poll had nothing, or the end.
    pub(crate) fn lower(&self) {
        let _ = self.0.compare_exchange(POLLED, LOW, Ordering::SeqCst, Ordering::SeqCst);
    }
}
