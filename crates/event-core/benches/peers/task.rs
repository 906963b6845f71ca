//! A task as an executor has it, without an executor: a future that follows a value, and its waker.

use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::payload::Payload;
use crate::value::{Taken, Watch};

/// What a task's waker does at the least: one write that other threads see.
#[derive(Default)]
pub(crate) struct Woken(AtomicUsize);

impl Woken {
    pub(crate) fn times(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A future on the heap, and the waker of its own.
pub(crate) struct Task<F> {
    future: Pin<Box<F>>,
    waker: Waker,
    pub(crate) woken: Arc<Woken>,
}

impl<F: Future> Task<F> {
    pub(crate) fn new(future: F) -> Self {
        let woken = Arc::new(Woken::default());
        Self { future: Box::pin(future), waker: Waker::from(Arc::clone(&woken)), woken }
    }

    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Lets it take what there is and wait again.
    pub(crate) fn run(&mut self) {
        let poll = self.future.as_mut().poll(&mut Context::from_waker(&self.waker));
        assert!(poll.is_pending(), "it follows for ever");
    }
}

/// Takes each version.
#[expect(clippy::manual_async_fn, reason = "an `async fn` would hold the watcher twice")]
pub(crate) fn follow<T: Payload>(mut watcher: impl Watch<T>) -> impl Future<Output = ()> {
    async move {
        loop {
            black_box(watcher.get().await.version());
        }
    }
}

/// One poll of a new `get`, which is then dropped.
pub(crate) fn poll<T: Payload>(watcher: &mut impl Watch<T>, cx: &mut Context<'_>) -> Poll<T> {
    let get = pin!(watcher.get());
    get.poll(cx).map(Taken::version)
}

/// Takes what there is, and leaves no waker that anybody misses.
pub(crate) fn drain<T: Payload>(watcher: &mut impl Watch<T>) {
    while poll(watcher, &mut Context::from_waker(Waker::noop())).is_ready() {}
}
