//! `filter`: only the versions that a predicate accepts.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::{ROUNDS, yield_now};
use crate::debug::debug;
use crate::{Epoch, Error, Refresh, ValueReader, Watcher};

/// A reader without the versions that a predicate refuses.
///
/// [`ReaderExt::filter`](crate::ReaderExt::filter) makes one.
pub struct Filter<R, P> {
    reader: R,
    predicate: Arc<P>,
}

impl<R, P> Filter<R, P> {
    pub(crate) fn new(reader: R, predicate: P) -> Self {
        Self { reader, predicate: Arc::new(predicate) }
    }
}

impl<R, T, P> ValueReader<T> for Filter<R, P>
where
    R: ValueReader<T>,
    P: Fn(&T) -> bool,
{
    type Watcher = FilterWatcher<R::Watcher, T, P>;

    fn watch(&self) -> Self::Watcher {
        FilterWatcher::over(self.reader.watch(), Arc::clone(&self.predicate))
    }

    fn refresh(&self) -> Refresh {
        self.reader.refresh()
    }
}

/// A watcher that skips the versions that a predicate refuses.
///
/// [`WatcherExt::filter`](crate::WatcherExt::filter) makes one.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct FilterWatcher<W, T, P> {
    watcher: W,
    predicate: Arc<P>,
    /// Taken from below and not judged yet. It stays here while the predicate runs, which may panic.
    candidate: Option<T>,
}

impl<W, T, P> FilterWatcher<W, T, P> {
    pub(crate) fn new(watcher: W, predicate: P) -> Self {
        Self::over(watcher, Arc::new(predicate))
    }

    fn over(watcher: W, predicate: Arc<P>) -> Self {
        Self { watcher, predicate, candidate: None }
    }
}

impl<W, T, P> Watcher<T> for FilterWatcher<W, T, P>
where
    W: Watcher<T>,
    P: Fn(&T) -> bool,
{
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        for _ in 0..ROUNDS {
            match self.watcher.poll_get(cx) {
                Poll::Ready(Ok(value)) => self.candidate = Some(value),
                // The version that a predicate panicked on comes before the end.
                Poll::Ready(Err(error)) if error.is_closed() && self.candidate.is_some() => {}
                Poll::Ready(Err(error)) => {
                    self.candidate = None;
                    return Poll::Ready(Err(error));
                }
                Poll::Pending if self.candidate.is_none() => return Poll::Pending,
                Poll::Pending => {}
            }
            let accepted = self.candidate.as_ref().is_some_and(|value| (self.predicate)(value));
            if let Some(value) = self.candidate.take().filter(|_| accepted) {
                return Poll::Ready(Ok(value));
            }
        }
        yield_now(cx)
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch().map(Epoch::of_adapter)
    }
}

impl<R: Clone, P> Clone for Filter<R, P> {
    fn clone(&self) -> Self {
        Self { reader: self.reader.clone(), predicate: Arc::clone(&self.predicate) }
    }
}

debug!(Filter<R, P> { reader: R });
debug!(FilterWatcher<W, T, P> { watcher: W });
