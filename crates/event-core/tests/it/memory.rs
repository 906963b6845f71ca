//! What a value in memory promises beyond the laws.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use event_core::{
    Error, ErrorKind, MemoryValue, MemoryWatcher, ReaderExt, ValueReader, ValueWriter, Watcher,
    WatcherExt,
};
use futures_executor::block_on;

use crate::woken::Woken;

#[test]
fn a_value_ends_with_its_last_writer_and_a_reader_is_not_a_writer() {
    let value = MemoryValue::new(1);
    let (other, reader) = (value.clone(), value.reader());
    drop(value);
    let mut watcher = reader.watch();
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    assert!(watcher.try_get().is_none(), "a writer is left");
    other.set(2);
    drop(other);
    assert_eq!(watcher.try_get().unwrap().unwrap(), 2);
    assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
    assert_eq!(
        block_on(reader.get()).unwrap(),
        2,
        "a watcher started after the end takes the last version"
    );
}

#[test]
fn a_writer_that_ends_beside_another_one_ends_nothing() {
    let value = MemoryValue::new(1);
    let (other, mut watcher) = (value.clone(), value.watch());
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    value.end("one of two");
    assert!(watcher.try_get().is_none(), "a writer is left");
    other.set(2);
    assert_eq!(watcher.try_get().unwrap().unwrap(), 2);
    other.end("the last");
    assert_eq!(watcher.try_get().unwrap().unwrap_err().to_string(), "the last");
}

#[test]
fn the_first_get_of_a_value_that_ended_without_a_version_is_closed() {
    let value = MemoryValue::<u8>::empty();
    let mut watcher = value.watch();
    drop(value);
    assert!(block_on(watcher.get()).unwrap_err().is_closed());
}

#[test]
fn failing_with_closed_does_not_end_the_value() {
    let value = MemoryValue::new(1);
    let mut watcher = value.watch();
    value.fail(event_core::Error::closed());
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    assert!(watcher.try_get().is_none(), "a writer is left");
}

#[test]
fn watchers_on_threads_take_increasing_versions_up_to_the_last() {
    let value = MemoryValue::new(0_u64);
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let mut watcher = value.watch();
            thread::spawn(move || {
                let mut last = None;
                while let Ok(next) = block_on(watcher.get()) {
                    assert!(Some(next) > last, "{next} after {last:?}");
                    last = Some(next);
                }
                last
            })
        })
        .collect();
    (1..=50_000).for_each(|version| value.set(version));
    drop(value);
    for reader in readers {
        assert_eq!(reader.join().unwrap(), Some(50_000));
    }
}

/// A waker that owns a watcher, as the waker of a task does. Dropping its last clone drops the watcher.
struct Owner {
    _watcher: std::sync::Mutex<Option<MemoryWatcher<Reentrant>>>,
}

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

/// A version that sets its own value when it is dropped.
#[derive(Clone)]
struct Reentrant(Option<MemoryValue<Reentrant>>);

impl Drop for Reentrant {
    fn drop(&mut self) {
        if let Some(value) = self.0.take() {
            value.set(Reentrant(None));
        }
    }
}

#[test]
fn dropping_a_waker_or_a_version_never_runs_under_the_lock() {
    let value = MemoryValue::empty();
    let mut watcher = value.watch();
    // The waker owns another watcher of this value. That watcher waits too.
    let poll = |watcher: &mut MemoryWatcher<Reentrant>, mut owned: Option<MemoryWatcher<_>>| {
        assert!(owned.as_mut().is_none_or(|owned| owned.try_get().is_none()));
        let owner = Arc::new(Owner { _watcher: std::sync::Mutex::new(owned) });
        watcher.poll_get(&mut Context::from_waker(&Waker::from(owner)))
    };
    // The waker is dropped when a later poll replaces it …
    assert!(poll(&mut watcher, Some(value.watch())).is_pending());
    assert!(poll(&mut watcher, Some(value.watch())).is_pending());
    // … when its watcher is dropped, and when a version is published.
    drop(watcher);
    let mut watcher = value.watch();
    assert!(poll(&mut watcher, Some(value.watch())).is_pending());
    value.set(Reentrant(Some(value.clone())));
    value.set(Reentrant(None)); // drops the version before it, and that drop sets the value
    assert!(matches!(poll(&mut watcher, None), Poll::Ready(Ok(_))));
}

