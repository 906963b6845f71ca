//! `latest`: the newest value at hand, for code that reads it far more often than it changes.
//!
//! Why not `try_get` for each request? It takes the value's lock to find that there is nothing new. Here
//! a read looks at the watcher's epoch, and polls only if that has moved.

#[cfg(all(test, event_loom))]
mod loom_tests;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::cell::{Dirty, End};
use crate::debug::debug;
use crate::{Error, Watcher};

/// A watcher that keeps the newest value, for reading it again and again.
///
/// [`WatcherExt::latest`](crate::WatcherExt::latest) makes one. While nothing changes, a read costs a few
/// atomic loads and no writes, so several `Latest` on several threads do not slow each other.
///
/// If `get` begins after a `set` has returned, it returns that version or a newer one. Over an adapter whose watchers
/// share one, such as `map`, `decode`, `on_error` or `shared`, there is one exception: while another watcher takes the
/// newest version, which includes running the mapper or the decoder, `get` still returns the previous value.
///
/// It belongs to one task or thread. To share the value between several, make a
/// [`Current`](crate::adapters::Current), whose `get` costs some nanoseconds more.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct Latest<W, T> {
    watcher: W,
    value: Option<T>,
    error: Option<Error>,
    end: End,
    /// Whether the watcher may have something newer.
    dirty: Arc<Dirty>,
    /// Raises the flag.
    waker: Waker,
}

impl<T, W: Watcher<T>> Latest<W, T> {
    pub(crate) fn new(watcher: W) -> Self {
        let dirty = Arc::new(Dirty::new(watcher.epoch()));
        let waker = Waker::from(Arc::clone(&dirty));
        Self { watcher, value: None, error: None, end: End::default(), dirty, waker }
    }

    /// The newest good value, or `None` if there has not been one yet. Does not wait.
    ///
    /// An error does not take the last good value away: [`get_with_error`](Self::get_with_error) returns
    /// both.
    #[inline]
    pub fn get(&mut self) -> Option<&T> {
        self.look();
        self.value.as_ref()
    }

    /// Returns the newest good value. If the newest version is an error, returns that error too.
    ///
    /// ```
    /// use event_core::{Error, ErrorKind, MemoryValue, ValueReader, WatcherExt};
    ///
    /// let limit = MemoryValue::new(10);
    /// let mut latest = limit.watch().latest();
    /// assert!(matches!(latest.get_with_error(), (Some(10), None)));
    /// limit.fail(Error::new(ErrorKind::Decode, "expected a number"));
    /// assert!(matches!(latest.get_with_error(), (Some(10), Some(error)) if error.kind() == ErrorKind::Decode));
    /// ```
    pub fn get_with_error(&mut self) -> (Option<&T>, Option<&Error>) {
        self.look();
        (self.value.as_ref(), self.error.as_ref())
    }

    /// Waits for the first good value. Use it at the start of a program, when the backend may not have
    /// answered yet. After it, [`get`](Self::get) returns that value or a newer one.
    ///
    /// # Errors
    ///
    /// While there is no good value yet, returns the error if the next version is bad, or
    /// [`Closed`](crate::ErrorKind::Closed) if the value ended. It returns the error of a version at most
    /// once. Call it again to wait for the next version.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    ///
    /// ```
    /// use event_core::{MemoryValue, ValueReader, WatcherExt};
    ///
    /// # futures_executor::block_on(async {
    /// let limit = MemoryValue::new(10);
    /// let mut latest = limit.watch().latest();
    /// while let Err(error) = latest.wait().await {
    ///     eprintln!("no limit yet: {error:#}");
    ///     if error.is_closed() {
    ///         return;
    ///     }
    /// }
    /// assert_eq!(latest.get(), Some(&10));
    /// # });
    /// ```
    pub async fn wait(&mut self) -> Result<(), Error> {
        if let Some(error) = self.look() {
            return if self.value.is_some() { Ok(()) } else { Err(error) };
        }
        if self.value.is_none() && self.is_closed() {
            return poll_fn(|cx| self.end.poll(cx)).await;
        }
        if self.value.is_none() {
            let version = poll_fn(|cx| {
                // This poll leaves the task's waker in the place of ours.
                self.dirty.raise();
                self.watcher.poll_get(cx)
            });
            let version = version.await;
            self.take(version);
        }
        match (&self.value, &self.error) {
            (Some(_), _) => Ok(()),
            (None, error) => Err(error.clone().unwrap_or_else(Error::closed)),
        }
    }

    /// Returns the error if the newest version at the last read was an error.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Takes what is newer, if there may be something. Returns the error that it took, if it took one.
    #[inline]
    fn look(&mut self) -> Option<Error> {
        if self.dirty.is_dirty() { self.poll() } else { None }
    }

    #[cold]
    fn poll(&mut self) -> Option<Error> {
        if self.is_closed() {
            return None;
        }
        let before = self.dirty.moment();
        match self.watcher.poll_get(&mut Context::from_waker(&self.waker)) {
            Poll::Pending => {
                self.dirty.settle(before);
                None
            }
            Poll::Ready(version) => {
                let error = version.as_ref().err().cloned();
                self.take(version);
                if self.is_closed() {
                    self.dirty.settle_for_ever();
                }
                error
            }
        }
    }

    fn take(&mut self, version: Result<T, Error>) {
        match version {
            Ok(value) => (self.value, self.error) = (Some(value), None),
            Err(error) => self.error = Some(error),
        }
    }

    fn is_closed(&self) -> bool {
        self.error.as_ref().is_some_and(Error::is_closed)
    }
}

debug!(Latest<W, T> { watcher: W });
