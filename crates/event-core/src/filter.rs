//! `filter`: only the versions that a predicate lets pass.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::{Error, ValueReader, Watcher};

/// The reader below, without the versions that a predicate refuses.
///
/// Made by [`ReaderExt::filter`](crate::ReaderExt::filter).
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
    type Watcher = FilterWatcher<R::Watcher, P>;

    fn watch(&self) -> Self::Watcher {
        FilterWatcher { watcher: self.reader.watch(), predicate: Arc::clone(&self.predicate) }
    }
}

/// A watcher that passes over what a predicate refuses.
///
/// Made by [`WatcherExt::filter`](crate::WatcherExt::filter).
#[must_use = "a watcher does nothing unless it is polled"]
pub struct FilterWatcher<W, P> {
    watcher: W,
    predicate: Arc<P>,
}

impl<W, P> FilterWatcher<W, P> {
    pub(crate) fn new(watcher: W, predicate: P) -> Self {
        Self { watcher, predicate: Arc::new(predicate) }
    }
}

impl<W, T, P> Watcher<T> for FilterWatcher<W, P>
where
    W: Watcher<T>,
    P: Fn(&T) -> bool,
{
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        loop {
            match ready!(self.watcher.poll_get(cx)) {
                Ok(value) if !(self.predicate)(&value) => {}
                version => return Poll::Ready(version),
            }
        }
    }
}

impl<R: Clone, P> Clone for Filter<R, P> {
    fn clone(&self) -> Self {
        Self { reader: self.reader.clone(), predicate: Arc::clone(&self.predicate) }
    }
}

impl<R: fmt::Debug, P> fmt::Debug for Filter<R, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Filter").field(&self.reader).finish()
    }
}

impl<W: fmt::Debug, P> fmt::Debug for FilterWatcher<W, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FilterWatcher").field(&self.watcher).finish()
    }
}
