//! The newest version of a value, and who waits for a newer one.
//!
//! All of the crate's wakers are here, and its only lock.
//!
//! Why not a channel? A channel keeps what a reader has not taken; a value needs the newest version
//! only. Why not `tokio::sync::watch`? It ties a backend to one runtime's crate, its receiver can't
//! be polled without a future that borrows it, and each pending `changed()` takes the lock of a list of
//! waiters that it leaves again when it is dropped.
//!
//! One number orders everything: the epoch of [`wakers`]. A version is newer than what a watcher took if
//! it was published in a later epoch than the one in which the watcher looked last.
//!
//! Under the lock runs no code of a user but a value's `clone` and a waker's `clone`. Old versions and
//! old wakers are dropped, and tasks are woken, after the lock is released.

mod dirty;
mod end;
mod epoch;
mod lock;
mod map;
mod wakers;

#[cfg(all(test, event_loom))]
mod loom_tests;

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::Error;
use wakers::Woken;

pub(crate) use wakers::{Place, Wakers};

pub(crate) use dirty::{Dirty, Moment};
pub(crate) use end::End;
pub use epoch::Epoch;
pub(crate) use epoch::Unsettled;
pub(crate) use lock::Lock;
#[cfg(feature = "upstream")]
pub(crate) use map::Merge;
pub use map::Step;
pub(crate) use map::{AppliedStep, MapCell, MapCursor};

#[derive(Debug)]
pub(crate) struct Cell<T> {
    state: Lock<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    newest: Option<Result<T, Error>>,
    /// The epoch in which `newest` was published; 0 before the first.
    published: u64,
    /// Who waits, and how many may publish. The value ends with the last of these.
    wakers: Wakers,
}

/// A watcher's place in the versions of one cell.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    /// The epoch of the version that this watcher took last; 0 before the first.
    taken: u64,
    /// Where its waker lies.
    place: Place,
}

impl Cursor {
    /// Whether this watcher has taken no version yet.
    pub(crate) fn is_fresh(&self) -> bool {
        self.taken == 0
    }
}

impl<T> Cell<T> {
    /// A cell with one writer.
    pub(crate) fn new(newest: Option<Result<T, Error>>) -> Self {
        let published = u64::from(newest.is_some());
        let wakers = Wakers::at_epoch(published);
        Self { state: Lock::new(State { newest, published, wakers }) }
    }

    /// Makes `version` the newest and wakes those who wait.
    #[inline]
    pub(crate) fn publish(&self, version: Result<T, Error>) {
        let mut version = Some(version);
        let woken = self.state.lock().publish(&mut version);
        self.wake(woken);
    }

    /// Makes `version` the newest, for a caller with a lock of its own: those who wait are woken when what
    /// this returns is dropped.
    pub(crate) fn publish_quietly(self: &Arc<Self>, version: Result<T, Error>) -> Published<T> {
        let mut version = Some(version);
        let woken = self.state.lock().publish(&mut version);
        Published { cell: Arc::clone(self), _old: version, woken }
    }

    /// Publishes, unless there is a newer version than that of this epoch.
    pub(crate) fn publish_after(&self, of: u64, version: Result<T, Error>) -> bool {
        let mut state = self.state.lock();
        if state.published != of {
            drop(state);
            return false;
        }
        let mut version = Some(version);
        let woken = state.publish(&mut version);
        drop(state);
        self.wake(woken);
        true
    }

    /// The newest version, and the epoch in which it was published.
    pub(crate) fn newest(&self) -> Option<(Result<T, Error>, u64)>
    where
        T: Clone,
    {
        let state = self.state.lock();
        Some((state.newest.clone()?, state.published))
    }

    /// Publishes an error as the last version, if this is the last writer.
    pub(crate) fn publish_last(&self, error: Error) {
        let mut state = self.state.lock();
        if state.wakers.writers() > 1 {
            return;
        }
        let mut version = Some(Err(error));
        let woken = state.publish(&mut version);
        drop(state);
        self.wake(woken);
    }

    pub(crate) fn add_writer(&self) {
        self.state.lock().wakers.add_writer();
    }

    /// One writer fewer. The value ends with the last of them.
    pub(crate) fn remove_writer(&self) {
        let woken = self.state.lock().wakers.remove_writer();
        self.wake(woken);
    }

    /// Wakes those who wait, without a new version.
    pub(crate) fn wake_all(&self) {
        let woken = self.state.lock().wakers.next_epoch();
        self.wake(woken);
    }

    /// Takes the newest version if `cursor` has not, else leaves the task's waker.
    #[inline]
    pub(crate) fn poll(&self, cursor: &mut Cursor, cx: &mut Context<'_>) -> Poll<Result<T, Error>>
    where
        T: Clone,
    {
        let mut state = self.state.lock();
        if let Some(newest) = state.take(cursor) {
            return Poll::Ready(newest);
        }
        if state.wakers.writers() == 0 {
            drop(state);
            return cursor.place.end.poll(cx);
        }
        let old = state.wakers.register(&mut cursor.place, cx.waker());
        drop(state);
        drop(old); // a task's last waker drops the task, and with it perhaps a watcher of this cell
        Poll::Pending
    }

    /// Takes the newest version if `cursor` has not.
    pub(crate) fn take(&self, cursor: &mut Cursor) -> Option<Result<T, Error>>
    where
        T: Clone,
    {
        self.state.lock().take(cursor)
    }

    /// Leaves the task's waker, without a look at the version.
    pub(crate) fn register(&self, cursor: &mut Cursor, cx: &mut Context<'_>) {
        let old = self.state.lock().wakers.register(&mut cursor.place, cx.waker());
        drop(old);
    }

    /// Takes the watcher's waker back: it is about to be dropped, or its task is awake.
    pub(crate) fn unregister(&self, cursor: &mut Cursor) {
        if cursor.place.has_slot() {
            let old = self.state.lock().wakers.unregister(&mut cursor.place);
            drop(old);
        }
    }

    /// The cell's epoch, for those who look without the lock.
    pub(crate) fn epoch(&self) -> Epoch {
        Epoch::of(self.state.lock().wakers.counter())
    }

    #[inline]
    fn wake(&self, woken: Woken) {
        if let Some(buffer) = woken.wake() {
            self.state.lock().wakers.reuse(buffer);
        }
    }
}

/// A version that is published, but nobody is woken yet. Dropping it wakes them: not under a lock. A drop and no
/// method, since of several the others are dropped even if a waker panics.
#[must_use = "those who wait are woken when it is dropped"]
pub(crate) struct Published<T> {
    cell: Arc<Cell<T>>,
    _old: Option<Result<T, Error>>,
    woken: Woken,
}

impl<T> Drop for Published<T> {
    fn drop(&mut self) {
        self.cell.wake(mem::replace(&mut self.woken, Woken::Nobody));
    }
}

impl<T> State<T> {
    /// Makes `version` the newest, and leaves the old one in its place. When the lock is released, the old one is
    /// dropped, and the tasks are woken.
    #[inline]
    fn publish(&mut self, version: &mut Option<Result<T, Error>>) -> Woken {
        mem::swap(&mut self.newest, version);
        let woken = self.wakers.next_epoch();
        self.published = self.wakers.epoch();
        woken
    }
}

impl<T: Clone> State<T> {
    #[inline]
    fn take(&self, cursor: &mut Cursor) -> Option<Result<T, Error>> {
        // Cloned before it counts as taken: a `clone` may panic.
        let newest = self.newest.as_ref().filter(|_| self.published > cursor.taken)?.clone();
        cursor.taken = self.published;
        Some(newest)
    }
}
