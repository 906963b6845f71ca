//! `on_error` and `last_good`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use event_core::{Error, ErrorKind, MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt};

fn bad() -> Error {
    Error::new(ErrorKind::Decode, "expected a number")
}

#[test]
fn a_bad_version_is_reported_once_however_many_watch() {
    let (value, count) = (MemoryValue::new(1), Arc::new(AtomicUsize::new(0)));
    let counts = Arc::clone(&count);
    let reader = value.reader().on_error(move |_| {
        counts.fetch_add(1, Ordering::SeqCst);
    });
    let mut watchers: Vec<_> = (0..3).map(|_| reader.watch()).collect();
    for bads in 1..=2 {
        value.fail(bad());
        for watcher in &mut watchers {
            assert_eq!(watcher.try_get().unwrap().unwrap_err().kind(), ErrorKind::Decode);
        }
        assert_eq!(count.load(Ordering::SeqCst), bads);
    }
    value.set(2);
    drop(value);
    for watcher in &mut watchers {
        assert_eq!(watcher.try_get().unwrap().unwrap(), 2);
        assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
    }
    assert_eq!(count.load(Ordering::SeqCst), 2, "the end is not reported");
}

#[test]
fn the_last_good_one_is_kept_for_new_watchers() {
    let value = MemoryValue::new(1);
    let reader = value.reader().last_good();
    let mut watcher = reader.watch();
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    value.fail(bad());
    assert!(watcher.try_get().is_none());
    assert_eq!(reader.watch().try_get().unwrap().unwrap(), 1);
    value.set(2);
    assert_eq!(watcher.try_get().unwrap().unwrap(), 2);
    value.fail(bad());
    drop(value);
    assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
}

#[test]
fn a_value_that_is_only_bad_has_no_last_good_one() {
    let value = MemoryValue::<u32>::empty();
    value.fail(bad());
    assert!(value.reader().last_good().watch().try_get().is_none());
}

#[test]
fn an_error_whose_report_panicked_is_yielded_all_the_same() {
    let value = MemoryValue::new(1);
    let reported = value.reader().on_error(|_| panic!("as intended"));
    let (mut one, mut other) = (reported.watch(), reported.watch());
    assert_eq!(one.try_get().unwrap().unwrap(), 1);
    value.fail(Error::new(ErrorKind::Decode, "bad"));
    catch_unwind(AssertUnwindSafe(|| one.try_get())).unwrap_err();
    for watcher in [&mut one, &mut other] {
        assert_eq!(watcher.try_get().unwrap().unwrap_err().kind(), ErrorKind::Decode);
    }
    value.set(2);
    assert_eq!(one.try_get().unwrap().unwrap(), 2);
}
