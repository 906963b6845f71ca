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
//! So who is polled again by the same task, as in a `select!` loop, reads two atomics and takes no lock.

mod waiting;

#[cfg(all(test, event_loom))]
mod loom_tests;

use std::sync::{PoisonError, TryLockError};
use std::task::{Context, Poll, RawWakerVTable, Waker};
use std::{hint, mem, ptr};

use crate::Error;
use waiting::{Slot, Waiting};

#[cfg(event_loom)]
use loom::sync::{Mutex, MutexGuard, atomic::AtomicPtr, atomic::AtomicU64, atomic::Ordering};
#[cfg(not(event_loom))]
use std::sync::{Mutex, MutexGuard, atomic::AtomicPtr, atomic::AtomicU64, atomic::Ordering};

/// How long a thread waits before it tries a lock that is held again, in turns of a spin loop: after the
/// last it sleeps. Each try takes the lock's cache line from its holder, so the first wait is no shorter.
/// Measured with two writers on two cores: 17 ns a set; 26 where the waits begin at 2, and as many with
/// `parking_lot`; 55 with the plain lock.
#[cfg(not(event_loom))]
const SPINS: [u32; 4] = [16, 32, 64, 128];
/// Nobody else runs while a thread spins under loom.
#[cfg(event_loom)]
const SPINS: [u32; 0] = [];

#[derive(Debug)]
pub(crate) struct Cell<T> {
    state: Mutex<State<T>>,
    /// Counts the times that all who waited were woken. Written under the lock, before they are.
    tick: AtomicU64,
    /// What kind of waker the first who waited in this tick has. Written under the lock, while nobody
    /// else waits.
    kind: AtomicPtr<RawWakerVTable>,
}

#[derive(Debug)]
struct State<T> {
    newest: Option<Result<T, Error>>,
    /// The tick at which `newest` came; 0 before the first.
    newest_at: u64,
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
    slot: Option<Slot>,
    /// Whether the waker in that slot is of the cell's kind, and then which of them it is. What it points
    /// to is alive as long as it lies there, so no other waker is taken for it.
    is_of_kind: bool,
    data: usize,
}

impl Cursor {
    /// Before all versions: the current one is new.
    pub(crate) const START: Self = Self::at(0);

    const fn at(seen: u64) -> Self {
        Self { seen, slot: None, is_of_kind: false, data: 0 }
    }
}

impl<T> Cell<T> {
    /// A cell with one writer.
    pub(crate) fn new(newest: Option<Result<T, Error>>) -> Self {
        let newest_at = u64::from(newest.is_some());
        let state = State { newest, newest_at, writers: 1, waiting: Waiting::default() };
        Self {
            state: Mutex::new(state),
            tick: AtomicU64::new(newest_at),
            kind: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Makes `version` the newest and wakes those who wait.
    #[inline]
    pub(crate) fn publish(&self, version: Result<T, Error>) {
        let mut state = self.lock();
        let old = state.replace(version, self.next_tick());
        if state.waiting.len() > 1 {
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
        let old = state.replace(version, self.next_tick());
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
        if ended {
            return Woken { wakers: Vec::new(), _old: None };
        }
        self.next_tick();
        Woken { wakers: state.waiting.take(), _old: None }
    }

    /// Wakes those who wait without a new version, for them to look upstream.
    pub(crate) fn nudge(&self) {
        let mut state = self.lock();
        self.next_tick();
        let wakers = state.waiting.take();
        drop(state);
        self.wake(Woken { wakers, _old: None });
    }

    /// Takes the newest version if `cursor` has not, else leaves the waker in the cursor's slot.
    #[inline]
    pub(crate) fn poll(&self, cursor: &mut Cursor, cx: &mut Context<'_>) -> Poll<Result<T, Error>>
    where
        T: Clone,
    {
        if self.holds(cursor, cx.waker()) {
            return Poll::Pending;
        }
        let mut state = self.lock();
        if state.newest_at > cursor.seen {
            // Cloned before it counts as taken: a `clone` may panic.
            let newest = match &state.newest {
                Some(Ok(value)) => Ok(value.clone()),
                Some(Err(error)) => Err(error.clone()),
                None => Err(Error::closed()),
            };
            *cursor = Cursor::at(self.tick.load(Ordering::Relaxed));
            return Poll::Ready(newest);
        }
        if state.writers == 0 {
            return Poll::Ready(Err(Error::closed()));
        }
        let old = self.register(&mut state.waiting, cursor, cx.waker());
        drop(state);
        drop(old); // a task's last waker drops the task, and with it perhaps a watcher of this cell
        Poll::Pending
    }

    /// Frees the cursor's slot. A watcher calls it when it is dropped.
    pub(crate) fn forget(&self, cursor: &mut Cursor) {
        let Some(slot) = cursor.slot else { return };
        let mut state = self.lock();
        let is_there = cursor.seen == self.tick.load(Ordering::Relaxed);
        let old = if is_there { state.waiting.remove(slot) } else { None };
        *cursor = Cursor::at(cursor.seen);
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
        self.lock().waiting.keep(wakers);
    }

    /// Begins a tick. Who calls it holds the lock.
    #[inline]
    fn next_tick(&self) -> u64 {
        let tick = self.tick.load(Ordering::Relaxed) + 1;
        self.tick.store(tick, Ordering::Relaxed);
        tick
    }

    /// Whether this very waker lies in the cursor's slot. Then there is nothing new, or it is about to be
    /// woken: who was woken reads the tick that woke it, by way of the wake-up.
    ///
    /// The kind is read before the tick: if it is a later tick's, then so is the tick that is read.
    #[inline]
    fn holds(&self, cursor: &Cursor, waker: &Waker) -> bool {
        cursor.is_of_kind
            && cursor.data == waker.data().addr()
            && ptr::eq(self.kind.load(Ordering::Acquire), waker.vtable())
            && cursor.seen == self.tick.load(Ordering::Relaxed)
    }

    /// Puts a waker in the cursor's slot. Who calls it holds the lock.
    fn register(&self, waiting: &mut Waiting, cursor: &mut Cursor, waker: &Waker) -> Option<Waker> {
        let tick = self.tick.load(Ordering::Relaxed);
        let (slot, old) = match cursor.slot {
            Some(slot) if cursor.seen == tick => (slot, waiting.replace(slot, waker)),
            _ => (waiting.insert(waker.clone()), None),
        };
        // The one that lies there: a clone may have addresses of its own.
        let Some(kept) = waiting.get(slot) else { unreachable!("it was put there") };
        if waiting.len() == 1 {
            self.kind.store(ptr::from_ref(kept.vtable()).cast_mut(), Ordering::Release);
        }
        *cursor = Cursor {
            seen: tick,
            slot: Some(slot),
            is_of_kind: ptr::eq(self.kind.load(Ordering::Relaxed), kept.vtable()),
            data: kept.data().addr(),
        };
        old
    }

    #[inline]
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.try_lock().unwrap_or_else(|| self.lock_held())
    }

    /// The lock is held for some nanoseconds, and to sleep until it is free takes microseconds: so it
    /// is tried a few times more, after waits that double, for about as long as a sleep would take.
    #[cold]
    fn lock_held(&self) -> MutexGuard<'_, State<T>> {
        for spins in SPINS {
            (0..spins).for_each(|_| hint::spin_loop());
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
    fn replace(&mut self, version: Result<T, Error>, tick: u64) -> Option<Result<T, Error>> {
        self.newest_at = tick;
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
}
