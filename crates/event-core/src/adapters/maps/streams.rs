//! `into_stream` and `into_batches`: the changes as a `Stream`.

use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::CHUNK;
use crate::adapters::yield_now;
use crate::debug::debug;
use crate::{Change, MapWatcher};

/// How many chunks of a batch one poll takes.
const CHUNKS: usize = 8;

/// The changes of a map as a stream.
///
/// [`MapWatcherExt::into_stream`](crate::MapWatcherExt::into_stream) makes one.
#[must_use = "streams do nothing unless polled"]
pub struct IntoChanges<W, K, V> {
    /// `None` after the end.
    watcher: Option<W>,
    yields: PhantomData<fn() -> (K, V)>,
}

impl<W, K, V> IntoChanges<W, K, V> {
    pub(crate) fn new(watcher: W) -> Self {
        Self { watcher: Some(watcher), yields: PhantomData }
    }
}

impl<W: MapWatcher<K, V>, K, V> Stream for IntoChanges<W, K, V> {
    type Item = Change<K, V>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(watcher) = &mut self.watcher else { return Poll::Ready(None) };
        let change = ready!(watcher.poll_change(cx)).ok();
        if change.is_none() {
            self.watcher = None;
        }
        Poll::Ready(change)
    }
}

/// The changes of a map as a stream of batches.
///
/// [`MapWatcherExt::into_batches`](crate::MapWatcherExt::into_batches) makes one.
#[must_use = "streams do nothing unless polled"]
pub struct IntoBatches<W, K, V> {
    /// `None` after the end.
    watcher: Option<W>,
    /// What was taken of the next batch.
    batch: Vec<Change<K, V>>,
}

impl<W, K, V> IntoBatches<W, K, V> {
    pub(crate) fn new(watcher: W) -> Self {
        Self { watcher: Some(watcher), batch: Vec::new() }
    }
}

impl<W: MapWatcher<K, V>, K, V> Stream for IntoBatches<W, K, V> {
    type Item = Vec<Change<K, V>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { watcher, batch } = &mut *self;
        for _ in 0..CHUNKS {
            let Some(polled) = watcher.as_mut().map(|it| it.poll_changes(cx, CHUNK, batch)) else {
                return Poll::Ready(None);
            };
            match polled {
                Poll::Ready(Ok(())) => continue,
                Poll::Ready(Err(_)) => *watcher = None,
                Poll::Pending if batch.is_empty() => return Poll::Pending,
                Poll::Pending => {}
            }
            let batch = mem::take(batch);
            return Poll::Ready(Some(batch).filter(|batch| !batch.is_empty()));
        }
        yield_now(cx)
    }
}

// Nothing here is pinned: a watcher is polled through `&mut`.
impl<W, K, V> Unpin for IntoChanges<W, K, V> {}
impl<W, K, V> Unpin for IntoBatches<W, K, V> {}

debug!(IntoChanges<W, K, V> { watcher: W });
debug!(IntoBatches<W, K, V> { watcher: W });
