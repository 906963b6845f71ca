//! `current`: the newest value for all threads at once.

use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use allocation_counter::measure;
use event_core::adapters::Current;
use event_core::{
    Epoch, Error, ErrorKind, MemoryValue, MemoryWatcher, ReaderExt, ValueReader, ValueWriter,
    Watcher,
};
use futures_executor::block_on;
use futures_util::FutureExt;
use futures_util::future::join;

const LIMIT: Duration = Duration::from_secs(30);

fn number(current: &Current<u64>) -> Option<u64> {
    current.get().map(|value| *value)
}

fn bad() -> Error {
    Error::new(ErrorKind::Decode, "expected a number")
}

#[test]
fn it_is_shared_by_threads_and_tasks() {
    fn check<T: Clone + Send + Sync + 'static>() {}
    check::<Current<u64>>();
}

#[test]
fn get_returns_the_newest_value_after_one_set_or_several() {
    let value = MemoryValue::empty();
    let current = value.current();
    assert_eq!((number(&current), current.revision()), (None, 0));
    for version in 0..5 {
        value.set(version);
        for _ in 0..3 {
            assert_eq!(number(&current), Some(version));
        }
    }
    value.set(5);
    value.set(6);
    assert_eq!((number(&current), number(&current.clone())), (Some(6), Some(6)));
    assert_eq!(current.revision(), 6);
}

#[test]
fn the_last_good_value_stays_beside_an_error_and_after_the_end() {
    let value = MemoryValue::new(1);
    let current = value.current();
    assert!(current.error().is_none());
    value.fail(bad());
    assert_eq!(number(&current), Some(1));
    assert_eq!(current.error().unwrap().kind(), ErrorKind::Decode);
    value.set(2);
    assert!(current.error().is_none());
    assert_eq!(number(&current), Some(2));
    drop(value);
    assert!(current.error().unwrap().is_closed());
    assert_eq!(number(&current), Some(2));
}

#[test]
fn an_old_reference_keeps_its_version() {
    let value = MemoryValue::new(1);
    let current = value.current();
    let old = current.get().unwrap();
    value.set(2);
    assert_eq!((*old, number(&current)), (1, Some(2)));
}

#[test]
fn wait_skips_bad_versions_and_ends_with_the_value() {
    let value = MemoryValue::empty();
    let current = value.current();
    let writes = async {
        value.fail(bad());
        value.set(7);
    };
    let (first, ()) = block_on(join(current.wait(), writes));
    assert_eq!(*first.unwrap(), 7);
    let ended = MemoryValue::<u64>::empty().current();
    assert!(block_on(ended.wait()).unwrap_err().is_closed());
}

#[test]
fn changed_returns_what_came_after_the_call_to_each_who_waits() {
    let value = MemoryValue::new(1);
    let current = value.current();
    let (one, other) = (current.changed(), current.changed());
    let mut waits = pin!(current.changed());
    assert!(waits.as_mut().now_or_never().is_none());
    value.set(2);
    // Another one fetches it first.
    assert_eq!(number(&current), Some(2));
    assert_eq!(*block_on(one).unwrap(), 2);
    assert_eq!(*block_on(other).unwrap(), 2);
    let changed = current.changed();
    value.fail(bad());
    assert_eq!(block_on(changed).unwrap_err().kind(), ErrorKind::Decode);
    let changed = current.changed();
    drop(value);
    assert!(block_on(changed).unwrap_err().is_closed());
}

#[test]
fn a_version_between_two_calls_is_not_missed_with_its_number() {
    let value = MemoryValue::new(1);
    let current = value.current();
    let seen = current.revision();
    value.set(2);
    assert_eq!(*block_on(current.changed_since(seen)).unwrap(), 2);
    assert!(current.changed_since(current.revision()).now_or_never().is_none());
}

#[test]
fn tasks_that_wait_are_all_woken_and_see_the_last_version() {
    const LAST: u64 = 2000;
    let value = MemoryValue::new(0);
    let current = value.current();
    let (done, all_done) = mpsc::channel();
    for _ in 0..4 {
        let (current, done) = (current.clone(), done.clone());
        thread::spawn(move || {
            let mut seen = 0;
            loop {
                drop(block_on(current.changed_since(seen)).unwrap());
                let newest = current.revision();
                assert!(newest > seen);
                seen = newest;
                // After the number: a version may have come since `changed_since` returned.
                if *current.get().unwrap() == LAST {
                    break;
                }
            }
            done.send(()).unwrap();
        });
    }
    (1..=LAST).for_each(|version| value.set(version));
    for _ in 0..4 {
        all_done.recv_timeout(LIMIT).expect("everybody sees the last version");
    }
}

/// With more threads than cores, a thread is often stopped while it fetches.
#[test]
fn a_thread_reads_what_it_has_set_and_nobody_reads_backwards() {
    const LAST: u64 = 20_000;
    let value = MemoryValue::new(0);
    let current = value.current();
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let current = current.clone();
            thread::spawn(move || {
                let mut seen = 0;
                while seen < LAST {
                    let newest = number(&current).unwrap();
                    assert!(newest >= seen, "{newest} after {seen}");
                    seen = newest;
                }
            })
        })
        .collect();
    for version in 1..=LAST {
        value.set(version);
        assert_eq!(number(&current), Some(version));
    }
    for reader in readers {
        reader.join().unwrap();
    }
}

