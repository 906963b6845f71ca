//! A value in memory.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::cell::{Cell, Cursor};
use crate::{Error, ValueReader, ValueWriter, Watcher};

/// A value in memory: what a program sets and watches itself, what a test swaps a backend for, and
/// what a backend feeds.
///
/// A handle that is cheap to clone. Each clone is a writer: when the last is dropped, watchers take
/// the last version if they have not, then get [`ErrorKind::Closed`](crate::ErrorKind::Closed).
/// [`reader`](Self::reader) gives a handle that is no writer.
///
/// A version is cloned for each watcher that takes it, under the value's lock: keep big ones in an
/// [`Arc`], and let no `clone` come back to its value. Memory is one version and a place for the waker of
/// each watcher that waits: as many places as ever waited at once.
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
}

impl<T> MemoryValue<T> {
    /// A value with a first version.
    pub fn new(value: T) -> Self {
        Self { cell: Arc::new(Cell::new(Some(Ok(value)))) }
    }

    /// A value without a version yet: a watcher's first `get` waits.
    #[must_use]
    pub fn empty() -> Self {
        Self { cell: Arc::new(Cell::new(None)) }
    }

    /// Makes an error the newest version: each watcher is told once, and the next `set` is taken as
    /// always. How a backend reports data that can't be used, and a test provokes it.
    ///
    /// [`Error::closed`] is no version and is passed over: a value ends with its last writer.
    pub fn fail(&self, error: Error) {
        if !error.is_closed() {
            self.cell.publish(Err(error));
        }
    }

    /// A handle that reads and is no writer.
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
        self.cell.add_writer();
        Self { cell: Arc::clone(&self.cell) }
    }
}

impl<T> Drop for MemoryValue<T> {
    fn drop(&mut self) {
        self.cell.remove_writer();
    }
}

impl<T> ValueWriter<T> for MemoryValue<T> {
    #[inline]
    fn set(&self, value: T) {
        self.cell.publish(Ok(value));
    }
}

impl<T: Clone> ValueReader<T> for MemoryValue<T> {
    type Watcher = MemoryWatcher<T>;

    fn watch(&self) -> Self::Watcher {
        MemoryWatcher::new(&self.cell)
    }
}

/// A handle on a [`MemoryValue`] that reads and is no writer.
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
pub struct MemoryWatcher<T> {
    cell: Arc<Cell<T>>,
    cursor: Cursor,
}

impl<T> MemoryWatcher<T> {
    fn new(cell: &Arc<Cell<T>>) -> Self {
        Self { cell: Arc::clone(cell), cursor: Cursor::START }
    }
}

impl<T: Clone> Watcher<T> for MemoryWatcher<T> {
    #[inline]
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        self.cell.poll(&mut self.cursor, cx)
    }
}

impl<T> Drop for MemoryWatcher<T> {
    fn drop(&mut self) {
        self.cell.forget(&mut self.cursor);
    }
}

// `Debug` tells no value: it may be a secret, and it would take the lock.

impl<T> fmt::Debug for MemoryValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryValue").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for MemoryReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReader").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for MemoryWatcher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryWatcher").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}
