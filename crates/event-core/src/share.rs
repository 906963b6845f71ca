//! One upstream watcher for any number of watchers.
//!
//! Why? A mapping or a decoder should run once per version, however many watch. So one of them does
//! the work for all: whoever polls first takes the version from upstream and publishes it in a cell,
//! where the others find it. No task is needed, and nothing runs while nobody watches.

use std::fmt;
use std::sync::{Arc, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use crate::cell::{Cell, Cursor};
use crate::news::News;
use crate::{Error, ValueReader, Watcher};

#[cfg(event_loom)]
use loom::sync::Mutex;
#[cfg(not(event_loom))]
use std::sync::Mutex;

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
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    cell: Cell<T>,
    /// Whether upstream may have something to give.
    news: News,
}

/// Upstream's waker, for all who watch.
impl<T: Send> Wake for Shared<T> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.news.raise();
        self.cell.nudge();
    }
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
        let mut alive = self.inner.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let stage = alive.upgrade().unwrap_or_else(|| {
            let upstream = Mutex::new(self.inner.reader.watch());
            let shared = Shared { cell: Cell::new(None), news: News::raised() };
            let stage = Arc::new(Stage { upstream, shared: Arc::new(shared) });
            *alive = Arc::downgrade(&stage);
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
        if self.stage.shared.news.is_raised() {
            self.look_upstream();
        }
        let Shared { cell, news } = &*self.stage.shared;
        let newest = cell.poll(&mut self.cursor, cx);
        if newest.is_pending() && news.is_raised() {
            // Raised in between, and perhaps before this task's waker lay in the cell.
            cx.waker().wake_by_ref();
        }
        newest
    }
}

impl<W, T> ShareWatcher<W, T>
where
    W: Watcher<T>,
    T: Clone + Send + 'static,
{
    /// Takes what upstream has, for all who watch.
    fn look_upstream(&mut self) {
        let Stage { upstream, shared } = &*self.stage;
        let Shared { cell, news } = &**shared;
        let mut upstream = upstream.lock().unwrap_or_else(PoisonError::into_inner);
        let waker = Waker::from(Arc::clone(shared));
        news.begin();
        let woken = match upstream.poll_get(&mut Context::from_waker(&waker)) {
            Poll::Pending => return news.lower(),
            Poll::Ready(Err(error)) if error.is_closed() => {
                news.lower();
                cell.end()
            }
            Poll::Ready(version) => {
                cell.forget(&mut self.cursor); // this task is awake
                // Stored under the lock, for versions to stand in upstream's order.
                cell.store(version)
            }
        };
        drop(upstream);
        cell.wake(woken);
    }
}

impl<W, T> Drop for ShareWatcher<W, T> {
    fn drop(&mut self) {
        self.stage.shared.cell.forget(&mut self.cursor);
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

#[cfg(all(test, event_loom))]
mod loom_tests {
    use loom::future::block_on;
    use loom::model::Builder;
    use loom::thread;

    use crate::{
        MemoryValue, ReaderExt, ShareWatcher, ValueReader, ValueWriter, Watcher, WatcherExt,
    };

    fn last<W: Watcher<u32>>(mut watcher: ShareWatcher<W, u32>) -> u32 {
        let mut last = 0;
        while let Ok(value) = block_on(watcher.get()) {
            last = value;
        }
        last
    }

    /// Bounded, since all interleavings take hours.
    fn model(test: impl Fn() + Send + Sync + 'static) {
        let mut bounded = Builder::new();
        bounded.preemption_bound = Some(2);
        bounded.check(test);
    }

    #[test]
    fn loom_siblings_all_take_the_last_version_and_the_end() {
        model(|| {
            let value = MemoryValue::new(1);
            let shared = value.reader().share();
            let (one, two) = (shared.watch(), shared.watch());
            let writer = thread::spawn(move || value.set(2));
            let sibling = thread::spawn(move || last(two));
            assert_eq!(last(one), 2);
            assert_eq!(sibling.join().unwrap(), 2);
            writer.join().unwrap();
        });
    }

    #[test]
    fn loom_a_sibling_that_no_longer_polls_holds_nobody_up() {
        model(|| {
            let value = MemoryValue::new(1);
            let shared = value.reader().share();
            let (mut one, two) = (shared.watch(), shared.watch());
            let writer = thread::spawn(move || value.set(2));
            let idle = thread::spawn(move || {
                let _ = block_on(one.get());
                one
            });
            assert_eq!(last(two), 2);
            drop(idle.join().unwrap());
            writer.join().unwrap();
        });
    }

    #[test]
    fn loom_a_first_get_is_not_older_than_a_set_that_returned() {
        model(|| {
            let value = MemoryValue::new(0);
            let shared = value.reader().share();
            let mut sibling = shared.watch();
            assert_eq!(block_on(sibling.get()).unwrap(), 0);
            value.set(1);
            let other = thread::spawn(move || {
                let _ = sibling.try_get();
                sibling
            });
            let first = shared.watch().try_get().map(Result::unwrap);
            assert_eq!(first, Some(1));
            other.join().unwrap();
        });
    }
}
