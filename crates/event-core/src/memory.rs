//! A value in memory, a map in memory, and a store of values.

mod map;
mod store;

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::cell::{Cell, Cursor};
use crate::debug::debug;
use crate::{Epoch, Error, ErrorKind, ValueReader, ValueWriter, Watcher};

pub use map::{MemoryMap, MemoryMapReader, MemoryMapWatcher};
pub use store::{
    MemoryStore, MemoryStoreMap, MemoryStoreMapWatcher, MemoryStoreStep, MemoryStoreValue,
    MemoryStoreWatcher,
};

/// A value in memory. A program sets and watches it. A test uses it in place of a backend. If you write a
/// backend, hand what it reads to its watchers through a `MemoryValue`.
///
/// It is a handle that is cheap to clone. Each clone is a writer. When the last writer is dropped, each watcher
/// takes the last version if it has not, then gets [`ErrorKind::Closed`](crate::ErrorKind::Closed).
/// [`reader`](Self::reader) returns a handle that is not a writer.
///
/// # Cost
///
/// A value keeps one version, and a place of 16 to 24 bytes for each watcher that waits. When a watcher is woken or
/// dropped, the next one takes its place. The list of places does not shrink while the value lives: after `n`
/// watchers have waited at once, it keeps up to 24 `n` bytes. The repository's `docs/benchmarks.md` says how long a
/// version takes to reach 10,000 tasks.
///
/// Each watcher that takes a version gets a clone, which is made under the value's lock: keep big values in
/// an [`Arc`], since a slow `clone` delays all watchers and writers of the value. A `clone` that sets or
/// watches its own value deadlocks.
///
/// ```
/// use event_core::{MemoryValue, ValueReader, ValueWriter, WatcherExt};
///
/// # futures_executor::block_on(async {
/// let limit = MemoryValue::new(10);
/// let mut watcher = limit.watch();
/// assert_eq!(watcher.get().await.unwrap(), 10);
/// limit.set(20);
/// limit.set(30);
/// assert_eq!(watcher.get().await.unwrap(), 30);
/// drop(limit);
/// assert!(watcher.get().await.unwrap_err().is_closed());
/// # });
/// ```
pub struct MemoryValue<T> {
    cell: Arc<Cell<T>>,
    /// It stopped writing: it may not publish any more, perhaps after the end.
    only_reads: bool,
}

impl<T> MemoryValue<T> {
    /// A value with a first version.
    pub fn new(value: T) -> Self {
        Self { cell: Arc::new(Cell::new(Some(Ok(value)))), only_reads: false }
    }

    /// A value without a first version: the first `get` of a watcher waits.
    #[must_use]
    pub fn empty() -> Self {
        Self { cell: Arc::new(Cell::new(None)), only_reads: false }
    }

    /// Makes an error the newest version. Each watcher yields it at most once. A later `set` replaces it. A
    /// backend calls `fail` to report data that can't be used. A test calls it to cause an error.
    ///
    /// [`Error::closed`] is ignored: a value ends with its last writer.
    pub fn fail(&self, error: Error) {
        if !error.is_closed() && !self.only_reads {
            self.cell.publish(Err(error));
        }
    }

    /// Changes the newest value, so that no `set` of another writer is lost in between. Returns whether there
    /// was a value to change: not if there is no version yet, or the newest one is an error.
    ///
    /// `f` changes a clone, without a lock. If another writer is quicker, `f` is called again with a clone of
    /// what that one has set.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt};
    ///
    /// let flags = MemoryValue::new(vec!["a"]);
    /// assert!(flags.update(|flags| flags.push("b")));
    /// # futures_executor::block_on(async {
    /// assert_eq!(flags.get().await.unwrap(), ["a", "b"]);
    /// # });
    /// ```
    #[doc(alias = "send_modify")]
    pub fn update(&self, mut f: impl FnMut(&mut T)) -> bool
    where
        T: Clone,
    {
        if self.only_reads {
            return false;
        }
        loop {
            let Some((Ok(mut value), of)) = self.cell.newest() else { return false };
            f(&mut value);
            if self.cell.publish_after(of, Ok(value)) {
                return true;
            }
        }
    }

