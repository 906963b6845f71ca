//! One upstream watcher for any number of watchers.
//!
//! Why? A mapper or a decoder should run once per version, however many watch. So one of the watchers
//! does the work for all: it takes the version from upstream and publishes it in a cell, where its
//! siblings find it. No task is needed, and nothing runs while nobody watches.
//!
//! Why no lock around the upstream watcher? A sibling would park its thread for as long as the mapper
//! runs. Instead, a watcher takes the upstream watcher out of its place, polls it without any lock, and
//! puts it back. A sibling that comes in the meantime leaves its waker and is `Pending`.

#[cfg(all(test, event_loom))]
pub(super) mod loom_tests;

use std::fmt;
use std::mem;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use crate::cell::{Cell, Cursor, Dirty, Lock};
use crate::{Epoch, Error, Refresh, ValueReader, Watcher};

/// A reader whose watchers share one watcher of the reader below.
///
/// [`ReaderExt::shared`](crate::ReaderExt::shared) makes one, and so do
/// [`map`](crate::ReaderExt::map) and [`decode`](crate::ReaderExt::decode), whose function therefore
/// runs once per version. A handle that is cheap to clone; clones share too.
///
/// A new watcher starts with the newest version. If the reader below has nothing newer to give than what
/// its siblings took, the new watcher takes that: over a [`filter`](crate::ReaderExt::filter), the last
/// version that passed.
pub struct Shared<R: ValueReader<T>, T> {
    inner: Arc<Inner<R, T>>,
}

struct Inner<R: ValueReader<T>, T> {
    reader: R,
    /// What the live watchers share. It is freed with the last of them.
    stage: Lock<Weak<Stage<R::Watcher, T>>>,
}

struct Stage<W, T> {
    upstream: Lock<Upstream<W>>,
    siblings: Arc<Siblings<T>>,
}

/// Where the upstream watcher is.
enum Upstream<W> {
    Idle(Box<W>),
    /// A sibling polls it. `awaited`: another one left its waker meanwhile.
    Polled {
        awaited: bool,
    },
    /// The value ended, and the upstream watcher is dropped.
    Ended,
}

struct Siblings<T> {
    cell: Cell<T>,
    /// Whether upstream may have something newer.
    dirty: Dirty,
}

/// Upstream's waker, for all siblings.
impl<T: Send> Wake for Siblings<T> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.dirty.raise();
        self.cell.wake_all();
    }
}

impl<R: ValueReader<T>, T> Shared<R, T> {
    pub(crate) fn new(reader: R) -> Self {
        Self { inner: Arc::new(Inner { reader, stage: Lock::new(Weak::new()) }) }
    }
}

impl<R, T> ValueReader<T> for Shared<R, T>
where
    R: ValueReader<T>,
    T: Clone + Send + 'static,
{
    type Watcher = SharedWatcher<R::Watcher, T>;

    fn watch(&self) -> Self::Watcher {
        let alive = self.inner.stage.lock().upgrade();
        let stage = alive.unwrap_or_else(|| {
            // The reader's own code runs without the lock. Another thread may do the same meanwhile; then
            // its stage is the one that counts.
            let new = Stage::new(self.inner.reader.watch());
            let mut current = self.inner.stage.lock();
            current.upgrade().unwrap_or_else(|| {
                *current = Arc::downgrade(&new);
                new
            })
        });
        SharedWatcher { stage, cursor: Cursor::default() }
    }

    fn refresh(&self) -> Refresh {
        self.inner.reader.refresh()
    }
}

/// A watcher that shares its upstream with its siblings.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct SharedWatcher<W, T> {
    stage: Arc<Stage<W, T>>,
    cursor: Cursor,
}

impl<W, T> Watcher<T> for SharedWatcher<W, T>
where
    W: Watcher<T>,
    T: Clone + Send + 'static,
{
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        let Siblings { cell, dirty } = &*self.stage.siblings;
        if dirty.is_dirty() && self.stage.look_upstream(&mut self.cursor, cx).is_pending() {
            return Poll::Pending;
        }
        let newest = cell.poll(&mut self.cursor, cx);
        if newest.is_pending() && dirty.has_moved() {
            // Perhaps before this task's waker lay in the cell.
            cx.waker().wake_by_ref();
        }
        newest
    }

    fn epoch(&self) -> Option<Epoch> {
        // Also the cell's own: a version that a sibling took from upstream is published there later.
        let upstream = self.stage.siblings.dirty.epoch()?.clone();
        Some(upstream.and(self.stage.siblings.cell.epoch()))
    }
}

