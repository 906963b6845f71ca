//! One upstream watcher for any number of watchers.
//!
//! Why? A mapper or a decoder should run once per version, no matter how many watchers there are. So one of
//! the watchers does the work for all: it takes the version from upstream and publishes it in a cell, where
//! its siblings find it. No task is needed, and nothing runs while nobody watches.
//!
//! Why no lock around the upstream watcher? A sibling would park its thread for as long as the mapper
//! runs. Instead, a watcher takes the upstream watcher out of its place, polls it without any lock, and
//! puts it back. A sibling that comes in the meantime leaves its waker. It takes what is published, if it has
//! not; but a first `get` waits, since what is published may be older than what its task has seen elsewhere.

#[cfg(all(test, event_loom))]
pub(super) mod loom_tests;

use std::fmt;
use std::mem;
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

#[cfg(all(test, event_loom))]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(all(test, event_loom)))]
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cell::{Cell, Cursor, Dirty, Lock, Moment, Place as WakerPlace, Unsettled, Wakers};
use crate::{Epoch, Error, Refresh, ValueReader, Watcher};

/// A reader whose watchers share one watcher of the reader below.
///
/// [`ReaderExt::shared`](crate::ReaderExt::shared) makes one, and so do
/// [`map`](crate::ReaderExt::map) and [`decode`](crate::ReaderExt::decode), whose function therefore
/// runs at most once per version. It is a handle that is cheap to clone. The watchers of all its clones share the
/// same inner watcher.
///
/// A new watcher starts with the newest version: one that the inner watcher has and nobody took yet, or else
/// the one that the other watchers took last. Over a [`filter`](crate::ReaderExt::filter), that is the last
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
    /// The look at upstream that published the newest version.
    published: AtomicU64,
}

struct Upstream<W> {
    place: Place<W>,
    /// How many looks at upstream have begun.
    looks: u64,
    /// The siblings that came while another one polled upstream.
    waiting: Wakers,
}

/// Where the upstream watcher is.
enum Place<W> {
    Idle(Box<W>),
    /// A sibling polls it.
    Polled,
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
            // The reader's own code runs without the lock: `watch` here, and the `drop` of this watcher if
            // another thread was quicker.
            let new = Stage::new(self.inner.reader.watch());
            let mut current = self.inner.stage.lock();
            let quicker = current.upgrade();
            if quicker.is_none() {
                *current = Arc::downgrade(&new);
            }
            drop(current);
            quicker.unwrap_or(new)
        });
        SharedWatcher { stage, seat: Seat::default(), unsettled: OnceLock::new() }
    }

    fn refresh(&self) -> Refresh {
        self.inner.reader.refresh()
    }
}

/// A watcher of a [`Shared`] reader.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct SharedWatcher<W, T> {
    stage: Arc<Stage<W, T>>,
    seat: Seat,
    /// For those above who spare polls, if there are any.
    unsettled: OnceLock<Arc<Unsettled>>,
}

/// One watcher among its siblings.
#[derive(Debug, Default)]
struct Seat {
    cursor: Cursor,
    /// Where its waker lies while a sibling polls upstream.
    waiting: WakerPlace,
    /// The look that was under way when this watcher came first, if one was; else 0. What that look or an
    /// earlier one publishes may be older than what this task has seen elsewhere.
    since: u64,
}

impl Seat {
    fn came_during(&mut self, look: u64) {
        if self.since == 0 {
            self.since = look;
        }
    }

    /// Whether what this look published may be older than what the task has seen elsewhere.
    fn is_too_old(&self, look: u64) -> bool {
        self.cursor.is_fresh() && look <= self.since
    }
}

/// What became of a look at upstream.
enum Look {
    /// The siblings have what upstream has. If upstream had nothing, this was true at that moment.
    Done(Moment),
    /// Upstream may have something newer: its poll stopped early, or waits for others.
    Unsettled(Moment),
    /// A sibling polls upstream. It wakes this task.
    Contended,
}

