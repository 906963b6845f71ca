//! `Shared` under the interleavings that loom tries.

use loom::future::block_on;
use loom::model::Builder;
use loom::thread;

use super::SharedWatcher;
use crate::{MemoryValue, ReaderExt, ValueReader, ValueWriter, Watcher, WatcherExt};

fn last<W: Watcher<u32>>(mut watcher: SharedWatcher<W, u32>) -> u32 {
    let mut last = 0;
    while let Ok(value) = block_on(watcher.get()) {
        last = value;
    }
    last
}

/// With at most `bound` preemptions: all interleavings take hours.
pub(crate) fn model(bound: usize, test: impl Fn() + Send + Sync + 'static) {
    let mut bounded = Builder::new();
    bounded.preemption_bound = Some(bound);
    bounded.check(test);
}

#[test]
fn loom_siblings_all_take_the_last_version_and_the_end() {
    model(1, || {
        let value = MemoryValue::new(1);
        let shared = value.reader().shared();
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
    model(1, || {
        let value = MemoryValue::new(1);
        let shared = value.reader().shared();
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
    model(2, || {
        let value = MemoryValue::new(0);
        let shared = value.reader().shared();
        let mut sibling = shared.watch();
        assert_eq!(block_on(sibling.get()).unwrap(), 0);
        value.set(1);
        let other = thread::spawn(move || {
            let _ = sibling.try_get();
            sibling
        });
        assert_eq!(block_on(shared.watch().get()).unwrap(), 1);
        drop(other.join().unwrap());
    });
}

/// One writer has published and is about to wake; the other one's `set` returned, or this task has taken
/// the version elsewhere.
#[test]
fn loom_a_first_get_is_not_older_than_what_this_task_has_seen_with_two_writers() {
    model(2, || {
        let value = MemoryValue::new(0);
        let shared = value.reader().shared();
        let mut sibling = shared.watch();
        assert_eq!(sibling.try_get().unwrap().unwrap(), 0);
        assert!(sibling.try_get().is_none());
        let other = value.clone();
        let writer = thread::spawn(move || other.set(1));
        let seen = value.watch().try_get().unwrap().unwrap();
        assert!(shared.watch().try_get().unwrap().unwrap() >= seen);
        value.set(2);
        assert!(block_on(shared.watch().get()).unwrap() >= 1);
        writer.join().unwrap();
        assert!(block_on(sibling.get()).is_ok());
    });
}

/// Two stages, one upon the other: the lower one's siblings are woken while the upper one is polled.
#[test]
fn loom_a_shared_reader_of_a_shared_reader_loses_no_wake_up() {
    model(1, || {
        let value = MemoryValue::new(1);
        let lower = value.reader().shared();
        let upper = lower.clone().shared();
        let mut one = lower.watch();
        let two = upper.watch();
        let writer = thread::spawn(move || value.set(2));
        let sibling = thread::spawn(move || last(two));
        let _ = block_on(one.get());
        assert_eq!(sibling.join().unwrap(), 2);
        writer.join().unwrap();
    });
}

/// A sibling below polls upstream while the stage above is asked.
#[test]
fn loom_a_first_get_over_two_shared_readers_is_not_older_than_a_set_that_returned() {
    model(2, || {
        let value = MemoryValue::new(0);
        let lower = value.reader().shared();
        let upper = lower.clone().shared();
        let (mut below, mut above) = (lower.watch(), upper.watch());
        assert_eq!(above.try_get().unwrap().unwrap(), 0);
        assert!(above.try_get().is_none());
        value.set(1);
        let other = thread::spawn(move || {
            let _ = below.try_get();
            below
        });
        assert_eq!(block_on(upper.watch().get()).unwrap(), 1);
        drop(other.join().unwrap());
    });
}
