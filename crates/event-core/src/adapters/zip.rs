//! `zip`: the newest of two values as a pair.

use std::fmt;
use std::marker::PhantomData;
use std::task::{Context, Poll};

use super::{ROUNDS, yield_now};
use crate::cell::End;
use crate::{Epoch, Error, Refresh, ValueReader, Watcher};

/// Two readers as one reader of pairs.
///
/// [`ReaderExt::zip`](crate::ReaderExt::zip) makes one.
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

    fn refresh(&self) -> Refresh {
        self.a.refresh().and(self.b.refresh())
    }
}

/// A watcher of pairs: the newest of each side, whenever one of them has a newer version.
///
/// An error of one side is yielded as it is, and there is no pair until that side has a good version again.
/// The watcher ends when both sides have ended. It ends earlier if one side ends and has no good value,
/// because that side never had a version or because its last one was an error.
///
/// The two sides are read one after the other, so a pair can hold versions of different moments, even if
/// both sides read the same source. Once writes stop, the last pair holds the newest version of each side.
/// To see two fields of one value change together, map that value to a pair of the two fields.
///
/// [`WatcherExt::zip`](crate::WatcherExt::zip) makes one.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct ZipWatcher<A, B, T, U> {
    a: Side<A, T>,
    b: Side<B, U>,
    /// A side took a value that no pair was yielded with.
    is_newer: bool,
    is_closed: bool,
    end: End,
}

impl<A, B, T, U> ZipWatcher<A, B, T, U> {
    pub(crate) fn new(a: A, b: B) -> Self {
        Self {
            a: Side::new(a),
            b: Side::new(b),
            is_newer: false,
            is_closed: false,
            end: End::default(),
        }
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
        if self.is_closed {
            return self.end.poll(cx);
        }
        let a_has_more = self.a.poll(cx, &mut self.is_newer);
        let b_has_more = self.b.poll(cx, &mut self.is_newer);
        // Each side in turn, so that an error of one leaves the other's version for later.
        if let Some(error) = self.a.error.take().or_else(|| self.b.error.take()) {
            return Poll::Ready(Err(error));
        }
        if let (true, Some(a), Some(b)) = (self.is_newer, &self.a.newest, &self.b.newest) {
            // Cloned before it counts as yielded: a `clone` may panic.
            let pair = (a.clone(), b.clone());
            self.is_newer = false;
            return Poll::Ready(Ok(pair));
        }
        if self.a.is_over() || self.b.is_over() || (self.a.ended && self.b.ended) {
            self.is_closed = true;
            return self.end.poll(cx);
        }
        if a_has_more || b_has_more { yield_now(cx) } else { Poll::Pending }
    }

    fn epoch(&self) -> Option<Epoch> {
        Some(self.a.watcher.epoch()?.and(self.b.watcher.epoch()?).of_adapter())
    }
}

struct Side<W, T> {
    watcher: W,
    newest: Option<T>,
    /// An error that was not yielded yet.
    error: Option<Error>,
    ended: bool,
}

impl<W, T> Side<W, T> {
    fn new(watcher: W) -> Self {
        Self { watcher, newest: None, error: None, ended: false }
    }

    /// Takes newer versions until there is none: only then the side wakes this task for the next. Returns
    /// whether there may be more.
    fn poll(&mut self, cx: &mut Context<'_>, is_newer: &mut bool) -> bool
    where
        W: Watcher<T>,
    {
        for _ in 0..ROUNDS {
            if self.ended {
                return false;
            }
            match self.watcher.poll_get(cx) {
                Poll::Pending => return false,
                Poll::Ready(Ok(value)) => {
                    // First, since dropping the older value may panic.
                    *is_newer = true;
                    (self.error, self.newest) = (None, Some(value));
                }
                Poll::Ready(Err(error)) if error.is_closed() => self.ended = true,
                Poll::Ready(Err(error)) => {
                    (self.error, self.newest) = (Some(error), None);
                }
            }
        }
        true
    }

    /// Whether this side has no value and will never have one.
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
