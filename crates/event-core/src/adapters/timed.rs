//! `debounce` and `timeout`, which need a clock: that of tokio.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::{ROUNDS, yield_now};
use crate::debug::debug;
use crate::{Error, ErrorKind, Refresh, ValueReader, Watcher};

/// A reader that yields a version only when no newer one has come for a while.
///
/// [`ReaderExt::debounce`](crate::ReaderExt::debounce) returns it inside a
/// [`Shared`](crate::adapters::Shared).
pub struct Debounce<R> {
    reader: R,
    quiet: Duration,
}

impl<R> Debounce<R> {
    pub(crate) fn new(reader: R, quiet: Duration) -> Self {
        Self { reader, quiet }
    }
}

impl<R: ValueReader<T>, T> ValueReader<T> for Debounce<R> {
    type Watcher = DebounceWatcher<R::Watcher, T>;

    fn watch(&self) -> Self::Watcher {
        DebounceWatcher {
            watcher: self.reader.watch(),
            quiet: self.quiet,
            is_first: true,
            newest: None,
            end: None,
            timer: None,
        }
    }

    fn refresh(&self) -> Refresh {
        self.reader.refresh()
    }
}

/// A watcher that yields a version only when no newer one has come for a while.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct DebounceWatcher<W, T> {
    watcher: W,
    quiet: Duration,
    /// Nothing was yielded yet.
    is_first: bool,
    /// Taken, and not yielded yet.
    newest: Option<Result<T, Error>>,
    /// The value ended, with this.
    end: Option<Error>,
    /// In a box, so that the watcher can be moved. Made by the first poll that needs it, as only that one is
    /// sure to run in a runtime.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<W: Watcher<T>, T> Watcher<T> for DebounceWatcher<W, T> {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        for _ in 0..ROUNDS {
            if self.end.is_some() && self.newest.is_some() {
                break;
            }
            match self.watcher.poll_get(cx) {
                Poll::Ready(Err(error)) if error.is_closed() => {
                    if self.newest.is_none() {
                        return Poll::Ready(Err(error));
                    }
                    self.end = Some(error);
                }
                Poll::Ready(version) if self.is_first => {
                    self.is_first = false;
                    return Poll::Ready(version);
                }
                Poll::Ready(version) => {
                    self.newest = Some(version);
                    let until = Instant::now() + self.quiet;
                    match &mut self.timer {
                        Some(timer) => timer.as_mut().reset(until),
                        None => self.timer = Some(Box::pin(sleep(self.quiet))),
                    }
                }
                Poll::Pending => return self.poll_timer(cx),
            }
        }
        match self.newest.take() {
            // Nothing newer can come.
            Some(version) if self.end.is_some() => Poll::Ready(version),
            newest => {
                self.newest = newest;
                yield_now(cx)
            }
        }
    }
}

impl<W, T> DebounceWatcher<W, T> {
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        let Some(timer) = self.timer.as_mut().filter(|_| self.newest.is_some()) else {
            return Poll::Pending;
        };
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => self.newest.take().map_or(Poll::Pending, Poll::Ready),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// A reader whose watchers yield an error if there is no first version in time.
///
/// [`ReaderExt::timeout`](crate::ReaderExt::timeout) makes one.
#[derive(Clone)]
pub struct Timeout<R> {
    reader: R,
    limit: Duration,
}

impl<R> Timeout<R> {
    pub(crate) fn new(reader: R, limit: Duration) -> Self {
        Self { reader, limit }
    }
}

impl<R: ValueReader<T>, T> ValueReader<T> for Timeout<R> {
    type Watcher = TimeoutWatcher<R::Watcher>;

    fn watch(&self) -> Self::Watcher {
        TimeoutWatcher { watcher: self.reader.watch(), limit: Some(self.limit), timer: None }
    }

    fn refresh(&self) -> Refresh {
        self.reader.refresh()
    }
}

/// A watcher that yields an error if there is no first version in time.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct TimeoutWatcher<W> {
    watcher: W,
    /// `None` once there was a version, or the error.
    limit: Option<Duration>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<W: Watcher<T>, T> Watcher<T> for TimeoutWatcher<W> {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        let polled = self.watcher.poll_get(cx);
        let Some(limit) = self.limit else { return polled };
        if polled.is_pending() {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
        (self.limit, self.timer) = (None, None);
        match polled {
            Poll::Pending => {
                let message = format!("there is no value after {limit:?}");
                Poll::Ready(Err(Error::new(ErrorKind::Unavailable, message)))
            }
            ready @ Poll::Ready(_) => ready,
        }
    }
}

debug!(Debounce<R> { reader: R });
debug!(DebounceWatcher<W, T> { watcher: W });
debug!(Timeout<R> { reader: R });
debug!(TimeoutWatcher<W> { watcher: W });
