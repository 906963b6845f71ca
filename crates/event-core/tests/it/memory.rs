//! The value in memory, beyond the laws.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use cooked_waker::IntoWaker;
use event_core::{
    MemoryValue, MemoryWatcher, ReaderExt, ValueReader, ValueWriter, Watcher, WatcherExt,
};
use futures_executor::block_on;
use futures_util::task::{ArcWake, waker};

#[test]
fn a_value_ends_with_its_last_writer_and_a_reader_is_none() {
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
    assert_eq!(block_on(reader.get()).unwrap(), 2, "a late reader finds the last version too");
}

#[test]
fn a_value_that_ends_without_a_version_is_closed_at_once() {
    let value = MemoryValue::<u8>::empty();
    let mut watcher = value.watch();
    drop(value);
    assert!(block_on(watcher.get()).unwrap_err().is_closed());
}

#[test]
fn the_end_is_no_version() {
    let value = MemoryValue::new(1);
    let mut watcher = value.watch();
    value.fail(event_core::Error::closed());
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    assert!(watcher.try_get().is_none(), "a writer is left");
}

#[test]
fn threads_see_rising_versions_and_all_the_last() {
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

/// Drops a watcher when its last clone goes, as a task does that owns one.
struct Owner {
    _watcher: std::sync::Mutex<Option<MemoryWatcher<Reentrant>>>,
}

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

/// A value that comes back to its own value when it is dropped.
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
fn foreign_code_never_runs_under_the_lock() {
    let value = MemoryValue::empty();
    let mut watcher = value.watch();
    // The waker is the last owner of another watcher of this value, which waits too.
    let poll = |watcher: &mut MemoryWatcher<Reentrant>, mut owned: Option<MemoryWatcher<_>>| {
        assert!(owned.as_mut().is_none_or(|owned| owned.try_get().is_none()));
        let owner = Arc::new(Owner { _watcher: std::sync::Mutex::new(owned) });
        watcher.poll_get(&mut Context::from_waker(&Waker::from(owner)))
    };
    // It goes when it is replaced …
    assert!(poll(&mut watcher, Some(value.watch())).is_pending());
    assert!(poll(&mut watcher, Some(value.watch())).is_pending());
    // … when its watcher is dropped, and when a version comes.
    drop(watcher);
    let mut watcher = value.watch();
    assert!(poll(&mut watcher, Some(value.watch())).is_pending());
    value.set(Reentrant(Some(value.clone())));
    value.set(Reentrant(None)); // drops the one before, which sets the value
    assert!(matches!(poll(&mut watcher, None), Poll::Ready(Ok(_))));
}

#[test]
fn a_slot_that_was_left_is_not_given_out_in_a_later_tick() {
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

/// A task with two kinds of wakers, which point to the same data.
#[derive(Default)]
struct TwoKinds {
    by_std: AtomicUsize,
    by_futures: AtomicUsize,
}

impl Wake for TwoKinds {
    fn wake(self: Arc<Self>) {
        self.by_std.fetch_add(1, Ordering::SeqCst);
    }
}

impl ArcWake for TwoKinds {
    fn wake_by_ref(task: &Arc<Self>) {
        task.by_futures.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn whoever_polled_last_is_woken_and_nobody_else() {
    let tasks = [Arc::new(TwoKinds::default()), Arc::new(TwoKinds::default())];
    let wakers: Vec<Waker> = tasks
        .iter()
        .flat_map(|task| [Waker::from(Arc::clone(task)), waker(Arc::clone(task))])
        .collect();
    assert_eq!(wakers[0].data(), wakers[1].data(), "or this test tests nothing");
    let take_counts = || {
        tasks
            .iter()
            .flat_map(|task| [&task.by_std, &task.by_futures])
            .map(|n| n.swap(0, Ordering::SeqCst))
    };
    let value = MemoryValue::new(0);
    // Every order of three polls, and another watcher that begins to wait with each waker before each.
    for (first, second, third) in (0..64).map(|n| (n % 4, n / 4 % 4, n / 16)) {
        for (beside, before) in (0..12).map(|n| (n % 4, n / 4)) {
            let (mut watcher, mut other) = (value.watch(), value.watch());
            let _ = (watcher.try_get(), other.try_get());
            for (at, polled) in [first, second, third].into_iter().enumerate() {
                if at == before {
                    let mut cx = Context::from_waker(&wakers[beside]);
                    assert!(other.poll_get(&mut cx).is_pending());
                }
                let mut cx = Context::from_waker(&wakers[polled]);
                assert!(watcher.poll_get(&mut cx).is_pending());
                assert!(watcher.poll_get(&mut cx).is_pending());
            }
            value.set(0);
            let expected = |at| usize::from(at == third) + usize::from(at == beside);
            assert!(
                take_counts().eq((0..4).map(expected)),
                "{first} {second} {third}, {beside} {before}"
            );
        }
    }
}

/// A task whose wakers are boxes, each with an address of its own.
#[derive(Clone)]
struct Boxed(Arc<AtomicUsize>);

impl cooked_waker::WakeRef for Boxed {
    fn wake_by_ref(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl cooked_waker::Wake for Boxed {}

#[test]
fn a_waker_is_not_taken_for_one_that_had_its_address_before() {
    let mut reused = 0;
    for _ in 0..100 {
        let value = MemoryValue::<u8>::empty();
        let mut watcher = value.watch();
        let counts = [Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0))];
        let addresses = counts.each_ref().map(|count| {
            let original = Box::new(Boxed(Arc::clone(count))).into_waker();
            // Of a kind with what is cloned from it: the table of an original may lie elsewhere.
            let waker = original.clone();
            assert!(watcher.poll_get(&mut Context::from_waker(&waker)).is_pending());
            waker.data()
        });
        reused += usize::from(addresses[0] == addresses[1]);
        value.set(1);
        assert_eq!(counts.map(|count| count.load(Ordering::SeqCst)), [0, 1]);
    }
    assert!(reused > 0, "or this test tests nothing");
}
