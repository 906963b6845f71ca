//! The newest value at hand.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use event_core::{
    Entry, Error, ErrorKind, Latest, MemoryValue, ReaderExt, ValueReader, ValueWriter, Watcher,
    WatcherExt,
};
use futures_executor::block_on;
use futures_util::future::join;

#[test]
fn the_newest_value_is_read_however_it_came() {
    let value = MemoryValue::empty();
    let mut latest = value.watch().latest();
    assert_eq!(latest.get(), None);
    for version in 0..5 {
        value.set(version);
        for _ in 0..3 {
            assert_eq!(latest.get(), Some(&version));
        }
    }
    value.set(5);
    value.set(6);
    assert_eq!(latest.get(), Some(&6));
}

#[test]
fn an_error_is_told_beside_the_last_good_value() {
    let entry = MemoryValue::new(Entry::present("limit", 1, "10"));
    let mut latest = entry.reader().decode(text).watch().latest();
    assert_eq!(latest.get().map(String::as_str), Some("10"));
    assert!(latest.error().is_none());
    entry.set(Entry::present("limit", 2, vec![0xff]));
    assert_eq!(latest.get().map(String::as_str), Some("10"));
    assert_eq!(latest.error().unwrap().kind(), ErrorKind::Decode);
    entry.set(Entry::present("limit", 3, "20"));
    assert_eq!(latest.get().map(String::as_str), Some("20"));
    assert!(latest.error().is_none());
    drop(entry);
    assert_eq!(latest.get().map(String::as_str), Some("20"));
    assert!(latest.error().unwrap().is_closed());
}

#[test]
fn the_first_value_can_be_waited_for() {
    let entry = MemoryValue::empty();
    let mut latest = entry.reader().decode(text).watch().latest();
    {
        let mut dropped = pin!(latest.wait());
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(dropped.as_mut().poll(cx).is_pending());
        assert!(dropped.poll(cx).is_pending());
    }
    assert_eq!(latest.get(), None);
    {
        let mut dropped = pin!(latest.wait());
        assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    entry.set(Entry::present("limit", 1, vec![0xff]));
    assert_eq!(latest.get(), None, "the flag of the wait that was dropped is raised");
    assert_eq!(latest.error().unwrap().kind(), ErrorKind::Decode);

    let (told, first) =
        block_on(join(async { entry.set(Entry::present("limit", 2, "10")) }, async {
            latest.wait().await.cloned()
        }));
    assert_eq!(((), "10"), (told, &*first.unwrap()));
    assert_eq!(block_on(latest.wait()).unwrap(), "10", "it is there");
    entry.set(Entry::present("limit", 3, "20"));
    assert_eq!(latest.get().map(String::as_str), Some("20"));
}

#[test]
fn a_mapping_that_panics_once_does_not_stop_it() {
    let refuse = |version| if version == 2 { panic!("2") } else { version };
    let value = MemoryValue::new(1);
    goes_on(&value, value.watch().map(refuse).latest());
    value.set(1);
    goes_on(&value, value.reader().map(refuse).watch().latest());
}

fn goes_on(value: &MemoryValue<i32>, mut latest: Latest<impl Watcher<i32>, i32>) {
    for _ in 0..2 {
        assert_eq!(latest.get(), Some(&1));
    }
    value.set(2);
    assert!(catch_unwind(AssertUnwindSafe(|| latest.get().copied())).is_err());
    value.set(3);
    assert_eq!(latest.get(), Some(&3));
}

#[test]
fn a_wait_tells_what_came_instead() {
    let entry = MemoryValue::new(Entry::present("limit", 1, vec![0xff]));
    let mut latest = entry.reader().decode(text).watch().latest();
    assert_eq!(block_on(latest.wait()).unwrap_err().kind(), ErrorKind::Decode);
    drop(entry);
    assert!(block_on(latest.wait()).unwrap_err().is_closed());
    assert!(block_on(latest.wait()).unwrap_err().is_closed());
}

fn text(bytes: &[u8]) -> Result<String, std::string::FromUtf8Error> {
    String::from_utf8(bytes.to_vec())
}

/// Counts how often it is polled.
struct Counted<W>(W, usize);

impl<T, W: Watcher<T>> Watcher<T> for Counted<W> {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        self.1 += 1;
        self.0.poll_get(cx)
    }
}

#[test]
fn the_value_is_polled_only_where_it_may_have_changed() {
    let value = MemoryValue::new(1);
    let mut counted = Counted(value.watch(), 0);
    let mut latest = (&mut counted).latest();
    let read = measure(|| (0..1000).for_each(|_| assert_eq!(latest.get(), Some(&1))));
    value.set(2);
    (0..1000).for_each(|_| assert_eq!(latest.get(), Some(&2)));
    drop(value);
    (0..1000).for_each(|_| assert_eq!(latest.get(), Some(&2)));
    drop(latest);
    assert_eq!(counted.1, 5, "the value, nothing new; the value, nothing new; the end");
    assert!(read.count_total <= 1, "the slot of the waker alone: {read:?}");
}

#[test]
fn a_set_that_returned_is_read_on_another_thread() {
    let value = MemoryValue::new(0_u64);
    let mut latest = value.watch().latest();
    let (said, heard) = std::sync::mpsc::sync_channel(0);
    let reader = std::thread::spawn(move || {
        for version in heard {
            assert!(*latest.get().unwrap() >= version);
        }
    });
    for version in 1..=10_000 {
        value.set(version);
        said.send(version).unwrap();
    }
    drop(said);
    reader.join().unwrap();
}
