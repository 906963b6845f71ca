//! The interleavings of what threads may do to a cell at once, as many as loom tries.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::Wake;

use futures_util::task::{ArcWake, waker};

use loom::future::block_on;
use loom::thread;

use super::*;

/// A watcher, with the cursor's place freed as [`MemoryWatcher`](crate::MemoryWatcher) does.
struct Watching(Arc<Cell<u32>>, Cursor);

impl Watching {
    fn of(cell: &Arc<Cell<u32>>) -> Self {
        Self(Arc::clone(cell), Cursor::START)
    }

    fn get(&mut self) -> Result<u32, Error> {
        block_on(poll_fn(|cx| self.0.poll(&mut self.1, cx)))
    }

    fn poll_and_leave(&mut self) {
        let _ = self.0.poll(&mut self.1, &mut Context::from_waker(Waker::noop()));
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.forget(&mut self.1);
    }
}

#[test]
fn loom_a_watcher_that_waits_takes_the_last_version_and_the_end() {
    loom::model(|| {
        let cell = Arc::new(Cell::new(Some(Ok(1))));
        let mut watcher = Watching::of(&cell);
        let writer = thread::spawn(move || {
            cell.publish(Ok(2));
            cell.remove_writer();
        });
        let first = watcher.get().unwrap();
        assert!(first == 2 || watcher.get().unwrap() == 2);
        assert!(watcher.get().unwrap_err().is_closed());
        writer.join().unwrap();
    });
}

#[test]
fn loom_of_two_writers_the_last_ends_the_value() {
    loom::model(|| {
        let cell = Arc::new(Cell::new(None));
        cell.add_writer();
        let mut watcher = Watching::of(&cell);
        let other = thread::spawn({
            let cell = Arc::clone(&cell);
            move || {
                cell.publish(Ok(1));
                cell.remove_writer();
            }
        });
        cell.remove_writer();
        assert_eq!(watcher.get().unwrap(), 1);
        assert!(watcher.get().unwrap_err().is_closed());
        other.join().unwrap();
    });
}

#[test]
fn loom_a_watcher_that_leaves_takes_no_other_watchers_waker_along() {
    loom::model(|| {
        let cell = Arc::new(Cell::new(None));
        let mut stays = Watching::of(&cell);
        let mut leaves = Watching::of(&cell);
        let writer = thread::spawn({
            let cell = Arc::clone(&cell);
            move || cell.publish(Ok(1))
        });
        let leaver = thread::spawn(move || {
            leaves.poll_and_leave();
            drop(leaves);
        });
        assert_eq!(stays.get().unwrap(), 1);
        writer.join().unwrap();
        leaver.join().unwrap();
    });
}

#[test]
fn loom_a_get_that_was_dropped_loses_nothing() {
    loom::model(|| {
        let cell = Arc::new(Cell::new(None));
        let mut watcher = Watching::of(&cell);
        let writer = thread::spawn(move || cell.publish(Ok(1)));
        let mut first = None;
        let mut cx = Context::from_waker(Waker::noop());
        if let Poll::Ready(version) = watcher.0.poll(&mut watcher.1, &mut cx) {
            first = Some(version.unwrap());
        }
        assert_eq!(first.unwrap_or_else(|| watcher.get().unwrap()), 1);
        writer.join().unwrap();
    });
}

#[test]
fn loom_a_nudge_wakes_those_who_wait() {
    loom::model(|| {
        let cell = Arc::new(Cell::<u32>::new(None));
        let upstream = Arc::new(loom::sync::atomic::AtomicBool::new(false));
        let mut watcher = Watching::of(&cell);
        let above = thread::spawn({
            let upstream = Arc::clone(&upstream);
            move || {
                upstream.store(true, loom::sync::atomic::Ordering::SeqCst);
                cell.nudge();
            }
        });
        block_on(poll_fn(|cx| {
            assert!(watcher.0.poll(&mut watcher.1, cx).is_pending());
            if upstream.load(loom::sync::atomic::Ordering::SeqCst) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }));
        above.join().unwrap();
    });
}

/// A task with two kinds of wakers, which point to the same data. Counts the wake-ups by the second.
#[derive(Default)]
struct TwoKinds(AtomicUsize);

impl Wake for TwoKinds {
    fn wake(self: Arc<Self>) {}
}

impl ArcWake for TwoKinds {
    fn wake_by_ref(task: &Arc<Self>) {
        task.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
}

#[test]
fn loom_a_waker_is_not_taken_for_another_kind_of_the_same_task() {
    loom::model(|| {
        let cell = Arc::new(Cell::new(None));
        let mut other = Watching::of(&cell);
        let task = Arc::new(TwoKinds::default());
        let (first, second) = (Waker::from(Arc::clone(&task)), waker(Arc::clone(&task)));
        let mut watcher = Watching::of(&cell);
        let poll = |watching: &mut Watching, waker: &Waker| {
            watching.0.poll(&mut watching.1, &mut Context::from_waker(waker))
        };
        assert!(poll(&mut watcher, &first).is_pending());
        let polls = thread::spawn({
            let second = second.clone();
            move || {
                let newest = poll(&mut watcher, &second);
                (watcher, newest)
            }
        });
        cell.nudge();
        assert!(poll(&mut other, &second).is_pending());
        let (_watcher, newest) = polls.join().unwrap();
        assert!(newest.is_pending());
        drop(other);
        cell.nudge();
        assert!(task.0.load(std::sync::atomic::Ordering::SeqCst) >= 1);
    });
}