impl<W, T> Watcher<T> for SharedWatcher<W, T>
where
    W: Watcher<T>,
    T: Clone + Send + 'static,
{
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        let Self { stage, seat, unsettled } = self;
        let Siblings { cell, dirty } = &*stage.siblings;
        // A watcher without an epoch announces a version by its waker alone. That is too late for a first
        // `get`, which must not be older than what the task has seen elsewhere.
        let is_first = seat.cursor.is_fresh() && dirty.epoch().is_none();
        let now = dirty.moment();
        let look = if is_first || dirty.has_moved() {
            stage.look_upstream(seat, cx)
        } else {
            Look::Done(now)
        };
        let published = stage.published.load(Ordering::Acquire);
        let newest = match look {
            Look::Contended if seat.is_too_old(published) => Poll::Pending,
            Look::Contended => cell.take(&mut seat.cursor).map_or(Poll::Pending, Poll::Ready),
            Look::Unsettled(_) if seat.is_too_old(published) => {
                cell.register(&mut seat.cursor, cx);
                Poll::Pending
            }
            Look::Unsettled(_) | Look::Done(_) => cell.poll(&mut seat.cursor, cx),
        };
        if let (Look::Done(as_of) | Look::Unsettled(as_of), Poll::Pending) = (&look, &newest) {
            if dirty.has_moved_since(*as_of) {
                // Perhaps before this task's waker lay in the cell.
                cx.waker().wake_by_ref();
            }
        }
        let is_done = matches!(look, Look::Done(_));
        if let Some(unsettled) = unsettled.get() {
            unsettled.set(!is_done && newest.is_pending());
        }
        newest
    }

    fn epoch(&self) -> Option<Epoch> {
        // Also the cell's own: a version that a sibling took from upstream is published there later.
        let upstream = self.stage.siblings.dirty.epoch()?.clone();
        let own = self.stage.siblings.cell.epoch();
        Some(upstream.and(own).with(Arc::clone(self.unsettled.get_or_init(Arc::default))))
    }
}

impl<W, T> Stage<W, T> {
    fn new(upstream: W) -> Arc<Self>
    where
        W: Watcher<T>,
    {
        let dirty = Dirty::new(upstream.epoch());
        let place = Place::Idle(Box::new(upstream));
        Arc::new(Self {
            upstream: Lock::new(Upstream { place, looks: 0, waiting: Wakers::default() }),
            siblings: Arc::new(Siblings { cell: Cell::new(None), dirty }),
            published: AtomicU64::new(0),
        })
    }

    /// Publishes what upstream has, for all siblings.
    fn look_upstream(&self, seat: &mut Seat, cx: &mut Context<'_>) -> Look
    where
        W: Watcher<T>,
        T: Send + 'static,
    {
        let Siblings { cell, dirty } = &*self.siblings;
        let before = dirty.moment();
        let mut upstream = self.upstream.lock();
        let watcher = match mem::replace(&mut upstream.place, Place::Polled) {
            Place::Idle(watcher) => watcher,
            Place::Ended => {
                upstream.place = Place::Ended;
                return Look::Done(before);
            }
            Place::Polled => {
                seat.came_during(upstream.looks);
                let old = upstream.waiting.register(&mut seat.waiting, cx.waker());
                drop(upstream);
                drop(old);
                return Look::Contended;
            }
        };
        upstream.looks += 1;
        let look = upstream.looks;
        drop(upstream);
        let mut polled = Polled { stage: self, watcher: Some(watcher) };
        let waker = Waker::from(Arc::clone(&self.siblings));
        match polled.poll_get(&mut Context::from_waker(&waker)) {
            Poll::Pending if dirty.settle(before) => {}
            Poll::Pending => {
                drop(polled);
                seat.came_during(look);
                return Look::Unsettled(before);
            }
            Poll::Ready(Err(error)) if error.is_closed() => {
                // First, since dropping the upstream watcher may panic.
                cell.remove_writer();
                dirty.settle_for_ever();
                polled.watcher = None;
            }
            Poll::Ready(version) => {
                cell.unregister(&mut seat.cursor); // this task is awake
                // Before upstream is put back, for versions to be published in upstream's order.
                cell.publish(version);
                self.published.store(look, Ordering::Release);
            }
        }
        Look::Done(before)
    }
}

/// The upstream watcher while it is polled. Dropping this puts it back, also if the poll panics, and wakes the
/// siblings that came in the meantime.
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
}

impl<W, T> Drop for Polled<'_, W, T> {
    fn drop(&mut self) {
        let mut upstream = self.stage.upstream.lock();
        upstream.place = self.watcher.take().map_or(Place::Ended, Place::Idle);
        let woken = upstream.waiting.next_epoch();
        drop(upstream);
        let _ = woken.wake();
        if thread::panicking() {
            self.stage.siblings.cell.wake_all();
        }
    }
}

impl<W, T> Drop for SharedWatcher<W, T> {
    fn drop(&mut self) {
        self.stage.siblings.cell.unregister(&mut self.seat.cursor);
        if self.seat.waiting.has_slot() {
            let old = self.stage.upstream.lock().waiting.unregister(&mut self.seat.waiting);
            drop(old);
        }
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
        f.debug_struct("SharedWatcher").field("seat", &self.seat).finish_non_exhaustive()
    }
}
