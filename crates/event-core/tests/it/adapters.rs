//! What each adapter promises beyond the laws.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll};
use std::thread;

use event_core::{
    Bytes, Decoder, Entry, Error, ErrorKind, MemoryReader, MemoryValue, MemoryWatcher, ReaderExt,
    ValueReader, ValueWriter, Watcher, WatcherExt,
};
use futures_executor::block_on;
use futures_util::StreamExt;

use crate::woken::Woken;

#[test]
fn a_get_is_pending_while_a_sibling_runs_the_mapper_and_does_not_block_the_thread() {
    let value = MemoryValue::new(0);
    let (started, finish) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (mapper_started, mapper_finish) = (Arc::clone(&started), Arc::clone(&finish));
    let mapped = value.reader().map(move |version| {
        if version == 1 {
            mapper_started.wait();
            mapper_finish.wait();
        }
        version
    });
    let mut sibling = mapped.watch();
    assert_eq!(sibling.try_get().unwrap().unwrap(), 0);
    assert!(sibling.try_get().is_none());
    value.set(1);
    let sibling = thread::spawn(move || sibling.try_get().map(Result::unwrap));
    started.wait();
    let mut late = mapped.watch();
    let woken = Arc::new(Woken::default());
    let waker = woken.waker();
    assert!(
        late.poll_get(&mut Context::from_waker(&waker)).is_pending(),
        "expected neither the old version nor a blocked thread"
    );
    assert_eq!(woken.take(), 0, "a pending poll woke its own task");
    finish.wait();
    assert_eq!(sibling.join().unwrap(), Some(1));
    assert_eq!(woken.take(), 1);
    assert_eq!(block_on(late.get()).unwrap(), 1);
}

#[test]
fn a_mapper_runs_once_per_version_for_any_number_of_watchers() {
    let value = MemoryValue::new(1);
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let mapped = value.reader().map(move |v| {
        counted.fetch_add(1, Ordering::SeqCst);
        v * 10
    });
    let clone = mapped.clone();
    let mut watchers: Vec<_> =
        (0..50).map(|i| if i % 2 == 0 { mapped.watch() } else { clone.watch() }).collect();
    for version in 1..=3 {
        value.set(version);
        for watcher in &mut watchers {
            assert_eq!(block_on(watcher.get()).unwrap(), version * 10);
        }
    }
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}

#[test]
fn siblings_that_are_left_after_the_end_hold_nothing_upstream() {
    /// Whoever holds the `Arc` holds what is upstream.
    struct Held(MemoryReader<u32>, Mutex<Option<Arc<()>>>);
    struct Holds(MemoryWatcher<u32>, #[allow(dead_code)] Option<Arc<()>>);
    impl ValueReader<u32> for Held {
        type Watcher = Holds;
        fn watch(&self) -> Holds {
            Holds(self.0.watch(), self.1.lock().unwrap().take())
        }
    }
    impl Watcher<u32> for Holds {
        fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<u32, Error>> {
            self.0.poll_get(cx)
        }
    }
    let value = MemoryValue::new(1);
    let held = Arc::new(());
    let upstream = Arc::downgrade(&held);
    let mut sibling = Held(value.reader(), Mutex::new(Some(held))).shared().watch();
    assert_eq!(sibling.try_get().unwrap().unwrap(), 1);
    drop(value);
    assert!(upstream.upgrade().is_some());
    assert!(sibling.try_get().unwrap().unwrap_err().is_closed());
    assert!(upstream.upgrade().is_none());
    assert!(sibling.try_get().unwrap().unwrap_err().is_closed());
}

#[test]
fn watchers_of_a_mapped_value_on_several_threads_all_take_the_last_version() {
    let value = MemoryValue::new(0_u64);
    let mapped = value.reader().map(|v| v);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let mut watcher = mapped.watch();
            std::thread::spawn(move || {
                let mut last = 0;
                while last < 20_000 {
                    let next = block_on(watcher.get()).unwrap();
                    assert!(next > last || next == 0, "{next} after {last}");
                    last = next;
                }
            })
        })
        .collect();
    (1..=20_000).for_each(|version| value.set(version));
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn if_a_mapper_panics_every_watcher_gets_an_error_in_place_of_the_version() {
    let value = MemoryValue::new(1);
    let mapped = value.reader().map(|v| if v == 2 { panic!("version 2") } else { v });
    let (mut one, mut other) = (mapped.watch(), mapped.watch());
    assert_eq!(other.try_get().unwrap().unwrap(), 1);
    let woken = Arc::new(Woken::default());
    let waker = woken.waker();
    assert!(other.poll_get(&mut Context::from_waker(&waker)).is_pending());
    value.set(2);
    assert!(catch_unwind(AssertUnwindSafe(|| one.try_get())).is_err());
    assert!(woken.take() >= 1);
    assert_eq!(block_on(other.get()).unwrap_err().kind(), ErrorKind::Panicked);
    assert_eq!(
        block_on(one.get()).unwrap_err().kind(),
        ErrorKind::Panicked,
        "the watcher whose poll panicked gets the error too"
    );
    assert!(other.poll_get(&mut Context::from_waker(&waker)).is_pending());
    woken.take();
    value.set(3);
    assert_eq!(woken.take(), 1);
    assert_eq!(other.try_get().unwrap().unwrap(), 3);
}

