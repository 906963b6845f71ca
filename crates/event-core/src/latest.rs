//! `latest`: the newest value at hand, for who reads it far more often than it changes.
//!
//! Why not `try_get` for each request? It takes the value's lock, to find that there is nothing new.
//! Here the watcher's waker is a flag: who reads looks at that, and polls only where it was raised.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::news::News;
use crate::{Error, Watcher};

/// A watcher that keeps the newest value, for reading it again and again.
///
/// Made by [`WatcherExt::latest`](crate::WatcherExt::latest). While nothing changes a read is one load of
/// an atomic that no other reader writes.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct Latest<W, T> {
    watcher: W,
    value: Option<T>,
    error: Option<Error>,
    flag: Arc<Flag>,
    /// Raises the flag.
    waker: Waker,
}

struct Flag(News);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.raise();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.raise();
    }
}

impl<T, W: Watcher<T>> Latest<W, T> {
    pub(crate) fn new(watcher: W) -> Self {
        let flag = Arc::new(Flag(News::raised()));
        Self { watcher, value: None, error: None, waker: Waker::from(Arc::clone(&flag)), flag }
    }

    /// The newest value; `None` while the watcher had none to take. Does not wait.
    ///
    /// It is told of a version by a wake-up, as a task is: while another thread is within `set`, this may
    /// give the version before.
    ///
    /// An error does not take the last value away: [`error`](Self::error) tells of it.
    pub fn get(&mut self) -> Option<&T> {
        if self.flag.0.is_raised() {
            self.look();
        }
        self.value.as_ref()
    }

    /// Waits until there is a value: for the start of a program whose backend may not have answered yet.
    ///
    /// # Errors
    ///
    /// What came in the value's place: it does not decode, it is refused, or it
    /// [ended](Error::is_closed). Call it again to wait for the next.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn wait(&mut self) -> Result<&T, Error> {
        if self.value.is_none() {
            // The watcher then has another waker than ours: let the next `get` look.
            self.flag.0.raise();
            let version = poll_fn(|cx| self.watcher.poll_get(cx)).await;
            self.take(version);
        }
        match (&self.value, &self.error) {
            (Some(value), _) => Ok(value),
            (None, error) => Err(error.clone().unwrap_or_else(Error::closed)),
        }
    }

    /// Why the newest version, as of the last [`get`](Self::get), is no value: it does not decode, it is
    /// refused, or the value [ended](Error::is_closed). `None` where it is one.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    #[cold]
    fn look(&mut self) {
        self.flag.0.begin();
        let Poll::Ready(version) = self.watcher.poll_get(&mut Context::from_waker(&self.waker))
        else {
            return self.flag.0.lower();
        };
        self.take(version);
        if self.error.as_ref().is_some_and(Error::is_closed) {
            self.flag.0.lower();
        }
    }

    fn take(&mut self, version: Result<T, Error>) {
        match version {
            Ok(value) => (self.value, self.error) = (Some(value), None),
            Err(error) => self.error = Some(error),
        }
    }
}

impl<W: fmt::Debug, T> fmt::Debug for Latest<W, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latest").field("watcher", &self.watcher).finish_non_exhaustive()
    }
}

#[cfg(all(test, event_loom))]
mod loom_tests {
    use loom::thread;

    use crate::{MemoryValue, ValueReader, ValueWriter, WatcherExt};

    #[test]
    fn loom_a_set_that_returned_is_read() {
        loom::model(|| {
            let value = MemoryValue::new(1);
            let mut latest = value.watch().latest();
            let writer = thread::spawn(move || {
                value.set(2);
                value
            });
            assert!(latest.get().is_some());
            latest.get();
            let value = writer.join().unwrap();
            assert_eq!(latest.get(), Some(&2));
            value.set(3);
            assert_eq!(latest.get(), Some(&3));
        });
    }
}