    /// Drops this writer. If it is the last one, the value ends, and the first
    /// [`Closed`](crate::ErrorKind::Closed) that each watcher gets says why. Later ones do not.
    ///
    /// ```
    /// use event_core::{MemoryValue, ValueReader, WatcherExt};
    ///
    /// let limit = MemoryValue::new(10);
    /// let mut watcher = limit.watch();
    /// limit.end("the test is over");
    /// # futures_executor::block_on(async {
    /// let end = watcher.get().await.unwrap_err();
    /// assert!(end.is_closed());
    /// assert_eq!(end.to_string(), "the test is over");
    /// # });
    /// ```
    pub fn end(self, why: impl Into<String>) {
        if !self.only_reads {
            self.cell.publish_last(Error::new(ErrorKind::Closed, why));
        }
    }

    /// The newest version.
    pub(crate) fn newest(&self) -> Option<Result<T, Error>>
    where
        T: Clone,
    {
        self.cell.newest().map(|(version, _)| version)
    }

    /// Whether nobody has another handle or a watcher.
    pub(crate) fn is_unread(&self) -> bool {
        Arc::strong_count(&self.cell) == 1
    }

    /// A read-only handle. The value ends when its last writer is dropped, even if readers remain.
    #[must_use]
    pub fn reader(&self) -> MemoryReader<T> {
        MemoryReader { cell: Arc::clone(&self.cell) }
    }
}

impl<T> Default for MemoryValue<T> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T> Clone for MemoryValue<T> {
    fn clone(&self) -> Self {
        if !self.only_reads {
            self.cell.add_writer();
        }
        Self { cell: Arc::clone(&self.cell), only_reads: self.only_reads }
    }
}

impl<T> Drop for MemoryValue<T> {
    fn drop(&mut self) {
        if !self.only_reads {
            self.cell.remove_writer();
        }
    }
}

impl<T> ValueWriter<T> for MemoryValue<T> {
    #[inline]
    fn set(&self, value: T) {
        if !self.only_reads {
            self.cell.publish(Ok(value));
        }
    }
}

impl<T: Clone> ValueReader<T> for MemoryValue<T> {
    type Watcher = MemoryWatcher<T>;

    fn watch(&self) -> Self::Watcher {
        MemoryWatcher::new(&self.cell)
    }

    fn stop_writing(&mut self) {
        if !mem::replace(&mut self.only_reads, true) {
            self.cell.remove_writer();
        }
    }
}

/// A read-only handle to a [`MemoryValue`].
pub struct MemoryReader<T> {
    cell: Arc<Cell<T>>,
}

impl<T> Clone for MemoryReader<T> {
    fn clone(&self) -> Self {
        Self { cell: Arc::clone(&self.cell) }
    }
}

impl<T: Clone> ValueReader<T> for MemoryReader<T> {
    type Watcher = MemoryWatcher<T>;

    fn watch(&self) -> Self::Watcher {
        MemoryWatcher::new(&self.cell)
    }
}

/// A watcher of a [`MemoryValue`].
#[must_use = "a watcher does nothing unless it is polled"]
pub struct MemoryWatcher<T> {
    cell: Arc<Cell<T>>,
    cursor: Cursor,
}

impl<T> MemoryWatcher<T> {
    fn new(cell: &Arc<Cell<T>>) -> Self {
        Self { cell: Arc::clone(cell), cursor: Cursor::default() }
    }
}

impl<T: Clone> Watcher<T> for MemoryWatcher<T> {
    #[inline]
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        self.cell.poll(&mut self.cursor, cx)
    }

    fn epoch(&self) -> Option<Epoch> {
        Some(self.cell.epoch())
    }
}

impl<T> Drop for MemoryWatcher<T> {
    fn drop(&mut self) {
        self.cell.unregister(&mut self.cursor);
    }
}

debug!(MemoryValue<T> {});
debug!(MemoryReader<T> {});
debug!(MemoryWatcher<T> {});