#[test]
fn filter_skips_versions_that_its_predicate_refuses() {
    let value = MemoryValue::new(1);
    let mut even = value.reader().filter(|v| v % 2 == 0).watch();
    assert!(even.try_get().is_none());
    value.set(4);
    assert_eq!(even.try_get().unwrap().unwrap(), 4);
    value.set(5);
    assert!(even.try_get().is_none());
}

#[test]
fn dedup_yields_an_equal_value_again_after_an_error() {
    let value = MemoryValue::new(1);
    let mut watcher = value.reader().dedup().watch();
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    value.set(1);
    assert!(watcher.try_get().is_none());
    value.fail(Error::new(ErrorKind::Decode, "bad"));
    assert!(watcher.try_get().unwrap().is_err());
    value.set(1);
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
}

#[test]
fn zip_yields_a_pair_when_either_side_has_a_newer_version() {
    let (a, b) = (MemoryValue::new(1), MemoryValue::empty());
    let mut pair = a.reader().zip(b.reader()).watch();
    assert!(pair.try_get().is_none(), "one side has no version yet");
    b.set("x");
    assert_eq!(pair.try_get().unwrap().unwrap(), (1, "x"));
    a.set(2);
    assert_eq!(pair.try_get().unwrap().unwrap(), (2, "x"));
    a.set(3);
    b.set("y");
    assert_eq!(pair.try_get().unwrap().unwrap(), (3, "y"));
    assert!(pair.try_get().is_none());
}

#[test]
fn zip_yields_the_error_of_one_side_while_the_other_has_no_version() {
    let (a, b) = (MemoryValue::new(1), MemoryValue::<u8>::empty());
    let mut pair = a.reader().zip(b.reader()).watch();
    let woken = Arc::new(Woken::default());
    let waker = woken.waker();
    assert!(pair.poll_get(&mut Context::from_waker(&waker)).is_pending());
    a.fail(Error::new(ErrorKind::Decode, "bad"));
    assert_eq!(woken.take(), 1, "the error did not wake the task");
    assert_eq!(pair.try_get().unwrap().unwrap_err().kind(), ErrorKind::Decode);
}

#[test]
fn zip_yields_no_pair_while_one_side_is_an_error() {
    let (a, b) = (MemoryValue::new(1), MemoryValue::new("x"));
    let mut pair = a.reader().zip(b.reader()).watch();
    assert_eq!(pair.try_get().unwrap().unwrap(), (1, "x"));
    a.fail(Error::new(ErrorKind::Decode, "bad"));
    b.set("y");
    assert_eq!(pair.try_get().unwrap().unwrap_err().kind(), ErrorKind::Decode);
    assert!(pair.try_get().is_none(), "a pair with a value that is no longer the newest");
    a.set(2);
    assert_eq!(pair.try_get().unwrap().unwrap(), (2, "y"));
}

