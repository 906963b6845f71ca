//! A task without an executor: a future that gets versions in a loop, and its waker.

use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::payload::Payload;
use crate::value::{IntoVersion, Watch};

/// A waker that counts its wake-ups. One atomic write is the least that the waker of a task does.
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

/// A future on the heap, and its own waker.
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

    /// Polls the future until it waits.
    pub(crate) fn run(&mut self) {
        let poll = self.future.as_mut().poll(&mut Context::from_waker(&self.waker));
        assert!(poll.is_pending(), "the future never completes");
    }
}

/// Gets versions in a loop.
#[expect(
    clippy::manual_async_fn,
    reason = "the future of an `async fn` would store the watcher twice"
)]
pub(crate) fn get_forever<T: Payload>(mut watcher: impl Watch<T>) -> impl Future<Output = ()> {
    async move {
        loop {
            black_box(watcher.get().await.into_version());
        }
    }
}

/// Polls a new `get` once and drops it.
pub(crate) fn poll<T: Payload>(watcher: &mut impl Watch<T>, cx: &mut Context<'_>) -> Poll<T> {
    let get = pin!(watcher.get());
    get.poll(cx).map(IntoVersion::into_version)
}

/// Takes versions until there is nothing newer.
pub(crate) fn drain<T: Payload>(watcher: &mut impl Watch<T>) {
    while poll(watcher, &mut Context::from_waker(Waker::noop())).is_ready() {}
}
