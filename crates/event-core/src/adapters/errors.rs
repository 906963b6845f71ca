//! `on_error` and `last_good`: what becomes of bad versions.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::{ROUNDS, yield_now};
use crate::debug::debug;
use crate::{Epoch, Error, Refresh, ValueReader, Watcher};

/// A reader that reports each bad version to a function.
///
/// [`ReaderExt::on_error`](crate::ReaderExt::on_error) returns it inside a
/// [`Shared`](crate::adapters::Shared).
pub struct OnError<R, F> {
    reader: R,
    f: Arc<F>,
}

impl<R, F> OnError<R, F> {
    pub(crate) fn new(reader: R, f: F) -> Self {
        Self { reader, f: Arc::new(f) }
    }
}

impl<R, T, F> ValueReader<T> for OnError<R, F>
where
    R: ValueReader<T>,
    F: Fn(&Error),
{
    type Watcher = OnErrorWatcher<R::Watcher, F>;

    fn watch(&self) -> Self::Watcher {
        OnErrorWatcher { watcher: self.reader.watch(), f: Arc::clone(&self.f), unreported: None }
    }

    fn refresh(&self) -> Refresh {
        self.reader.refresh()
    }
}

/// A watcher that reports each bad version to a function.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct OnErrorWatcher<W, F> {
    watcher: W,
    f: Arc<F>,
    /// The function panicked when it was called with this, which was not yielded.
    unreported: Option<Error>,
}

impl<W, T, F> Watcher<T> for OnErrorWatcher<W, F>
where
    W: Watcher<T>,
    F: Fn(&Error),
{
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        let polled = self.watcher.poll_get(cx);
        let unreported = self.unreported.take();
        match polled {
            Poll::Ready(Err(error)) if !error.is_closed() => {
                self.unreported = Some(error);
                self.unreported.iter().for_each(|error| (self.f)(error));
                self.unreported.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error)))
            }
            Poll::Pending => unreported.map_or(Poll::Pending, |error| Poll::Ready(Err(error))),
            polled @ Poll::Ready(_) => polled,
        }
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch().map(Epoch::of_adapter)
    }
}

/// A reader without the versions that are errors.
///
/// [`ReaderExt::last_good`](crate::ReaderExt::last_good) returns it inside a
/// [`Shared`](crate::adapters::Shared).
pub struct LastGood<R> {
    reader: R,
}

impl<R> LastGood<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader }
    }
}

impl<R: ValueReader<T>, T> ValueReader<T> for LastGood<R> {
    type Watcher = LastGoodWatcher<R::Watcher>;

    fn watch(&self) -> Self::Watcher {
        LastGoodWatcher { watcher: self.reader.watch() }
    }

    fn refresh(&self) -> Refresh {
        self.reader.refresh()
    }
}

/// A watcher that skips the versions that are errors.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct LastGoodWatcher<W> {
    watcher: W,
}

impl<W: Watcher<T>, T> Watcher<T> for LastGoodWatcher<W> {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        for _ in 0..ROUNDS {
            match self.watcher.poll_get(cx) {
                Poll::Ready(Err(error)) if !error.is_closed() => {}
                polled => return polled,
            }
        }
        yield_now(cx)
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch().map(Epoch::of_adapter)
    }
}

debug!(OnError<R, F> { reader: R });
debug!(OnErrorWatcher<W, F> { watcher: W });
debug!(LastGood<R> { reader: R });
debug!(LastGoodWatcher<W> { watcher: W });
