//! One upstream watcher for any number of watchers.
//!
//! Why? A mapping or a decoder should run once per version, however many watch. So one of them does
//! the work for all: whoever polls first takes the version from upstream and publishes it in a cell,
//! where the others find it. No task is needed, and nothing runs while nobody watches.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use crate::cell::{Cell, Cursor};
use crate::{Error, ValueReader, Watcher};

/// A reader whose watchers share one watcher of the reader below.
///
/// Made by [`ReaderExt::share`](crate::ReaderExt::share), and by
/// [`map`](crate::ReaderExt::map) and [`decode`](crate::ReaderExt::decode), whose function so runs
/// once per version. A handle that is cheap to clone; clones share too.
///
/// A new watcher begins with the newest version that its siblings know of, if the reader below has
/// none to give: with a [`filter`](crate::ReaderExt::filter) below, the last one that passed.
pub struct Share<R: ValueReader<T>, T> {
    inner: Arc<Inner<R, T>>,
}

struct Inner<R: ValueReader<T>, T> {
    reader: R,
    /// What the watchers alive share. It goes with the last of them.
    stage: Mutex<Weak<Stage<R::Watcher, T>>>,
}

struct Stage<W, T> {
    upstream: Mutex<W>,
    cell: Arc<Cell<T>>,
}

impl<R: ValueReader<T>, T> Share<R, T> {
    pub(crate) fn new(reader: R) -> Self {
        Self { inner: Arc::new(Inner { reader, stage: Mutex::new(Weak::new()) }) }
    }
}

impl<R, T> ValueReader<T> for Share<R, T>
where
    R: ValueReader<T>,
    T: Clone + Send + 'static,
{
    type Watcher = ShareWatcher<R::Watcher, T>;

    fn watch(&self) -> Self::Watcher {
        let mut shared = self.inner.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let stage = shared.upgrade().unwrap_or_else(|| {
            let upstream = Mutex::new(self.inner.reader.watch());
            let stage = Arc::new(Stage { upstream, cell: Arc::new(Cell::new(None)) });
            *shared = Arc::downgrade(&stage);
            stage
        });
        ShareWatcher { stage, cursor: Cursor::START }
    }
}

/// A watcher that shares its upstream with its siblings.
pub struct ShareWatcher<W, T> {
    stage: Arc<Stage<W, T>>,
    cursor: Cursor,
}

impl<W, T> Watcher<T> for ShareWatcher<W, T>
where
    W: Watcher<T>,
    T: Clone + Send + 'static,
{
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        let Stage { upstream, cell } = &*self.stage;
        // First to the cell, then upstream: a version that comes in between wakes this task.
        cell.register(&mut self.cursor, cx);
        let mut upstream = upstream.lock().unwrap_or_else(PoisonError::into_inner);
        let waker = Waker::from(Arc::clone(cell));
        let newest = upstream.poll_get(&mut Context::from_waker(&waker));
        let woken = match newest {
            Poll::Pending => None,
            Poll::Ready(Err(error)) if error.is_closed() => Some(cell.end()),
            Poll::Ready(version) => {
                cell.forget(&mut self.cursor); // this task is awake
                // Stored under the lock, for versions to stand in upstream's order.
                Some(cell.store(version))
            }
        };
        drop(upstream);
        if let Some(woken) = woken {
            cell.wake(woken);
        }
        cell.poll(&mut self.cursor, cx)
    }
}

impl<W, T> Drop for ShareWatcher<W, T> {
    fn drop(&mut self) {
        self.stage.cell.forget(&mut self.cursor);
    }
}

impl<R: ValueReader<T>, T> Clone for Share<R, T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<R: ValueReader<T> + fmt::Debug, T> fmt::Debug for Share<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Share").field(&self.inner.reader).finish()
    }
}

impl<W, T> fmt::Debug for ShareWatcher<W, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShareWatcher").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}
