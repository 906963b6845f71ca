//! The futures of `change`, `changes` and `wait_until_synced`.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::CHUNK;
use crate::adapters::yield_now;
use crate::debug::debug;
use crate::{Change, Error, MapWatcher};

/// After this many chunks a batch takes the rest under one lock: a writer that writes all the time can't keep it
/// from its end.
const CHUNKS: usize = 1024;

/// The future of [`MapWatcherExt::change`](crate::MapWatcherExt::change).
#[must_use = "futures do nothing unless awaited"]
pub struct NextChange<'a, W: ?Sized, K, V> {
    watcher: &'a mut W,
    yields: PhantomData<fn() -> (K, V)>,
}

impl<'a, W: ?Sized, K, V> NextChange<'a, W, K, V> {
    pub(crate) fn new(watcher: &'a mut W) -> Self {
        Self { watcher, yields: PhantomData }
    }
}

impl<W: MapWatcher<K, V> + ?Sized, K, V> Future for NextChange<'_, W, K, V> {
    type Output = Result<Change<K, V>, Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.watcher.poll_change(cx)
    }
}

/// The future of [`MapWatcherExt::changes`](crate::MapWatcherExt::changes).
#[must_use = "futures do nothing unless awaited"]
pub struct NextChanges<'a, W: ?Sized, K, V> {
    watcher: &'a mut W,
    yields: PhantomData<fn() -> (K, V)>,
}

impl<'a, W: ?Sized, K, V> NextChanges<'a, W, K, V> {
    pub(crate) fn new(watcher: &'a mut W) -> Self {
        Self { watcher, yields: PhantomData }
    }
}

impl<W: MapWatcher<K, V> + ?Sized, K, V> Future for NextChanges<'_, W, K, V> {
    type Output = Result<Vec<Change<K, V>>, Error>;

    /// Takes the whole batch in one poll: changes that a future held between two polls would be lost with
    /// it.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut changes = Vec::new();
        for chunk in 0..=CHUNKS {
            let limit = if chunk < CHUNKS { CHUNK } else { usize::MAX };
            match self.watcher.poll_changes(cx, limit, &mut changes) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) if changes.is_empty() => return Poll::Ready(Err(error)),
                Poll::Pending if changes.is_empty() => return Poll::Pending,
                Poll::Ready(Err(_)) | Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(changes))
    }
}

/// The future of [`MapWatcherExt::wait_until_synced`](crate::MapWatcherExt::wait_until_synced).
#[must_use = "futures do nothing unless awaited"]
pub struct WaitUntilSynced<'a, W: ?Sized, K, V> {
    watcher: &'a mut W,
    skips: PhantomData<fn() -> (K, V)>,
}

impl<'a, W: ?Sized, K, V> WaitUntilSynced<'a, W, K, V> {
    pub(crate) fn new(watcher: &'a mut W) -> Self {
        Self { watcher, skips: PhantomData }
    }
}

impl<W: MapWatcher<K, V> + ?Sized, K, V> Future for WaitUntilSynced<'_, W, K, V> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        for _ in 0..CHUNK {
            if ready!(self.watcher.poll_change(cx))?.is_synced() {
                return Poll::Ready(Ok(()));
            }
        }
        yield_now(cx)
    }
}

debug!(NextChange<'a, W: ?Sized, K, V> { watcher: W });
debug!(NextChanges<'a, W: ?Sized, K, V> { watcher: W });
debug!(WaitUntilSynced<'a, W: ?Sized, K, V> { watcher: W });
