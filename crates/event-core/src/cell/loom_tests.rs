//! The interleavings of what threads may do to a cell at once, as many as loom tries.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Waker;

use loom::future::block_on;
use loom::thread;

use super::*;

/// A watcher, which frees its place as [`MemoryWatcher`](crate::MemoryWatcher) does.
struct Watching(Arc<Cell<u32>>, Cursor);

impl Watching {
    fn of(cell: &Arc<Cell<u32>>) -> Self {
        Self(Arc::clone(cell), Cursor::default())
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
        self.0.unregister(&mut self.1);
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
fn loom_a_wake_up_without_a_version_reaches_those_who_wait() {
    loom::model(|| {
        let cell = Arc::new(Cell::<u32>::new(None));
        let upstream = Arc::new(loom::sync::atomic::AtomicBool::new(false));
        let mut watcher = Watching::of(&cell);
        let above = thread::spawn({
            let upstream = Arc::clone(&upstream);
            move || {
                upstream.store(true, loom::sync::atomic::Ordering::SeqCst);
                cell.wake_all();
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

#[test]
fn loom_whoever_sees_a_version_finds_the_epoch_moved() {
    loom::model(|| {
        let cell = Arc::new(Cell::new(Some(Ok(1))));
        let epoch = cell.epoch();
        let before = epoch.now();
        let writer = thread::spawn({
            let cell = Arc::clone(&cell);
            move || cell.publish(Ok(2))
        });
        let mut watcher = Watching::of(&cell);
        if watcher.get().unwrap() == 2 {
            assert_ne!(epoch.now(), before);
        }
        writer.join().unwrap();
        assert_ne!(epoch.now(), before);
    });
}
