//! What a consumer holds: its cursor into the versions of a value.

use std::task::{Context, Poll};

use crate::Error;

/// One consumer's cursor into the versions of a value.
///
/// Users call [`get`](crate::WatcherExt::get) and its relatives; this trait is what a backend gives.
///
/// The cursor lives in the watcher and not in a future, as with `Stream`: that is why a `get` may be
/// dropped at any time, and why one method serves generic code and `dyn` alike without an allocation.
/// Two gets at once on one watcher do not compile.
pub trait Watcher<T> {
    /// Yields the newest version, if it is newer than the one this watcher last took.
    ///
    /// - `Ready(Ok(value))`: the newest version there is. Those in between were skipped.
    /// - `Ready(Err(error))`: the newest version is an error, told once; poll on for the next version.
    /// - `Ready(Err(error))` with [`is_closed`](Error::is_closed): no writer is left and the last
    ///   version was taken. Every later poll answers the same.
    /// - `Pending`: nothing newer yet. The task of `cx` is woken when there is.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the caller stops polling: the version stays until a poll takes it.
    ///
    /// # For implementors
    ///
    /// A poll must not block, and must remember one waker at the most, that of the newest poll.
    /// Take the [`conformance`](crate#the-laws) suite and run it.
    ///
    /// # Example
    ///
    /// ```
    /// use std::task::{Context, Poll, Waker};
    /// use event_core::{MemoryValue, ValueReader, ValueWriter, Watcher};
    ///
    /// let value = MemoryValue::new(1);
    /// let mut watcher = value.watch();
    /// let mut cx = Context::from_waker(Waker::noop());
    ///
    /// assert!(matches!(watcher.poll_get(&mut cx), Poll::Ready(Ok(1))));
    /// assert!(watcher.poll_get(&mut cx).is_pending());
    /// value.set(2);
    /// value.set(3);
    /// assert!(matches!(watcher.poll_get(&mut cx), Poll::Ready(Ok(3))));
    /// ```
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>>;
}

/// A watcher whose type is erased.
pub type BoxWatcher<T> = Box<dyn Watcher<T> + Send>;

#[deny(clippy::missing_trait_methods)]
impl<T, W: Watcher<T> + ?Sized> Watcher<T> for &mut W {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        (**self).poll_get(cx)
    }
}

#[deny(clippy::missing_trait_methods)]
impl<T, W: Watcher<T> + ?Sized> Watcher<T> for Box<W> {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        (**self).poll_get(cx)
    }
}
