//! A task that knows whether it was woken.

use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Wake, Waker};

/// The task of a consumer.
#[derive(Debug, Default)]
pub(super) struct Task(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    is_woken: bool,
    /// The law, if it waits for this task to be woken.
    waiter: Option<Waker>,
}

impl Task {
    /// From now on it was not woken.
    pub(super) fn sleep(&self) {
        self.state().is_woken = false;
    }

    pub(super) fn is_woken(&self) -> bool {
        self.state().is_woken
    }

    /// Completes when it was woken.
    pub(super) fn woken(self: Arc<Self>) -> impl Future<Output = ()> {
        poll_fn(move |cx| {
            let mut state = self.state();
            if state.is_woken {
                return Poll::Ready(());
            }
            state.waiter = Some(cx.waker().clone());
            Poll::Pending
        })
    }

    /// Whether a waker of this task is kept, apart from the caller's handle.
    pub(super) fn is_kept(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) > 1
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let mut state = self.state();
        state.is_woken = true;
        let waiter = state.waiter.take();
        drop(state);
        drop(self);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}