#[test]
fn a_slot_freed_in_one_epoch_is_not_reused_in_a_later_epoch() {
    let value = MemoryValue::new(1);
    let waiting = || {
        let mut watcher = value.watch();
        while watcher.try_get().is_some() {}
        watcher
    };
    drop(waiting());
    value.set(2);
    let (mut one, mut two) = (waiting(), waiting());
    value.set(3);
    assert_eq!((one.try_get().unwrap().unwrap(), two.try_get().unwrap().unwrap()), (3, 3));
}

#[test]
fn only_the_waker_of_the_newest_poll_is_woken_and_only_once() {
    let value = MemoryValue::<u8>::empty();
    let mut watcher = value.watch();
    let tasks: [Arc<Woken>; 3] = Default::default();
    for task in [&tasks[0], &tasks[1], &tasks[0], &tasks[2]] {
        let waker = task.waker();
        let mut cx = Context::from_waker(&waker);
        assert!(watcher.poll_get(&mut cx).is_pending());
        assert!(watcher.poll_get(&mut cx).is_pending());
    }
    value.set(1);
    assert_eq!(tasks.map(|task| task.take()), [0, 0, 1]);
}

#[test]
fn update_loses_no_set_of_another_writer() {
    let value = MemoryValue::new(0_u64);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let value = value.clone();
            std::thread::spawn(move || {
                for _ in 0..5000 {
                    assert!(value.update(|count| *count += 1));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(value.watch().try_get().unwrap().unwrap(), 20_000);
}

#[test]
fn update_runs_without_a_lock_and_needs_a_good_value() {
    let value = MemoryValue::empty();
    assert!(!value.update(|_: &mut u64| unreachable!("there is no value")));
    value.set(1);
    let mut rounds = 0;
    assert!(value.update(|count| {
        rounds += 1;
        if rounds == 1 {
            value.set(10); // another writer is quicker
        }
        *count += 1;
    }));
    assert_eq!((value.watch().try_get().unwrap().unwrap(), rounds), (11, 2));
    value.fail(Error::new(ErrorKind::Decode, "expected a number"));
    assert!(!value.update(|count| *count += 1));
    assert!(value.watch().try_get().unwrap().is_err());
}

#[test]
fn an_adapter_does_not_keep_a_value_from_ending() {
    let value = MemoryValue::new(1_u64);
    let other = MemoryValue::new(2_u64);
    let adapters: Vec<event_core::BoxReader<u64>> = vec![
        value.clone().map(|v| v).boxed(),
        value.clone().filter(|_| true).boxed(),
        value.clone().dedup().boxed(),
        value.clone().zip(other.clone()).map(|(v, _)| v).boxed(),
        value.clone().shared().boxed(),
        value.clone().on_error(|_| {}).boxed(),
        value.clone().last_good().boxed(),
        value.clone().or_else(other.clone()).boxed(),
        value.clone().boxed(),
        Box::new(value.clone()).map(|v| v).boxed(),
    ];
    let mut watchers: Vec<_> = adapters.iter().map(ValueReader::watch).collect();
    for watcher in &mut watchers {
        assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
        assert!(watcher.try_get().is_none());
    }
    drop((value, other));
    for watcher in &mut watchers {
        assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
    }
}

#[test]
fn a_handle_that_stopped_writing_publishes_nothing_and_may_be_the_last() {
    let mut value = MemoryValue::new(1_u64);
    let mut watcher = value.watch();
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    value.stop_writing();
    value.stop_writing();
    assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
    value.clone().set(2);
    value.fail(Error::new(ErrorKind::Decode, "expected a number"));
    assert!(!value.update(|count| *count += 1));
    value.end("again");
    assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
}
