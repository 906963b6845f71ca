//! `dedup`: only the versions that differ from the one taken last.

use std::fmt;
use std::task::{Context, Poll, ready};

use crate::{Error, ValueReader, Watcher};

/// The reader below, without the versions that equal what a watcher took last.
///
/// Made by [`ReaderExt::dedup`](crate::ReaderExt::dedup).
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
}

/// A watcher that passes over what equals the version it took last. After an error every value is
/// new.
///
/// Made by [`WatcherExt::dedup`](crate::WatcherExt::dedup).
#[must_use = "a watcher does nothing unless it is polled"]
pub struct DedupWatcher<W, T> {
    watcher: W,
    last: Option<T>,
}

impl<W, T> DedupWatcher<W, T> {
    pub(crate) fn new(watcher: W) -> Self {
        Self { watcher, last: None }
    }
}

impl<W, T> Watcher<T> for DedupWatcher<W, T>
where
    W: Watcher<T>,
    T: Clone + PartialEq,
{
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        loop {
            match ready!(self.watcher.poll_get(cx)) {
                Ok(value) if self.last.as_ref() == Some(&value) => {}
                version => {
                    self.last = version.as_ref().ok().cloned();
                    return Poll::Ready(version);
                }
            }
        }
    }
}

impl<W: fmt::Debug, T> fmt::Debug for DedupWatcher<W, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DedupWatcher").field(&self.watcher).finish()
    }
}
