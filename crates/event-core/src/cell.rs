//! The newest version of a value, and the wakers of those who wait for a newer one.
//!
//! All of the crate's waking is here, and all of its locking but the one lock of
//! [`Share`](crate::Share).
//!
//! Why not a channel? A channel keeps what a reader has not taken; a value needs the newest version
//! only. Why not `tokio::sync::watch`? It ties a backend to one runtime's crate, its receiver can't
//! be polled without a boxed future, and each pending `changed()` takes the lock of a list of
//! waiters that it leaves again when it is dropped.
//!
//! Why one counter? Every wake-up of all waiters begins a new *tick*: a version, the end, or a nudge
//! from upstream. A watcher remembers the last tick it saw. What it took is older than the newest
//! version if that came at a later tick; and its waker still lies in its slot if no tick came since.

use std::sync::{PoisonError, TryLockError};
use std::task::{Context, Poll, Waker};
use std::{hint, mem};

use crate::Error;

#[cfg(event_loom)]
use loom::sync::{Mutex, MutexGuard};
#[cfg(not(event_loom))]
use std::sync::{Mutex, MutexGuard};

/// How often a lock that is held is tried before the thread sleeps. Measured with two writers on two
/// cores: 7 are 9.5 ns per set, 5 are 10.5, 3 are 13, and none, the plain lock, 26.
#[cfg(not(event_loom))]
const SPINS: u32 = 7;
/// Nobody else runs while a thread spins under loom.
#[cfg(event_loom)]
const SPINS: u32 = 0;

#[derive(Debug)]
pub(crate) struct Cell<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    newest: Option<Result<T, Error>>,
    /// The tick at which `newest` came; 0 before the first.
    newest_at: u64,
    /// Counts the times that all who waited were woken.
    tick: u64,
    /// Handles that may publish. With the last of them the value ends.
    writers: usize,
    waiting: Waiting,
}

/// Who is to be woken for a change, and the version that it replaced: a value's `drop` is foreign code
/// and may come back to the cell, so it runs with the wakers, under no lock.
#[must_use]
pub(crate) struct Woken<T> {
    wakers: Vec<Option<Waker>>,
    _old: Option<Result<T, Error>>,
}

/// A watcher's place in the versions of one cell.
#[derive(Debug)]
pub(crate) struct Cursor {
    /// The last tick at which this watcher looked.
    seen: u64,
    /// Where its waker lies, if it waits and no tick came since `seen`.
    slot: Option<u32>,
}

impl Cursor {
    /// Before all versions: the current one is new.
    pub(crate) const START: Self = Self { seen: 0, slot: None };
}

impl<T> Cell<T> {
    /// A cell with one writer.
    pub(crate) fn new(newest: Option<Result<T, Error>>) -> Self {
        let newest_at = u64::from(newest.is_some());
        let state =
            State { newest, newest_at, tick: newest_at, writers: 1, waiting: Waiting::default() };
        Self { state: Mutex::new(state) }
    }

