//! `into_discover`: the changes of a map as a load balancer takes them.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tower::discover;

use super::CHUNK;
use crate::adapters::yield_now;
use crate::debug::debug;
use crate::{Change, MapWatcher};

/// A map as tower's [`Discover`](discover::Discover): the services that a balancer chooses from.
///
/// [`MapWatcherExt::into_discover`](crate::MapWatcherExt::into_discover) makes one. Feature `tower`.
#[must_use = "streams do nothing unless polled"]
pub struct IntoDiscover<W, K, V, F> {
    /// `None` after the end.
    watcher: Option<W>,
    service: F,
    yields: PhantomData<fn() -> (K, V)>,
}

impl<W, K, V, F> IntoDiscover<W, K, V, F> {
    pub(crate) fn new(watcher: W, service: F) -> Self {
        Self { watcher: Some(watcher), service, yields: PhantomData }
    }
}

impl<W, K, V, S, F> Stream for IntoDiscover<W, K, V, F>
where
    W: MapWatcher<K, V>,
    F: FnMut(&K, V) -> S,
{
    type Item = Result<discover::Change<K, S>, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { watcher, service, .. } = &mut *self;
        let Some(polled) = watcher else { return Poll::Ready(None) };
        for _ in 0..CHUNK {
            match ready!(polled.poll_change(cx)) {
                Ok(Change::Put { key, value }) => {
                    let service = service(&key, value);
                    return Poll::Ready(Some(Ok(discover::Change::Insert(key, service))));
                }
                Ok(Change::Delete { key }) => {
                    return Poll::Ready(Some(Ok(discover::Change::Remove(key))));
                }
                Ok(Change::Failed { .. } | Change::Synced) => {}
                Err(_) => {
                    *watcher = None;
                    return Poll::Ready(None);
                }
            }
        }
        yield_now(cx)
    }
}

// Nothing here is pinned.
impl<W, K, V, F> Unpin for IntoDiscover<W, K, V, F> {}

debug!(IntoDiscover<W, K, V, F> { watcher: W });