#[test]
fn zip_yields_the_errors_of_both_sides() {
    let (a, b) = (MemoryValue::<u8>::empty(), MemoryValue::<u8>::empty());
    let mut pair = a.reader().zip(b.reader()).watch();
    a.fail(Error::new(ErrorKind::Decode, "bad"));
    b.fail(Error::new(ErrorKind::Invalid, "worse"));
    assert_eq!(pair.try_get().unwrap().unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(pair.try_get().unwrap().unwrap_err().kind(), ErrorKind::Invalid);
    assert!(pair.try_get().is_none());
}

#[test]
fn zip_ends_when_no_newer_pair_is_possible() {
    let (a, b) = (MemoryValue::new(1), MemoryValue::new(2));
    let mut pair = a.reader().zip(b.reader()).watch();
    drop(a);
    assert_eq!(pair.try_get().unwrap().unwrap(), (1, 2));
    b.set(3);
    assert_eq!(pair.try_get().unwrap().unwrap(), (1, 3), "the other side continues");
    drop(b);
    assert!(pair.try_get().unwrap().unwrap_err().is_closed());
    let (never, other) = (MemoryValue::<u8>::empty(), MemoryValue::new(2));
    let mut pair = never.reader().zip(other.reader()).watch();
    drop(never);
    assert!(pair.try_get().unwrap().unwrap_err().is_closed());
}

#[test]
fn get_if_waits_for_a_version_that_its_predicate_accepts_or_for_an_error() {
    let value = MemoryValue::new(1);
    let mut watcher = value.watch();
    value.set(7);
    assert_eq!(block_on(watcher.get_if(|v| *v > 5)).unwrap(), 7);
    value.fail(Error::new(ErrorKind::Decode, "bad"));
    assert_eq!(block_on(watcher.get_if(|v| *v > 5)).unwrap_err().kind(), ErrorKind::Decode);
}

#[test]
fn a_stream_yields_errors_and_ends_with_the_value() {
    let value = MemoryValue::new(1);
    let mut stream = value.watch().into_stream();
    assert_eq!(block_on(stream.next()).unwrap().unwrap(), 1);
    value.fail(Error::new(ErrorKind::Decode, "bad"));
    assert!(block_on(stream.next()).unwrap().is_err());
    drop(value);
    assert!(block_on(stream.next()).is_none());
}

/// Decodes the first byte. An absent key is 7.
struct OrSeven;

impl Decoder for OrSeven {
    type Output = u8;

    fn decode(&self, bytes: &Bytes) -> Result<u8, Error> {
        bytes
            .first()
            .copied()
            .ok_or_else(|| Error::new(ErrorKind::Decode, "expected one byte, found none"))
    }

    fn absent(&self) -> Option<u8> {
        Some(7)
    }
}

#[test]
fn the_decoder_decides_what_an_absent_key_yields() {
    let bytes = MemoryValue::new(Entry::never_seen("k"));
    let mut plain = bytes.reader().decode(|bytes: &[u8]| Ok::<_, Error>(bytes.len())).watch();
    let mut or_seven = bytes.reader().decode(OrSeven).watch();
    assert!(plain.try_get().is_none(), "a key that never existed: without a default, get waits");
    assert_eq!(or_seven.try_get().unwrap().unwrap(), 7);

    bytes.set(Entry::present("k", 3, vec![1]));
    assert_eq!(plain.try_get().unwrap().unwrap(), 1);
    assert_eq!(or_seven.try_get().unwrap().unwrap(), 1);

    bytes.set(Entry::deleted("k", 4));
    let error = plain.try_get().unwrap().unwrap_err();
    assert_eq!(
        (error.kind(), error.key(), error.revision()),
        (ErrorKind::Deleted, Some(&b"k"[..]), Some(4))
    );
    assert!(plain.try_get().is_none(), "the deletion is yielded once");
    assert_eq!(or_seven.try_get().unwrap().unwrap(), 7);
}

#[test]
fn a_decode_error_names_the_key_and_the_revision() {
    let bytes = MemoryValue::new(Entry::present("app/port", 9, ""));
    let error = block_on(bytes.decode(OrSeven).get()).unwrap_err();
    assert_eq!(error.to_string(), "key `app/port` at revision 9: expected one byte, found none");
}
