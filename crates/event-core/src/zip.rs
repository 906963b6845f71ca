//! `zip`: the newest of two values as a pair.

use std::fmt;
use std::marker::PhantomData;
use std::task::{Context, Poll};

use crate::{Error, ValueReader, Watcher};

/// Two readers as one reader of pairs.
///
/// Made by [`ReaderExt::zip`](crate::ReaderExt::zip).
pub struct Zip<A, B, T, U> {
    a: A,
    b: B,
    yields: PhantomData<fn() -> (T, U)>,
}

impl<A, B, T, U> Zip<A, B, T, U> {
    pub(crate) fn new(a: A, b: B) -> Self {
        Self { a, b, yields: PhantomData }
    }
}

impl<A, B, T, U> ValueReader<(T, U)> for Zip<A, B, T, U>
where
    A: ValueReader<T>,
    B: ValueReader<U>,
    T: Clone,
    U: Clone,
{
    type Watcher = ZipWatcher<A::Watcher, B::Watcher, T, U>;

    fn watch(&self) -> Self::Watcher {
        ZipWatcher::new(self.a.watch(), self.b.watch())
    }
}

/// A watcher of pairs: the newest of each side, whenever one of them has a newer version.
///
/// An error of one side is told as it is, and there is no pair until that side is good again. The
/// end comes when no newer pair can: both sides ended, or one that has nothing to give.
///
/// Made by [`WatcherExt::zip`](crate::WatcherExt::zip).
#[must_use = "a watcher does nothing unless it is polled"]
pub struct ZipWatcher<A, B, T, U> {
    a: Side<A, T>,
    b: Side<B, U>,
    /// A side has a version that no pair has told yet.
    news: bool,
}

impl<A, B, T, U> ZipWatcher<A, B, T, U> {
    pub(crate) fn new(a: A, b: B) -> Self {
        Self { a: Side::new(a), b: Side::new(b), news: false }
    }
}

impl<A, B, T, U> Watcher<(T, U)> for ZipWatcher<A, B, T, U>
where
    A: Watcher<T>,
    B: Watcher<U>,
    T: Clone,
    U: Clone,
{
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<(T, U), Error>> {
        // Each side in turn, so that an error of the one leaves the other's version for later.
        self.news |= self.a.poll(cx);
        self.news |= self.b.poll(cx);
        if let Some(error) = self.a.error.take().or_else(|| self.b.error.take()) {
            return Poll::Ready(Err(error));
        }
        match (&self.a.newest, &self.b.newest) {
            (Some(a), Some(b)) if self.news => {
                self.news = false;
                Poll::Ready(Ok((a.clone(), b.clone())))
            }
            _ if self.a.is_over() || self.b.is_over() || (self.a.ended && self.b.ended) => {
                Poll::Ready(Err(Error::closed()))
            }
            _ => Poll::Pending,
        }
    }
}

struct Side<W, T> {
    watcher: W,
    newest: Option<T>,
    /// An error that was not told yet.
    error: Option<Error>,
    ended: bool,
}

impl<W, T> Side<W, T> {
    fn new(watcher: W) -> Self {
        Self { watcher, newest: None, error: None, ended: false }
    }

    /// Takes newer versions until there is none, and says whether one was a value. Only a side that
    /// is pending wakes this task, and the pair may have to wait though this side has news.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool
    where
        W: Watcher<T>,
    {
        let mut news = false;
        while let Poll::Ready(version) = self.watcher.poll_get(cx) {
            match version {
                Ok(value) => {
                    (self.newest, self.error) = (Some(value), None);
                    news = true;
                }
                Err(error) if error.is_closed() => {
                    self.ended = true;
                    break;
                }
                Err(error) => (self.newest, self.error) = (None, Some(error)),
            }
        }
        news
    }

    /// Whether this side will never give a value again and has none.
    fn is_over(&self) -> bool {
        self.ended && self.newest.is_none()
    }
}

impl<A: Clone, B: Clone, T, U> Clone for Zip<A, B, T, U> {
    fn clone(&self) -> Self {
        Self::new(self.a.clone(), self.b.clone())
    }
}

impl<A: fmt::Debug, B: fmt::Debug, T, U> fmt::Debug for Zip<A, B, T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zip").field(&self.a).field(&self.b).finish()
    }
}

impl<A: fmt::Debug, B: fmt::Debug, T, U> fmt::Debug for ZipWatcher<A, B, T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ZipWatcher").field(&self.a.watcher).field(&self.b.watcher).finish()
    }
}
