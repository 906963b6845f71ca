//! A task without an executor: a future that never completes, and its waker.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

/// A waker that counts its wake-ups. One atomic write is the least that the waker of a task does.
#[derive(Debug, Default)]
pub struct Woken(AtomicUsize);

impl Woken {
    /// How often it was woken.
    #[must_use]
    pub fn times(&self) -> usize {
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
#[derive(Debug)]
pub struct Task<F> {
    future: Pin<Box<F>>,
    waker: Waker,
    /// Counts the wake-ups.
    pub woken: Arc<Woken>,
}

impl<F: Future> Task<F> {
    /// A task that was never polled.
    pub fn new(future: F) -> Self {
        let woken = Arc::new(Woken::default());
        Self { future: Box::pin(future), waker: Waker::from(Arc::clone(&woken)), woken }
    }

    /// Its waker.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Polls the future until it waits.
    ///
    /// # Panics
    ///
    /// If the future completes.
    pub fn run(&mut self) {
        let poll = self.future.as_mut().poll(&mut Context::from_waker(&self.waker));
        assert!(poll.is_pending(), "the future never completes");
    }
}
