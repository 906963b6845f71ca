//! `or_else`: another value until the first one has data.

use event_core::{Error, ErrorKind, MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt};

#[test]
fn the_other_one_is_followed_until_the_first_has_data_and_never_again() {
    let (first, other) = (MemoryValue::empty(), MemoryValue::new(1));
    let reader = first.reader().or_else(other.reader());
    let mut watcher = reader.watch();
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    other.set(2);
    assert_eq!(watcher.try_get().unwrap().unwrap(), 2);
    first.set(10);
    other.set(3);
    assert_eq!(watcher.try_get().unwrap().unwrap(), 10);
    other.set(4);
    assert!(watcher.try_get().is_none());
    first.fail(Error::new(ErrorKind::Decode, "expected a number"));
    assert_eq!(watcher.try_get().unwrap().unwrap_err().kind(), ErrorKind::Decode);
    other.set(5);
    assert!(watcher.try_get().is_none());
    drop(first);
    assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
}

#[test]
fn if_the_first_one_has_data_the_other_is_never_seen() {
    let (first, other) = (MemoryValue::new(10), MemoryValue::new(1));
    let mut watcher = first.reader().or_else(other.reader()).watch();
    assert_eq!(watcher.try_get().unwrap().unwrap(), 10);
    assert!(watcher.try_get().is_none());
}

#[test]
fn a_bad_version_of_the_first_one_is_an_error_and_no_data() {
    let (first, other) = (MemoryValue::empty(), MemoryValue::new(1));
    first.fail(Error::new(ErrorKind::Decode, "expected a number"));
    let mut watcher = first.reader().or_else(other.reader()).watch();
    assert_eq!(watcher.try_get().unwrap().unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    first.set(10);
    assert_eq!(watcher.try_get().unwrap().unwrap(), 10);
}

#[test]
fn it_ends_when_both_have_ended() {
    let (first, other) = (MemoryValue::empty(), MemoryValue::new(1));
    let mut watcher = first.reader().or_else(other.reader()).watch();
    drop(other);
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    assert!(watcher.try_get().is_none(), "the first one may still have data");
    first.set(10);
    assert_eq!(watcher.try_get().unwrap().unwrap(), 10);

    let (first, other) = (MemoryValue::empty(), MemoryValue::new(1));
    let mut watcher = first.reader().or_else(other.reader()).watch();
    drop(first);
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    other.set(2);
    assert_eq!(watcher.try_get().unwrap().unwrap(), 2);
    drop(other);
    assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
}