#[test]
fn a_slow_mapper_holds_up_nobody_else() {
    let value = MemoryValue::new(1_u64);
    let (begins, begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new((begins, released));
    let current = value
        .reader()
        .map(move |version| {
            if version == 2 {
                let gate = gate.lock().unwrap();
                gate.0.send(()).unwrap();
                gate.1.recv_timeout(LIMIT).unwrap();
            }
            version
        })
        .current();
    assert_eq!(number(&current), Some(1));
    value.set(2);
    let slow = thread::spawn({
        let current = current.clone();
        move || number(&current)
    });
    begun.recv_timeout(LIMIT).expect("the mapper runs");
    assert_eq!(number(&current), Some(1), "the value of before");
    let changed = current.changed();
    release.send(()).unwrap();
    assert_eq!(slow.join().unwrap(), Some(2));
    assert_eq!(*block_on(changed).unwrap(), 2);
}

#[test]
fn a_mapper_may_read_the_value_that_it_maps() {
    let value = MemoryValue::new(1_u64);
    let slot = Arc::new(std::sync::OnceLock::<Current<u64>>::new());
    let own = Arc::clone(&slot);
    let current = value
        .reader()
        .map(move |version| version + own.get().map_or(0, |it| number(it).unwrap_or(0)))
        .current();
    assert_eq!(number(&current), Some(1));
    assert!(slot.set(current.clone()).is_ok());
    value.set(10);
    assert_eq!(number(&current), Some(11));
}

#[test]
fn a_mapper_that_panics_leaves_an_error_and_the_last_good_value() {
    let value = MemoryValue::new(1_u64);
    let current =
        value.reader().map(|version| if version == 2 { panic!("two") } else { version }).current();
    assert_eq!(number(&current), Some(1));
    let changed = current.changed();
    value.set(2);
    let panics = current.clone();
    assert!(thread::spawn(move || number(&panics)).join().is_err());
    assert_eq!(block_on(changed).unwrap_err().kind(), ErrorKind::Panicked);
    assert_eq!(number(&current), Some(1));
    value.set(3);
    assert_eq!(number(&current), Some(3));
}

/// A watcher without an epoch, as that of another backend may be.
struct WithoutEpoch(MemoryWatcher<u64>);

impl Watcher<u64> for WithoutEpoch {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<u64, Error>> {
        self.0.poll_get(cx)
    }

    fn epoch(&self) -> Option<Epoch> {
        None
    }
}

struct OtherBackend(MemoryValue<u64>);

impl ValueReader<u64> for OtherBackend {
    type Watcher = WithoutEpoch;

    fn watch(&self) -> WithoutEpoch {
        WithoutEpoch(self.0.watch())
    }
}

#[test]
fn a_watcher_without_an_epoch_is_read_anew_each_time() {
    let value = MemoryValue::new(1);
    let current = OtherBackend(value.clone()).current();
    assert_eq!(number(&current), Some(1));
    let changed = current.changed();
    value.set(2);
    assert_eq!(number(&current), Some(2));
    assert_eq!(*block_on(changed).unwrap(), 2);
}

/// A version that counts the versions in memory.
#[derive(Clone)]
struct Counted {
    _count: Arc<()>,
}

#[test]
fn it_keeps_one_version_and_ends_its_watcher_with_the_last_clone() {
    let count = Arc::new(());
    let value = MemoryValue::new(Counted { _count: Arc::clone(&count) });
    let current = value.current();
    for _ in 0..10 {
        value.set(Counted { _count: Arc::clone(&count) });
        assert!(current.get().is_some());
    }
    assert_eq!(Arc::strong_count(&count), 1 + 1 + 1, "the value's and ours");
    drop(current.clone());
    assert!(current.get().is_some());
    drop(current);
    assert_eq!(Arc::strong_count(&count), 1 + 1);
}

#[test]
fn a_wait_that_is_dropped_leaves_nothing() {
    let value = MemoryValue::new(1);
    let current = value.current();
    assert_eq!(number(&current), Some(1));
    assert!(current.changed().now_or_never().is_none());
    let allocated = measure(|| {
        for _ in 0..1000 {
            assert!(current.changed().now_or_never().is_none());
        }
    });
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn a_loop_over_a_closed_value_lets_other_tasks_run() {
    let current = MemoryValue::<u64>::empty().current();
    let mut wait = pin!(current.wait());
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(wait.as_mut().poll(cx).is_pending());
    assert!(matches!(wait.poll(cx), Poll::Ready(Err(error)) if error.is_closed()));
}

#[test]
fn the_last_version_comes_before_the_end() {
    for is_good in [true, false] {
        let value = MemoryValue::new(1);
        let current = value.reader().current();
        let changed = current.changed();
        if is_good {
            value.set(2);
        } else {
            value.fail(Error::new(ErrorKind::Decode, "bad"));
        }
        drop(value);
        match block_on(changed) {
            Ok(version) => assert_eq!((*version, is_good), (2, true)),
            Err(error) => assert_eq!((error.kind(), is_good), (ErrorKind::Decode, false)),
        }
        assert!(block_on(current.changed()).is_err_and(|error| error.is_closed()));
        assert!(current.error().is_some_and(|error| error.is_closed()));
    }
}