impl<W, T> Stage<W, T> {
    fn new(upstream: W) -> Arc<Self>
    where
        W: Watcher<T>,
    {
        let dirty = Dirty::new(upstream.epoch());
        let siblings = Arc::new(Siblings { cell: Cell::new(None), dirty });
        Arc::new(Self { upstream: Lock::new(Upstream::Idle(Box::new(upstream))), siblings })
    }

    /// Publishes what upstream has, for all siblings. `Pending` if a sibling is doing so: then it wakes
    /// this task.
    fn look_upstream(&self, cursor: &mut Cursor, cx: &mut Context<'_>) -> Poll<()>
    where
        W: Watcher<T>,
        T: Send + 'static,
    {
        let Siblings { cell, dirty } = &*self.siblings;
        let mut watcher = match self.take_upstream() {
            Upstream::Idle(watcher) => Polled { stage: self, watcher: Some(watcher) },
            Upstream::Ended => return Poll::Ready(()),
            Upstream::Polled { .. } => {
                cell.register(cursor, cx);
                if !self.await_upstream() {
                    // The sibling was done before this task's waker lay in the cell.
                    cx.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
        };
        let waker = Waker::from(Arc::clone(&self.siblings));
        let before = dirty.moment();
        match watcher.poll_get(&mut Context::from_waker(&waker)) {
            Poll::Pending => dirty.settle(before),
            Poll::Ready(Err(error)) if error.is_closed() => {
                watcher.end();
                cell.remove_writer();
            }
            Poll::Ready(version) => {
                cell.unregister(cursor); // this task is awake
                // Before upstream is put back, for versions to be published in upstream's order.
                cell.publish(version);
            }
        }
        Poll::Ready(())
    }

    /// Takes the upstream watcher out, if no sibling has it.
    fn take_upstream(&self) -> Upstream<W> {
        let mut upstream = self.upstream.lock();
        match &*upstream {
            Upstream::Idle(_) => mem::replace(&mut *upstream, Upstream::Polled { awaited: false }),
            Upstream::Polled { .. } => Upstream::Polled { awaited: true },
            Upstream::Ended => Upstream::Ended,
        }
    }

    /// Notes that a task waits for the sibling that polls upstream. `false`: none does any more.
    fn await_upstream(&self) -> bool {
        let mut upstream = self.upstream.lock();
        let is_polled = matches!(*upstream, Upstream::Polled { .. });
        if is_polled {
            *upstream = Upstream::Polled { awaited: true };
        }
        is_polled
    }
}

/// The upstream watcher while it is polled. Dropping this puts it back, also where the poll panics.
struct Polled<'a, W, T> {
    stage: &'a Stage<W, T>,
    /// `None`: the value ended.
    watcher: Option<Box<W>>,
}

impl<W: Watcher<T>, T> Polled<'_, W, T> {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        match &mut self.watcher {
            Some(watcher) => watcher.poll_get(cx),
            None => Poll::Ready(Err(Error::closed())),
        }
    }

    fn end(&mut self) {
        self.watcher = None;
    }
}

impl<W, T> Drop for Polled<'_, W, T> {
    fn drop(&mut self) {
        let back = self.watcher.take().map_or(Upstream::Ended, Upstream::Idle);
        let polled = mem::replace(&mut *self.stage.upstream.lock(), back);
        if thread::panicking() || matches!(polled, Upstream::Polled { awaited: true }) {
            self.stage.siblings.cell.wake_all();
        }
    }
}

impl<W, T> Drop for SharedWatcher<W, T> {
    fn drop(&mut self) {
        self.stage.siblings.cell.unregister(&mut self.cursor);
    }
}

impl<R: ValueReader<T>, T> Clone for Shared<R, T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<R: ValueReader<T> + fmt::Debug, T> fmt::Debug for Shared<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("reader", &self.inner.reader).finish_non_exhaustive()
    }
}

impl<W, T> fmt::Debug for SharedWatcher<W, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedWatcher").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}
