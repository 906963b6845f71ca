//! What the watchers of a shared map share.

use std::hash::Hash;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

#[cfg(all(test, event_loom))]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(all(test, event_loom)))]
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::backlog::Backlog;
use super::super::work::Work;
use crate::cell::{Dirty, Lock, MapCell, MapCursor, Moment, Place as WakerPlace, Step, Wakers};
use crate::{Error, MapWatcher};

/// For how many changes one poll runs the function of the program.
const SHARE: usize = 128;

pub(super) struct Stage<W, K, V, U> {
    upstream: Lock<Upstream<W, K, V, U>>,
    siblings: Arc<Siblings<K, U>>,
    /// The last look at upstream that has published all that there was.
    published: AtomicU64,
    work: Work<K, V, U>,
}

struct Upstream<W, K, V, U> {
    place: Place<W, K, V, U>,
    /// How many looks at upstream have begun.
    looks: u64,
    /// The siblings that came while another one polled upstream.
    waiting: Wakers,
}

/// Where the upstream watcher is.
enum Place<W, K, V, U> {
    Idle(Box<Source<W, K, V, U>>),
    /// A sibling polls it.
    Polled,
    /// The map ended, and the upstream watcher is dropped.
    Ended,
}

/// The upstream watcher, and what was taken from it and is not published yet.
struct Source<W, K, V, U> {
    watcher: W,
    backlog: Backlog<K, V>,
    /// The key for which the function of the program runs. It is still here if the function panicked.
    running: Option<K>,
    /// What becomes of the step that is being taken.
    step: Step<K, U>,
    is_synced: bool,
}

struct Siblings<K, U> {
    cell: MapCell<K, U>,
    /// Whether upstream may have something newer.
    dirty: Dirty,
}

/// Upstream's waker, for all siblings.
impl<K: Send, U: Send> Wake for Siblings<K, U> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.dirty.raise();
        self.cell.wake_all();
    }
}

/// One watcher among its siblings.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) cursor: MapCursor,
    /// Where its waker lies while a sibling polls upstream.
    waiting: WakerPlace,
    /// The look that was under way when this watcher came first, if one was; else 0. What that look or an
    /// earlier one publishes may be older than what this task has seen elsewhere.
    since: u64,
}

impl Seat {
    pub(super) fn new(cursor: MapCursor) -> Self {
        Self { cursor, waiting: WakerPlace::default(), since: 0 }
    }

    fn came_during(&mut self, look: u64) {
        if self.since == 0 {
            self.since = look;
        }
    }

    /// Whether what this look published may be older than what the task has seen elsewhere.
    pub(super) fn is_too_old(&self, look: u64) -> bool {
        self.cursor.is_fresh() && look <= self.since
    }
}

/// What became of a look at upstream.
pub(super) enum Look {
    /// The siblings have what upstream has had at that moment.
    Done(Moment),
    /// Upstream may have something newer: the poll stopped early, or waits for others.
    Unsettled(Moment),
    /// A sibling polls upstream. It wakes this task.
    Contended,
}

/// How far a poll has come.
enum Progress {
    /// Everything is published.
    All,
    /// It did its share.
    More,
    End(Error),
}

impl<W, K, V, U> Stage<W, K, V, U> {
    pub(super) fn cell(&self) -> &MapCell<K, U> {
        &self.siblings.cell
    }

    pub(super) fn dirty(&self) -> &Dirty {
        &self.siblings.dirty
    }

    pub(super) fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// Ends a watcher.
    pub(super) fn leave(&self, seat: &mut Seat) {
        self.cell().unregister(&mut seat.cursor);
        if seat.waiting.has_slot() {
            let old = self.upstream.lock().waiting.unregister(&mut seat.waiting);
            drop(old);
        }
    }
}

