//! A watcher as a `Stream`.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::debug::debug;
use crate::{Error, Watcher};

/// The versions that a watcher takes, as a [`Stream`](https://docs.rs/futures-core/0.3/futures_core/stream/trait.Stream.html)
/// that ends when the value does. An error is an item like a value.
///
/// [`WatcherExt::into_stream`](crate::WatcherExt::into_stream) makes one.
#[must_use = "streams do nothing unless polled"]
pub struct IntoStream<W, T> {
    watcher: W,
    yields: PhantomData<fn() -> T>,
}

impl<W, T> IntoStream<W, T> {
    pub(crate) fn new(watcher: W) -> Self {
        Self { watcher, yields: PhantomData }
    }
}

impl<W: Watcher<T>, T> Stream for IntoStream<W, T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match ready!(self.watcher.poll_get(cx)) {
            Err(error) if error.is_closed() => Poll::Ready(None),
            version => Poll::Ready(Some(version)),
        }
    }
}

// Nothing here is pinned: a watcher is polled through `&mut`.
impl<W, T> Unpin for IntoStream<W, T> {}

debug!(IntoStream<W, T> { watcher: W });