    /// Makes `version` the newest and wakes those who wait.
    #[inline]
    pub(crate) fn publish(&self, version: Result<T, Error>) {
        let mut state = self.lock();
        let old = state.replace(version);
        if state.waiting.slots.len() > 1 {
            let wakers = state.waiting.take();
            drop(state);
            return self.wake(Woken { wakers, _old: old });
        }
        // One who waits, or none: the buffer stays where it is.
        let waker = state.waiting.take_one();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Makes `version` the newest. Who calls it wakes those who wait, holding no lock.
    #[inline]
    pub(crate) fn store(&self, version: Result<T, Error>) -> Woken<T> {
        let mut state = self.lock();
        let old = state.replace(version);
        Woken { wakers: state.waiting.take(), _old: old }
    }

    pub(crate) fn add_writer(&self) {
        self.lock().writers += 1;
    }

    /// One writer fewer. With the last of them the value ends, and those who wait are told.
    pub(crate) fn remove_writer(&self) {
        let mut state = self.lock();
        if state.writers > 1 {
            state.writers -= 1;
            return;
        }
        drop(state);
        let woken = self.end();
        self.wake(woken);
    }

    /// Ends the value. Who calls it wakes those who wait, holding no lock.
    pub(crate) fn end(&self) -> Woken<T> {
        let mut state = self.lock();
        let ended = mem::replace(&mut state.writers, 0) == 0;
        let wakers = if ended { Vec::new() } else { state.next_tick() };
        Woken { wakers, _old: None }
    }

    /// Wakes those who wait without a new version, for them to look upstream.
    pub(crate) fn nudge(&self) {
        let wakers = self.lock().next_tick();
        self.wake(Woken { wakers, _old: None });
    }

    /// Takes the newest version if `cursor` has not, else leaves the waker in the cursor's slot.
    #[inline]
    pub(crate) fn poll(&self, cursor: &mut Cursor, cx: &mut Context<'_>) -> Poll<Result<T, Error>>
    where
        T: Clone,
    {
        let mut state = self.lock();
        if state.newest_at > cursor.seen {
            // Cloned before it counts as taken: a `clone` may panic.
            let newest = match &state.newest {
                Some(Ok(value)) => Ok(value.clone()),
                Some(Err(error)) => Err(error.clone()),
                None => Err(Error::closed()),
            };
            *cursor = Cursor { seen: state.tick, slot: None };
            return Poll::Ready(newest);
        }
        if state.writers == 0 {
            return Poll::Ready(Err(Error::closed()));
        }
        let old = state.register(cursor, cx.waker());
        drop(state);
        drop(old); // a task's last waker drops the task, and with it perhaps a watcher of this cell
        Poll::Pending
    }

    /// Frees the cursor's slot. A watcher calls it when it is dropped.
    pub(crate) fn forget(&self, cursor: &mut Cursor) {
        let Some(slot) = cursor.slot.take() else { return };
        let mut state = self.lock();
        let old = if cursor.seen == state.tick { state.waiting.remove(slot) } else { None };
        drop(state);
        drop(old);
    }

    /// Wakes, then gives the buffer back for the next who wait.
    pub(crate) fn wake(&self, woken: Woken<T>) {
        let Woken { mut wakers, .. } = woken;
        if wakers.capacity() == 0 {
            return;
        }
        for waker in wakers.drain(..).flatten() {
            waker.wake();
        }
        let mut state = self.lock();
        if state.waiting.slots.capacity() == 0 {
            state.waiting.slots = wakers;
        }
    }

    #[inline]
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.try_lock().unwrap_or_else(|| self.lock_held())
    }

    /// The lock is held for some nanoseconds, and to sleep until it is free takes microseconds: so it
    /// is tried a few times more, after waits that double, for about as long as a sleep would take.
    #[cold]
    fn lock_held(&self) -> MutexGuard<'_, State<T>> {
        for wait in 1..=SPINS {
            (0..1 << wait).for_each(|_| hint::spin_loop());
            if let Some(state) = self.try_lock() {
                return state;
            }
        }
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn try_lock(&self) -> Option<MutexGuard<'_, State<T>>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            // Only foreign code can panic under the lock (a value's `clone`, a waker's), and it leaves
            // the state whole.
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl<T> State<T> {
    /// Gives back the version before, where it has something to drop.
    #[inline]
    fn replace(&mut self, version: Result<T, Error>) -> Option<Result<T, Error>> {
        self.tick += 1;
        self.newest_at = self.tick;
        match version {
            Ok(value) => match &mut self.newest {
                // Nothing to carry about, which costs more than all the rest.
                Some(Ok(newest)) if !mem::needs_drop::<T>() => {
                    *newest = value;
                    None
                }
                newest => newest.replace(Ok(value)),
            },
            error => self.newest.replace(error),
        }
    }

    fn next_tick(&mut self) -> Vec<Option<Waker>> {
        self.tick += 1;
        self.waiting.take()
    }

    #[inline]
    fn register(&mut self, cursor: &mut Cursor, waker: &Waker) -> Option<Waker> {
        if let (Some(slot), true) = (cursor.slot, cursor.seen == self.tick) {
            return self.waiting.replace(slot, waker);
        }
        *cursor = Cursor { seen: self.tick, slot: Some(self.waiting.insert(waker.clone())) };
        None
    }
}

/// The wakers of those who wait in this tick, one slot each.
#[derive(Debug, Default)]
struct Waiting {
    slots: Vec<Option<Waker>>,
    /// The slots that were left before the tick ended.
    free: Vec<u32>,
}

impl Waiting {
    fn insert(&mut self, waker: Waker) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(waker);
            return slot;
        }
        if self.slots.capacity() == 0 {
            self.slots.reserve_exact(1); // many a value has one watcher
        }
        self.slots.push(Some(waker));
        u32::try_from(self.slots.len() - 1).unwrap_or_else(|_| unreachable!("64 GiB of wakers"))
    }

    fn replace(&mut self, slot: u32, waker: &Waker) -> Option<Waker> {
        match &mut self.slots[slot as usize] {
            Some(old) if old.will_wake(waker) => None,
            slot => slot.replace(waker.clone()),
        }
    }

