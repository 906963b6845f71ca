//! What a law did last, and the threads that it starts.

use std::any::Any;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;

thread_local! {
    /// The progress of the law that runs on this thread.
    static PROGRESS: RefCell<Arc<Progress>> = RefCell::default();
}

/// The progress of one law.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<Notes>);

#[derive(Debug, Default)]
struct Notes {
    last_step: String,
    /// The law failed or took too long: its threads shall stop.
    is_abandoned: bool,
}

impl Progress {
    /// Makes this the progress of the law on the current thread.
    pub(super) fn enter(self: &Arc<Self>) {
        PROGRESS.set(Arc::clone(self));
    }

    pub(super) fn last_step(&self) -> String {
        lock(&self.0).last_step.clone()
    }

    /// Lets the law's threads stop at their next step.
    pub(super) fn abandon(&self) {
        lock(&self.0).is_abandoned = true;
    }
}

/// Notes what the law is about to do. A law that does not finish is reported with its last step.
///
/// Unwinds if the law was abandoned.
pub(super) fn step(step: impl Into<String>) {
    let step = step.into();
    let is_abandoned = PROGRESS.with_borrow(|progress| {
        let mut notes = lock(&progress.0);
        if !notes.is_abandoned {
            notes.last_step = step;
        }
        notes.is_abandoned
    });
    if is_abandoned {
        resume_unwind(Box::new("the law was abandoned")); // without a message: it was reported already
    }
}

/// Runs `f` on a thread of its own, as a part of this law. The future completes with what `f` returns,
/// and panics if `f` does.
pub(super) fn on_thread<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> OnThread<T> {
    let outcome = Arc::new(Mutex::new(Outcome { result: None, waiter: None }));
    let progress = PROGRESS.with_borrow(Arc::clone);
    let theirs = Arc::clone(&outcome);
    thread::spawn(move || {
        progress.enter();
        let result = catch_unwind(AssertUnwindSafe(f));
        let mut outcome = lock(&theirs);
        outcome.result = Some(result);
        let waiter = outcome.waiter.take();
        drop(outcome);
        waiter.map(Waker::wake)
    });
    OnThread { outcome }
}

/// A part of a law that runs on a thread of its own.
pub(super) struct OnThread<T> {
    outcome: Arc<Mutex<Outcome<T>>>,
}

struct Outcome<T> {
    result: Option<Result<T, Box<dyn Any + Send>>>,
    waiter: Option<Waker>,
}

impl<T> OnThread<T> {
    pub(super) fn is_finished(&self) -> bool {
        lock(&self.outcome).result.is_some()
    }

    pub(super) fn join(self) -> impl Future<Output = T> {
        poll_fn(move |cx| {
            let mut outcome = lock(&self.outcome);
            match outcome.result.take() {
                Some(Ok(value)) => Poll::Ready(value),
                Some(Err(panic)) => {
                    drop(outcome);
                    resume_unwind(panic)
                }
                None => {
                    outcome.waiter = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
    }
}

/// A law that panicked leaves its notes whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
