//! Holding a thread up inside a poll.

use std::future::{Future, poll_fn};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// A gate in code that runs inside a poll. The suite closes it to hold up one thread there.
///
/// Call [`pass`](Self::pass) in a mapper, a decoder or a watcher below the reader under test, and return a
/// clone of the gate from [`Subject::gate`](super::Subject::gate).
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The next one to come is held up.
    is_closed: bool,
    is_occupied: bool,
    waiter: Option<Waker>,
}

impl Gate {
    /// Returns at once while the gate is open. The first thread to come after the suite has closed the
    /// gate blocks until the suite opens it; the others pass.
    pub fn pass(&self) {
        let mut state = self.state();
        if !state.is_closed || state.is_occupied {
            return;
        }
        state.is_occupied = true;
        let waiter = state.waiter.take();
        drop(state);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
        let held_up = self.0.changed.wait_while(self.state(), |state| state.is_closed);
        held_up.unwrap_or_else(PoisonError::into_inner).is_occupied = false;
    }

    /// Closes the gate, until the guard is dropped.
    pub(super) fn close(&self) -> Closed<'_> {
        self.state().is_closed = true;
        Closed(self)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens the gate when it is dropped.
pub(super) struct Closed<'a>(&'a Gate);

impl Closed<'_> {
    /// Completes when a thread is held up.
    pub(super) fn is_occupied(&self) -> impl Future<Output = ()> {
        poll_fn(|cx| {
            let mut state = self.0.state();
            if state.is_occupied {
                return Poll::Ready(());
            }
            state.waiter = Some(cx.waker().clone());
            Poll::Pending
        })
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.state().is_closed = false;
        self.0.0.changed.notify_all();
    }
}
