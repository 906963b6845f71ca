//! `dedup`: only the versions that differ from the one taken last.

use std::task::{Context, Poll};

use super::{ROUNDS, yield_now};
use crate::debug::debug;
use crate::{Epoch, Error, Refresh, ValueReader, Watcher};

/// A reader whose watchers skip each version that equals the one before.
///
/// [`ReaderExt::dedup`](crate::ReaderExt::dedup) makes one.
#[derive(Debug, Clone)]
pub struct Dedup<R>(pub(crate) R);

impl<R, T> ValueReader<T> for Dedup<R>
where
    R: ValueReader<T>,
    T: Clone + PartialEq,
{
    type Watcher = DedupWatcher<R::Watcher, T>;

    fn watch(&self) -> Self::Watcher {
        DedupWatcher::new(self.0.watch())
    }

    fn refresh(&self) -> Refresh {
        self.0.refresh()
    }
}

/// A watcher that skips each version that equals the one it took last. After an error, it yields the next
/// value even if it is equal.
///
/// [`WatcherExt::dedup`](crate::WatcherExt::dedup) makes one.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct DedupWatcher<W, T> {
    watcher: W,
    last: Option<T>,
    /// Taken from below and not compared yet. It stays here while `PartialEq` and `Clone` run, which may
    /// panic.
    candidate: Option<T>,
}

impl<W, T> DedupWatcher<W, T> {
    pub(crate) fn new(watcher: W) -> Self {
        Self { watcher, last: None, candidate: None }
    }
}

impl<W, T> Watcher<T> for DedupWatcher<W, T>
where
    W: Watcher<T>,
    T: Clone + PartialEq,
{
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        for _ in 0..ROUNDS {
            match self.watcher.poll_get(cx) {
                Poll::Ready(Ok(value)) => self.candidate = Some(value),
                // The version that a comparison panicked on comes before the end.
                Poll::Ready(Err(error)) if error.is_closed() && self.candidate.is_some() => {}
                Poll::Ready(Err(error)) => {
                    (self.last, self.candidate) = (None, None);
                    return Poll::Ready(Err(error));
                }
                Poll::Pending if self.candidate.is_none() => return Poll::Pending,
                Poll::Pending => {}
            }
            if self.last != self.candidate {
                self.last = None; // its `drop` may panic, and so may the `clone`
                let copy = self.candidate.clone();
                self.last = copy;
                if let Some(value) = self.candidate.take() {
                    return Poll::Ready(Ok(value));
                }
            }
            self.candidate = None;
        }
        yield_now(cx)
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch().map(Epoch::of_adapter)
    }
}

debug!(DedupWatcher<W, T> { watcher: W });
