//! `map`: another type of the same versions.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::{Error, ValueReader, Watcher};

/// The reader below, each version mapped.
///
/// Made by [`ReaderExt::map`](crate::ReaderExt::map).
pub struct Map<R, T, F> {
    reader: R,
    f: Arc<F>,
    from: PhantomData<fn(T)>,
}

impl<R, T, F> Map<R, T, F> {
    pub(crate) fn new(reader: R, f: F) -> Self {
        Self { reader, f: Arc::new(f), from: PhantomData }
    }
}

impl<R, T, U, F> ValueReader<U> for Map<R, T, F>
where
    R: ValueReader<T>,
    F: Fn(T) -> U,
{
    type Watcher = MapWatcher<R::Watcher, T, F>;

    fn watch(&self) -> Self::Watcher {
        MapWatcher { watcher: self.reader.watch(), f: Arc::clone(&self.f), from: PhantomData }
    }
}

/// A watcher that maps each version it takes.
///
/// Made by [`WatcherExt::map`](crate::WatcherExt::map).
#[must_use = "a watcher does nothing unless it is polled"]
pub struct MapWatcher<W, T, F> {
    watcher: W,
    f: Arc<F>,
    from: PhantomData<fn(T)>,
}

impl<W, T, F> MapWatcher<W, T, F> {
    pub(crate) fn new(watcher: W, f: F) -> Self {
        Self { watcher, f: Arc::new(f), from: PhantomData }
    }
}

impl<W, T, U, F> Watcher<U> for MapWatcher<W, T, F>
where
    W: Watcher<T>,
    F: Fn(T) -> U,
{
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<U, Error>> {
        self.watcher.poll_get(cx).map_ok(|value| (self.f)(value))
    }
}

impl<R: fmt::Debug, T, F> fmt::Debug for Map<R, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Map").field(&self.reader).finish()
    }
}

impl<W: fmt::Debug, T, F> fmt::Debug for MapWatcher<W, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MapWatcher").field(&self.watcher).finish()
    }
}
