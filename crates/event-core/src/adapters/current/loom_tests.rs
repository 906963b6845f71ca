//! `Current` under the interleavings that loom tries. The pointer to the newest version is swapped by a crate
//! that loom does not see into: for loom each load and swap of it is one step.

use loom::thread;

use crate::{MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt};

#[test]
fn loom_a_read_is_not_older_than_a_set_of_this_task_with_two_writers() {
    super::super::shared::loom_tests::model(3, || {
        let value = MemoryValue::new(0);
        let current = value.current();
        assert_eq!(current.get().map(|it| *it), Some(0));
        let other = value.clone();
        let writer = thread::spawn(move || other.set(1));
        let seen = value.watch().try_get().unwrap().unwrap();
        assert!(*current.get().unwrap() >= seen);
        value.set(2);
        // The other writer's version may be the later one.
        assert!(*current.get().unwrap() >= 1);
        writer.join().unwrap();
        let last = value.watch().try_get().unwrap().unwrap();
        assert_eq!(*current.get().unwrap(), last);
    });
}

#[test]
fn loom_of_two_who_read_neither_gets_an_older_one_than_its_own_set() {
    super::super::shared::loom_tests::model(3, || {
        let value = MemoryValue::new(0);
        let current = value.current();
        let (other, its_current) = (value.clone(), current.clone());
        let writer = thread::spawn(move || {
            other.set(1);
            assert!(*its_current.get().unwrap() >= 1);
        });
        value.set(2);
        assert!(*current.get().unwrap() >= 1);
        writer.join().unwrap();
    });
}

#[test]
fn loom_who_waits_is_woken_by_a_change_that_another_thread_fetched() {
    super::super::shared::loom_tests::model(3, || {
        let value = MemoryValue::new(0);
        let current = value.current();
        assert_eq!(current.revision(), 1);
        let reads = current.clone();
        let writer = thread::spawn(move || {
            value.set(1);
            assert_eq!(reads.get().map(|it| *it), Some(1));
            value
        });
        let changed = loom::future::block_on(current.changed_since(1));
        assert_eq!(changed.map(|it| *it).unwrap(), 1);
        drop(writer.join().unwrap());
    });
}
