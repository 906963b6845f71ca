//! The futures of `get`, `get_if` and a reader's `get`.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{ROUNDS, yield_now};
use crate::debug::debug;
use crate::{Error, Watcher};

/// The future of [`WatcherExt::get`](crate::WatcherExt::get).
#[must_use = "futures do nothing unless awaited"]
pub struct Get<'a, W: ?Sized, T> {
    watcher: &'a mut W,
    yields: PhantomData<fn() -> T>,
}

impl<'a, W: ?Sized, T> Get<'a, W, T> {
    pub(crate) fn new(watcher: &'a mut W) -> Self {
        Self { watcher, yields: PhantomData }
    }
}

impl<W: Watcher<T> + ?Sized, T> Future for Get<'_, W, T> {
    type Output = Result<T, Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.watcher.poll_get(cx)
    }
}

/// The future of [`WatcherExt::get_if`](crate::WatcherExt::get_if).
#[must_use = "futures do nothing unless awaited"]
pub struct GetIf<'a, W: ?Sized, T, P> {
    watcher: &'a mut W,
    predicate: P,
    yields: PhantomData<fn() -> T>,
}

impl<'a, W: ?Sized, T, P> GetIf<'a, W, T, P> {
    pub(crate) fn new(watcher: &'a mut W, predicate: P) -> Self {
        Self { watcher, predicate, yields: PhantomData }
    }
}

impl<W, T, P> Future for GetIf<'_, W, T, P>
where
    W: Watcher<T> + ?Sized,
    P: FnMut(&T) -> bool,
{
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        for _ in 0..ROUNDS {
            match ready!(self.watcher.poll_get(cx)) {
                Ok(value) if !(self.predicate)(&value) => {}
                version => return Poll::Ready(version),
            }
        }
        yield_now(cx)
    }
}

/// The future of [`ReaderExt::get`](crate::ReaderExt::get).
#[must_use = "futures do nothing unless awaited"]
pub struct GetOnce<W, T> {
    watcher: W,
    yields: PhantomData<fn() -> T>,
}

impl<W, T> GetOnce<W, T> {
    pub(crate) fn new(watcher: W) -> Self {
        Self { watcher, yields: PhantomData }
    }
}

impl<W: Watcher<T>, T> Future for GetOnce<W, T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.watcher.poll_get(cx)
    }
}

// Nothing here is pinned: a watcher is polled through `&mut`.
impl<W: ?Sized, T, P> Unpin for GetIf<'_, W, T, P> {}
impl<W, T> Unpin for GetOnce<W, T> {}

debug!(Get<'a, W: ?Sized, T> { watcher: W });
debug!(GetIf<'a, W: ?Sized, T, P> { watcher: W });
debug!(GetOnce<W, T> { watcher: W });
