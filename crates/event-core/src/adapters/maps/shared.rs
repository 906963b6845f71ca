//! One upstream watcher for any number of watchers of a map.
//!
//! This is for maps what [`Shared`](crate::adapters::Shared) is for values, and works like it: one of the watchers takes
//! the upstream watcher out of its place, takes changes from it, runs the function of the program for each of them
//! without a lock, and publishes the results in a map that all siblings read. A whole step of upstream is published as
//! one step.
//!
//! Why is a `filter` shared, where that of a value is not? What passes depends on the map alone, and not on what
//! another watcher has taken. And a watcher that filters for itself would have to remember what it has yielded, or yield
//! a delete for each version that does not pass.

#[cfg(all(test, event_loom))]
mod loom_tests;
mod stage;

use std::cell::RefCell;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll};

use super::work::Work;
use crate::cell::{Lock, MapCell, MapCursor, Unsettled};
use crate::{Change, Epoch, Error, MapReader, MapWatcher, Refresh};
use stage::{Look, Seat, Stage};

/// A reader of a map whose watchers share one watcher of the reader below.
///
/// [`MapReaderExt::shared`](crate::MapReaderExt::shared) makes one, and so do [`map`](crate::MapReaderExt::map),
/// [`decode`](crate::MapReaderExt::decode) and [`filter`](crate::MapReaderExt::filter), whose function therefore runs
/// at most once per version. It is a handle that is cheap to clone. The watchers of all its clones share the same
/// inner watcher. While one of them lives, the mapped entries are in memory in addition to those of the reader below.
pub struct SharedMap<R: MapReader<K, V>, K, V, U = V> {
    inner: Arc<Inner<R, K, V, U>>,
}

struct Inner<R: MapReader<K, V>, K, V, U> {
    reader: R,
    work: Work<K, V, U>,
    /// What the live watchers share. It is freed with the last of them.
    stage: Lock<Weak<StageOf<R, K, V, U>>>,
}

type StageOf<R, K, V, U> = Stage<<R as MapReader<K, V>>::Watcher, K, V, U>;

impl<R: MapReader<K, V>, K, V, U> SharedMap<R, K, V, U> {
    pub(crate) fn new(reader: R, work: Work<K, V, U>) -> Self {
        Self { inner: Arc::new(Inner { reader, work, stage: Lock::new(Weak::new()) }) }
    }
}

impl<R, K, V, U> MapReader<K, U> for SharedMap<R, K, V, U>
where
    R: MapReader<K, V>,
    K: Hash + Eq + Clone + Send + 'static,
    U: Clone + Send + 'static,
{
    type Watcher = SharedMapWatcher<R::Watcher, K, V, U>;

    fn watch(&self) -> Self::Watcher {
        let alive = self.inner.stage.lock().upgrade();
        let stage = alive.unwrap_or_else(|| {
            // The reader's own code runs without the lock: `watch` here, and the `drop` of this watcher if
            // another thread was quicker.
            let new = Stage::new(self.inner.reader.watch(), self.inner.work.clone());
            let mut current = self.inner.stage.lock();
            let quicker = current.upgrade();
            if quicker.is_none() {
                *current = Arc::downgrade(&new);
            }
            drop(current);
            quicker.unwrap_or(new)
        });
        let seat = Seat::new(stage.cell().watch());
        SharedMapWatcher { stage, seat, unsettled: OnceLock::new() }
    }

    fn refresh(&self) -> Refresh {
        self.inner.reader.refresh()
    }
}

/// A watcher of a [`SharedMap`].
#[must_use = "a watcher does nothing unless it is polled"]
pub struct SharedMapWatcher<W, K, V, U> {
    stage: Arc<Stage<W, K, V, U>>,
    seat: Seat,
    /// For those above who spare polls, if there are any.
    unsettled: OnceLock<Arc<Unsettled>>,
}

impl<W, K, V, U> SharedMapWatcher<W, K, V, U>
where
    W: MapWatcher<K, V>,
    K: Hash + Eq + Clone + Send + 'static,
    U: Clone + Send + 'static,
{
    /// Looks upstream if there may be something. Then `poll` takes what is published, and leaves the waker if there is
    /// nothing; `take` only takes.
    fn poll_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&MapCell<K, U>, &mut MapCursor, &mut Context<'_>) -> Poll<Result<T, Error>>,
        take: impl FnOnce(&MapCell<K, U>, &mut MapCursor) -> Option<T>,
    ) -> Poll<Result<T, Error>> {
        let Self { stage, seat, unsettled } = self;
        let (cell, dirty) = (stage.cell(), stage.dirty());
        // A watcher without an epoch announces a change by its waker alone. That is too late for a first change,
        // which must not be older than what the task has seen elsewhere.
        let is_first = seat.cursor.is_fresh() && dirty.epoch().is_none();
        let now = dirty.moment();
        let look = if is_first || dirty.has_moved() {
            stage.look_upstream(seat, cx)
        } else {
            Look::Done(now)
        };
        let is_too_old = seat.is_too_old(stage.published());
        let newest = match look {
            Look::Contended if is_too_old => Poll::Pending,
            Look::Contended => {
                take(cell, &mut seat.cursor).map_or(Poll::Pending, |it| Poll::Ready(Ok(it)))
            }
            Look::Unsettled(_) if is_too_old => {
                cell.register(&mut seat.cursor, cx);
                Poll::Pending
            }
            Look::Unsettled(_) | Look::Done(_) => poll(cell, &mut seat.cursor, cx),
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
}

impl<W, K, V, U> MapWatcher<K, U> for SharedMapWatcher<W, K, V, U>
where
    W: MapWatcher<K, V>,
    K: Hash + Eq + Clone + Send + 'static,
    U: Clone + Send + 'static,
{
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<Result<Change<K, U>, Error>> {
        self.poll_with(cx, MapCell::poll_change, MapCell::take)
    }

    fn poll_changes(
        &mut self,
        cx: &mut Context<'_>,
        limit: usize,
        into: &mut Vec<Change<K, U>>,
    ) -> Poll<Result<(), Error>> {
        let before = into.len();
        let into = RefCell::new(into);
        self.poll_with(
            cx,
            |cell, cursor, cx| cell.poll_changes(cursor, cx, limit, &mut into.borrow_mut()),
            |cell, cursor| {
                let mut into = into.borrow_mut();
                cell.take_changes(cursor, limit, &mut into);
                (into.len() > before).then_some(())
            },
        )
    }

    fn epoch(&self) -> Option<Epoch> {
        // Also the cell's own: a change that a sibling took from upstream is published there later.
        let upstream = self.stage.dirty().epoch()?.clone();
        let own = self.stage.cell().epoch();
        Some(upstream.and(own).with(Arc::clone(self.unsettled.get_or_init(Arc::default))))
    }
}

impl<W, K, V, U> Drop for SharedMapWatcher<W, K, V, U> {
    fn drop(&mut self) {
        self.stage.leave(&mut self.seat);
    }
}

impl<R: MapReader<K, V>, K, V, U> Clone for SharedMap<R, K, V, U> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<R: MapReader<K, V> + fmt::Debug, K, V, U> fmt::Debug for SharedMap<R, K, V, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMap").field("reader", &self.inner.reader).finish_non_exhaustive()
    }
}

impl<W, K, V, U> fmt::Debug for SharedMapWatcher<W, K, V, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMapWatcher").field("seat", &self.seat).finish_non_exhaustive()
    }
}
