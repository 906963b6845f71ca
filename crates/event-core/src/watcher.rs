//! What a consumer holds: its cursor into the versions of a value.

use std::task::{Context, Poll};

use crate::{Epoch, Error};

/// One consumer's cursor into the versions of a value.
///
/// To read, call [`get`](crate::WatcherExt::get) and the other methods of
/// [`WatcherExt`](crate::WatcherExt). This trait is what a backend or an adapter implements.
///
/// As with `Stream`, the position is kept in the watcher, not in the future. This has three effects. You
/// can drop a `get` at any time. `poll_get` works in generic code and through `dyn Watcher`, without an
/// allocation. Two concurrent gets on one watcher do not compile.
pub trait Watcher<T> {
    /// Yields the newest version, if it is newer than the one this watcher last took.
    ///
    /// - `Ready(Ok(value))`: the newest version there is. Versions in between were skipped.
    /// - `Ready(Err(error))`: the newest version is an error. It is yielded at most once; poll on for the
    ///   next version.
    /// - `Ready(Err(error))` with [`is_closed`](Error::is_closed): no writer is left, and the last
    ///   version was taken. Every later poll yields an error of this kind, apart from a `Pending` now and
    ///   then to let other tasks run.
    /// - `Pending`: there is nothing newer yet, or the poll stopped early to let other tasks run. The task
    ///   of `cx` is woken when it should poll again. If the poll stopped early, it is woken at once.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the caller stops polling: the version stays until a poll takes it.
    ///
    /// # Panics
    ///
    /// Only if a function of the program panics: a mapper, a predicate, a decoder, a value's `clone` or
    /// `PartialEq`. If a mapper or a decoder panicked, the next poll yields an error in place of the version.
    /// If the function of `on_error` panicked, the next poll yields the error that it was called for.
    /// If any other function panicked, the next poll calls it on the version again. If there is a newer
    /// version by then, the next poll takes that one instead.
    ///
    /// # For implementors
    ///
    /// A poll must not block, must not run without end, and must remember one waker at most, that of the
    /// newest poll. A poll that stops early must wake that waker before it returns `Pending`. Run the
    /// [`conformance`](crate#the-laws) suite on your implementation.
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

    /// Returns a counter, if the watcher has one. The counter grows before a newer version can be taken, so an
    /// unchanged counter means that there is no need to poll.
    ///
    /// After a poll returned `Pending`, [`latest`](crate::WatcherExt::latest) and
    /// [`shared`](crate::ReaderExt::shared) may skip polls until the counter changes or the waker of
    /// that poll is woken.
    ///
    /// # For implementors
    ///
    /// `None`, the default, is always correct, but slower. What an adapter may return instead:
    ///
    /// - over one watcher, if the poll runs no function of the program: the epoch of that watcher;
    /// - over several watchers, or if the poll runs a function of the program: [`Epoch::all`] of their epochs.
    ///
    /// Over a watcher with the epoch of one watcher, [`Current::get`](crate::adapters::Current::get) may
    /// wait until the poll of another thread ends. With `Epoch::all` it does not wait.
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{MemoryValue, ValueReader, Watcher};
    ///
    /// assert!(MemoryValue::new(1).watch().epoch().is_some());
    /// ```
    fn epoch(&self) -> Option<Epoch> {
        None
    }
}

/// A watcher whose type is erased.
pub type BoxWatcher<T> = Box<dyn Watcher<T> + Send>;

macro_rules! forward {
    ($($wrapper:ty),*) => {$(
        #[deny(clippy::missing_trait_methods)]
        impl<T, W: Watcher<T> + ?Sized> Watcher<T> for $wrapper {
            fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
                (**self).poll_get(cx)
            }

            fn epoch(&self) -> Option<Epoch> {
                (**self).epoch()
            }
        }
    )*};
}

forward!(&mut W, Box<W>);
