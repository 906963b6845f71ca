//! `or_else`: another value until the first one has data.

use std::task::{Context, Poll};

use crate::debug::debug;
use crate::{Epoch, Error, Refresh, ValueReader, Watcher};

/// A reader of a main value, with a stand-in until that has data.
///
/// [`ReaderExt::or_else`](crate::ReaderExt::or_else) returns it inside a
/// [`Shared`](crate::adapters::Shared).
pub struct OrElse<A, B> {
    first: A,
    other: B,
}

impl<A, B> OrElse<A, B> {
    pub(crate) fn new(first: A, other: B) -> Self {
        Self { first, other }
    }
}

impl<A, B, T> ValueReader<T> for OrElse<A, B>
where
    A: ValueReader<T>,
    B: ValueReader<T>,
{
    type Watcher = OrElseWatcher<A::Watcher, B::Watcher>;

    fn watch(&self) -> Self::Watcher {
        OrElseWatcher {
            first: self.first.watch(),
            other: Some(self.other.watch()),
            first_ended: false,
        }
    }

    fn refresh(&self) -> Refresh {
        self.first.refresh().and(self.other.refresh())
    }
}

/// A watcher that follows a stand-in until the main value has data.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct OrElseWatcher<A, B> {
    first: A,
    /// `None` once the first one had a good version, or this one ended.
    other: Option<B>,
    first_ended: bool,
}

impl<A, B, T> Watcher<T> for OrElseWatcher<A, B>
where
    A: Watcher<T>,
    B: Watcher<T>,
{
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        if !self.first_ended || self.other.is_none() {
            match self.first.poll_get(cx) {
                Poll::Ready(Err(error)) if error.is_closed() && self.other.is_some() => {
                    self.first_ended = true;
                }
                Poll::Ready(Ok(value)) => {
                    self.other = None;
                    return Poll::Ready(Ok(value));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
        }
        match self.other.as_mut().map(|other| other.poll_get(cx)) {
            Some(Poll::Ready(Err(error))) if error.is_closed() && !self.first_ended => {
                self.other = None;
                Poll::Pending // the first one has the waker
            }
            Some(polled) => polled,
            None => Poll::Pending,
        }
    }

    fn epoch(&self) -> Option<Epoch> {
        let other = self.other.as_ref()?.epoch()?;
        Some(self.first.epoch()?.and(other).of_adapter())
    }
}

debug!(OrElse<A, B> { first: A, other: B });
debug!(OrElseWatcher<A, B> { first: A, other: B });