    fn remove(&mut self, slot: u32) -> Option<Waker> {
        self.free.push(slot);
        self.slots[slot as usize].take()
    }

    fn take(&mut self) -> Vec<Option<Waker>> {
        self.free.clear();
        mem::take(&mut self.slots)
    }

    /// The same where there is one slot at the most.
    fn take_one(&mut self) -> Option<Waker> {
        self.free.clear();
        self.slots.pop()?
    }
}

#[cfg(all(test, event_loom))]
mod loom_tests {
    //! Every interleaving of what threads may do to a cell at once.

    use std::future::poll_fn;
    use std::sync::Arc;

    use loom::future::block_on;
    use loom::thread;

    use super::*;

    /// A watcher, with the cursor's place freed as [`MemoryWatcher`](crate::MemoryWatcher) does.
    struct Watching(Arc<Cell<u32>>, Cursor);

    impl Watching {
        fn of(cell: &Arc<Cell<u32>>) -> Self {
            Self(Arc::clone(cell), Cursor::START)
        }

        fn get(&mut self) -> Result<u32, Error> {
            block_on(poll_fn(|cx| self.0.poll(&mut self.1, cx)))
        }

        fn poll_and_leave(&mut self) {
            let _ = self.0.poll(&mut self.1, &mut Context::from_waker(Waker::noop()));
        }
    }

    impl Drop for Watching {
        fn drop(&mut self) {
            self.0.forget(&mut self.1);
        }
    }

    #[test]
    fn loom_a_watcher_that_waits_takes_the_last_version_and_the_end() {
        loom::model(|| {
            let cell = Arc::new(Cell::new(Some(Ok(1))));
            let mut watcher = Watching::of(&cell);
            let writer = thread::spawn(move || {
                cell.publish(Ok(2));
                cell.remove_writer();
            });
            let first = watcher.get().unwrap();
            assert!(first == 2 || watcher.get().unwrap() == 2);
            assert!(watcher.get().unwrap_err().is_closed());
            writer.join().unwrap();
        });
    }

    #[test]
    fn loom_of_two_writers_the_last_ends_the_value() {
        loom::model(|| {
            let cell = Arc::new(Cell::new(None));
            cell.add_writer();
            let mut watcher = Watching::of(&cell);
            let other = thread::spawn({
                let cell = Arc::clone(&cell);
                move || {
                    cell.publish(Ok(1));
                    cell.remove_writer();
                }
            });
            cell.remove_writer();
            assert_eq!(watcher.get().unwrap(), 1);
            assert!(watcher.get().unwrap_err().is_closed());
            other.join().unwrap();
        });
    }

    #[test]
    fn loom_a_watcher_that_leaves_takes_no_other_watchers_waker_along() {
        loom::model(|| {
            let cell = Arc::new(Cell::new(None));
            let mut stays = Watching::of(&cell);
            let mut leaves = Watching::of(&cell);
            let writer = thread::spawn({
                let cell = Arc::clone(&cell);
                move || cell.publish(Ok(1))
            });
            let leaver = thread::spawn(move || {
                leaves.poll_and_leave();
                drop(leaves);
            });
            assert_eq!(stays.get().unwrap(), 1);
            writer.join().unwrap();
            leaver.join().unwrap();
        });
    }

    #[test]
    fn loom_a_get_that_was_dropped_loses_nothing() {
        loom::model(|| {
            let cell = Arc::new(Cell::new(None));
            let mut watcher = Watching::of(&cell);
            let writer = thread::spawn(move || cell.publish(Ok(1)));
            let mut first = None;
            let mut cx = Context::from_waker(Waker::noop());
            if let Poll::Ready(version) = watcher.0.poll(&mut watcher.1, &mut cx) {
                first = Some(version.unwrap());
            }
            assert_eq!(first.unwrap_or_else(|| watcher.get().unwrap()), 1);
            writer.join().unwrap();
        });
    }

    #[test]
    fn loom_a_nudge_wakes_those_who_wait() {
        loom::model(|| {
            let cell = Arc::new(Cell::<u32>::new(None));
            let upstream = Arc::new(loom::sync::atomic::AtomicBool::new(false));
            let mut watcher = Watching::of(&cell);
            let above = thread::spawn({
                let upstream = Arc::clone(&upstream);
                move || {
                    upstream.store(true, loom::sync::atomic::Ordering::SeqCst);
                    cell.nudge();
                }
            });
            block_on(poll_fn(|cx| {
                assert!(watcher.0.poll(&mut watcher.1, cx).is_pending());
                if upstream.load(loom::sync::atomic::Ordering::SeqCst) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            }));
            above.join().unwrap();
        });
    }
}