impl<W, K, V, U> Stage<W, K, V, U>
where
    W: MapWatcher<K, V>,
    K: Hash + Eq + Send + 'static,
    U: Send + 'static,
{
    pub(super) fn new(watcher: W, work: Work<K, V, U>) -> Arc<Self> {
        let (dirty, cell) = (Dirty::new(watcher.epoch()), MapCell::new(false));
        let (backlog, step) = (Backlog::new(), cell.step());
        let source = Source { watcher, backlog, running: None, step, is_synced: false };
        let place = Place::Idle(Box::new(source));
        Arc::new(Self {
            upstream: Lock::new(Upstream { place, looks: 0, waiting: Wakers::default() }),
            siblings: Arc::new(Siblings { cell, dirty }),
            published: AtomicU64::new(0),
            work,
        })
    }

    /// Publishes what upstream has, for all siblings.
    pub(super) fn look_upstream(&self, seat: &mut Seat, cx: &mut Context<'_>) -> Look {
        let Siblings { cell, dirty } = &*self.siblings;
        let before = dirty.moment();
        let mut upstream = self.upstream.lock();
        let source = match mem::replace(&mut upstream.place, Place::Polled) {
            Place::Idle(source) => source,
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
        cell.unregister_waker(&mut seat.cursor); // this task is awake
        let mut polled = Polled { stage: self, source: Some(source) };
        let waker = Waker::from(Arc::clone(&self.siblings));
        // What is published is so before upstream is put back, in upstream's order.
        match polled.advance(&mut Context::from_waker(&waker)) {
            Progress::All if dirty.settle(before) => {}
            Progress::All => {
                drop(polled);
                seat.came_during(look);
                return Look::Unsettled(before);
            }
            Progress::More => {
                drop(polled);
                seat.came_during(look);
                // This task, and the others: this watcher may be dropped before it polls again.
                waker.wake();
                return Look::Unsettled(before);
            }
            Progress::End(why) => {
                // First, since dropping the upstream watcher may panic.
                cell.remove_writer(Some(why));
                dirty.settle_for_ever();
                polled.source = None;
            }
        }
        self.published.store(look, Ordering::Release);
        Look::Done(before)
    }
}

impl<W, K, V, U> Source<W, K, V, U>
where
    W: MapWatcher<K, V>,
    K: Hash + Eq,
{
    /// Takes changes, runs the function for each, and publishes each whole step.
    fn advance(
        &mut self,
        cx: &mut Context<'_>,
        work: &Work<K, V, U>,
        cell: &MapCell<K, U>,
    ) -> Progress {
        if let Some(key) = self.running.take() {
            self.step.change(key, Some(Err(work.panicked())));
        }
        // What a panic has left.
        self.work_off(work, cell);
        let mut left = SHARE;
        while left > 0 {
            let polled = self.backlog.poll(&mut self.watcher, cx, left);
            left = left.saturating_sub(self.work_off(work, cell));
            match polled {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(why)) => {
                    self.publish(cell);
                    return Progress::End(why);
                }
                Poll::Pending => {
                    self.publish(cell);
                    return Progress::All;
                }
            }
        }
        if !self.is_synced {
            self.publish(cell); // there are no steps yet
        }
        Progress::More
    }

    /// Runs the function for what was taken. Returns how many changes that were.
    fn work_off(&mut self, work: &Work<K, V, U>, cell: &MapCell<K, U>) -> usize {
        let mut changes = 0;
        while let Some(change) = self.backlog.pop() {
            changes += 1;
            if change.is_synced() {
                self.is_synced = true;
                let step = mem::replace(&mut self.step, cell.step());
                cell.apply_and_sync(step, true);
            } else if let Some((key, version)) = work.run(change, &mut self.running) {
                self.step.change(key, version);
            }
        }
        changes
    }

    fn publish(&mut self, cell: &MapCell<K, U>) {
        if !self.step.is_empty() {
            cell.apply(mem::replace(&mut self.step, cell.step()));
        }
    }
}

/// The upstream watcher while it is polled. Dropping this puts it back, also if the poll panics, and wakes the
/// siblings that came in the meantime.
struct Polled<'a, W, K, V, U> {
    stage: &'a Stage<W, K, V, U>,
    /// `None`: the map ended.
    source: Option<Box<Source<W, K, V, U>>>,
}

impl<W, K, V, U> Polled<'_, W, K, V, U>
where
    W: MapWatcher<K, V>,
    K: Hash + Eq,
{
    fn advance(&mut self, cx: &mut Context<'_>) -> Progress {
        match &mut self.source {
            Some(source) => source.advance(cx, &self.stage.work, self.stage.cell()),
            None => Progress::End(Error::closed()),
        }
    }
}

impl<W, K, V, U> Drop for Polled<'_, W, K, V, U> {
    fn drop(&mut self) {
        let mut upstream = self.stage.upstream.lock();
        upstream.place = self.source.take().map_or(Place::Ended, Place::Idle);
        let woken = upstream.waiting.next_epoch();
        drop(upstream);
        let _ = woken.wake();
        if thread::panicking() {
            self.stage.cell().wake_all();
        }
    }
}
