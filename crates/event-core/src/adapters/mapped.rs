//! `map`: the same versions as another type.

use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::Panics;
use crate::debug::debug;
use crate::{Epoch, Error, Refresh, ValueReader, Watcher};

/// A reader that maps each version of the reader below.
///
/// [`ReaderExt::map`](crate::ReaderExt::map) returns it inside a [`Shared`](crate::adapters::Shared).
pub struct Mapped<R, T, F> {
    reader: R,
    f: Arc<F>,
    from: PhantomData<fn(T)>,
}

impl<R, T, F> Mapped<R, T, F> {
    pub(crate) fn new(reader: R, f: F) -> Self {
        Self { reader, f: Arc::new(f), from: PhantomData }
    }
}

impl<R, T, U, F> ValueReader<U> for Mapped<R, T, F>
where
    R: ValueReader<T>,
    F: Fn(T) -> U,
{
    type Watcher = MappedWatcher<R::Watcher, T, F>;

    fn watch(&self) -> Self::Watcher {
        MappedWatcher::over(self.reader.watch(), Arc::clone(&self.f))
    }

    fn refresh(&self) -> Refresh {
        self.reader.refresh()
    }
}

/// A watcher that maps each version that it takes.
///
/// [`WatcherExt::map`](crate::WatcherExt::map) makes one.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct MappedWatcher<W, T, F> {
    watcher: W,
    f: Arc<F>,
    panics: Panics,
    from: PhantomData<fn(T)>,
}

impl<W, T, F> MappedWatcher<W, T, F> {
    pub(crate) fn new(watcher: W, f: F) -> Self {
        Self::over(watcher, Arc::new(f))
    }

    fn over(watcher: W, f: Arc<F>) -> Self {
        Self { watcher, f, panics: Panics::default(), from: PhantomData }
    }
}

impl<W, T, U, F> Watcher<U> for MappedWatcher<W, T, F>
where
    W: Watcher<T>,
    F: Fn(T) -> U,
{
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<U, Error>> {
        let polled = self.watcher.poll_get(cx);
        let value = ready!(self.panics.in_place("mapper", polled))?;
        Poll::Ready(Ok(self.panics.run(|| (self.f)(value))))
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch().map(Epoch::of_adapter)
    }
}

debug!(Mapped<R, T, F> { reader: R });
debug!(MappedWatcher<W, T, F> { watcher: W });
