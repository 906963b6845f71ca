//! `for_latest`: a future for the newest value, which is dropped when a newer one comes.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{ROUNDS, yield_now};
use crate::Watcher;
use crate::debug::debug;

/// The future of [`WatcherExt::for_latest`](crate::WatcherExt::for_latest).
#[must_use = "futures do nothing unless awaited"]
pub struct ForLatest<W, T, F, U> {
    watcher: W,
    f: F,
    running: Pin<Box<Option<U>>>,
    ended: bool,
    takes: PhantomData<fn(T)>,
}

impl<W, T, F, U> ForLatest<W, T, F, U> {
    pub(crate) fn new(watcher: W, f: F) -> Self {
        Self { watcher, f, running: Box::pin(None), ended: false, takes: PhantomData }
    }

    /// Takes the newest version, and starts its future in the place of the one before.
    fn restart(&mut self, cx: &mut Context<'_>) -> Poll<()>
    where
        W: Watcher<T>,
        F: FnMut(T) -> U,
    {
        for _ in 0..ROUNDS {
            match self.watcher.poll_get(cx) {
                Poll::Ready(Ok(value)) => {
                    self.running.set(None); // before the next one begins
                    let next = (self.f)(value);
                    self.running.set(Some(next));
                }
                Poll::Ready(Err(error)) if error.is_closed() => {
                    self.ended = true;
                    return Poll::Ready(());
                }
                Poll::Ready(Err(_)) => {} // the last good one goes on
                Poll::Pending => return Poll::Ready(()),
            }
        }
        yield_now(cx)
    }
}

impl<W, T, F, U> Future for ForLatest<W, T, F, U>
where
    W: Watcher<T>,
    F: FnMut(T) -> U,
    U: Future<Output = ()>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if !this.ended && this.restart(cx).is_pending() {
            return Poll::Pending;
        }
        let running = this.running.as_mut().as_pin_mut();
        if running.is_some_and(|running| running.poll(cx).is_ready()) {
            this.running.set(None);
        }
        if this.ended && this.running.is_none() { Poll::Ready(()) } else { Poll::Pending }
    }
}

// The only thing that is pinned lies in a box.
impl<W, T, F, U> Unpin for ForLatest<W, T, F, U> {}

debug!(ForLatest<W, T, F, U> { watcher: W });
