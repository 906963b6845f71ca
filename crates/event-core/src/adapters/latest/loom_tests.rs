//! `Latest` under the interleavings that loom tries.

use loom::thread;

use crate::{MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt};

#[test]
fn loom_a_set_that_returned_is_read() {
    loom::model(|| {
        let value = MemoryValue::new(1);
        let mut latest = value.watch().latest();
        let writer = thread::spawn(move || {
            value.set(2);
            value
        });
        assert!(latest.get().is_some());
        latest.get();
        let value = writer.join().unwrap();
        assert_eq!(latest.get(), Some(&2));
        value.set(3);
        assert_eq!(latest.get(), Some(&3));
    });
}

/// While one writer is about to wake, another one has set, or this task has taken the version elsewhere.
#[test]
fn loom_a_read_is_not_older_than_what_this_task_has_seen() {
    super::super::shared::loom_tests::model(3, || {
        let value = MemoryValue::new(0);
        let mut latest = value.watch().latest();
        let mut mapped = value.reader().map(|v| v).watch().latest();
        assert_eq!((latest.get(), mapped.get()), (Some(&0), Some(&0)));
        latest.get();
        mapped.get();
        let other = value.clone();
        let writer = thread::spawn(move || other.set(1));
        let seen = value.watch().try_get().unwrap().unwrap();
        assert!(*latest.get().unwrap() >= seen);
        assert!(*mapped.get().unwrap() >= seen);
        value.set(2);
        assert!(*latest.get().unwrap() >= 1);
        writer.join().unwrap();
    });
}
