//! Watchers that share an upstream, while one of them is at work.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use event_core::{
    BoxReader, Error, MemoryReader, MemoryValue, MemoryWatcher, ReaderExt, ValueReader,
    ValueWriter, Watcher, WatcherExt,
};
use futures_executor::block_on;

use crate::woken::Woken;

/// A mapper that stops at `at` until the second barrier.
fn stops_at(at: u32) -> (impl Fn(u32) -> u32, Arc<Barrier>, Arc<Barrier>) {
    let (begins, goes_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (begun, waits) = (Arc::clone(&begins), Arc::clone(&goes_on));
    let mapper = move |version| {
        if version == at {
            begun.wait();
            waits.wait();
        }
        version
    };
    (mapper, begins, goes_on)
}

#[test]
fn a_first_get_over_two_shared_readers_is_not_older_than_what_the_task_has_seen() {
    let value = MemoryValue::new(1);
    let (mapper, begins, goes_on) = stops_at(2);
    let inner = value.reader().map(mapper);
    let outer = inner.clone().map(|version| version);
    let mut keeps_the_stage = outer.watch();
    let mut sibling = inner.watch();
    assert_eq!(block_on(keeps_the_stage.get()).unwrap(), 1);
    assert_eq!(block_on(sibling.get()).unwrap(), 1);
    value.set(2);
    let at_work = thread::spawn(move || block_on(sibling.get()).unwrap());
    begins.wait();
    assert_eq!(value.watch().try_get().unwrap().unwrap(), 2);
    let mut first = outer.watch();
    let woken = Arc::new(Woken::default());
    let polled = first.poll_get(&mut Context::from_waker(&woken.waker()));
    assert!(polled.is_pending(), "1 is older than what this task has seen");
    goes_on.wait();
    assert_eq!(at_work.join().unwrap(), 2);
    assert!(woken.take() >= 1);
    assert_eq!(block_on(first.get()).unwrap(), 2);
}

/// Stops early once for each version, as a poll does that has passed over many.
struct StopsEarly(MemoryWatcher<u32>, bool);

impl Watcher<u32> for StopsEarly {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<u32, Error>> {
        self.1 = !self.1;
        if self.1 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.0.poll_get(cx)
    }

    fn epoch(&self) -> Option<event_core::Epoch> {
        self.0.epoch()
    }
}

struct Early(MemoryReader<u32>);

impl ValueReader<u32> for Early {
    type Watcher = StopsEarly;

    fn watch(&self) -> StopsEarly {
        StopsEarly(self.0.watch(), false)
    }
}

#[test]
fn a_first_get_over_an_upstream_that_stops_early_is_not_older_than_a_set_that_returned() {
    let value = MemoryValue::new(0);
    let shared = Early(value.reader()).shared();
    let mut sibling = shared.watch();
    for version in 1..100 {
        let _ = sibling.try_get();
        value.set(version);
        assert_eq!(block_on(shared.get()).unwrap(), version);
    }
}

#[test]
fn a_first_get_takes_a_version_whose_look_began_after_it_came() {
    let (begins, goes_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (begun, waits) = (Arc::clone(&begins), Arc::clone(&goes_on));
    let value = MemoryValue::new(1);
    let reader = value.reader().map(move |version| {
        if version > 1 {
            begun.wait();
            waits.wait();
        }
        version
    });
    let (mut busy, mut first) = (reader.watch(), reader.watch());
    assert_eq!(block_on(busy.get()).unwrap(), 1);
    let at_work = thread::spawn(move || [(); 3].map(|()| block_on(busy.get()).unwrap()));
    for (version, taken) in [(2, None), (3, None), (4, Some(3))] {
        value.set(version);
        begins.wait();
        assert_eq!(first.try_get().map(Result::unwrap), taken, "it would starve");
        goes_on.wait();
    }
    assert_eq!(at_work.join().unwrap(), [2, 3, 4]);
}

#[test]
fn a_sibling_takes_what_is_published_if_its_look_at_upstream_stops_early() {
    let value = MemoryValue::new(0);
    let shared = Early(value.reader()).shared();
    let (mut one, mut two) = (shared.watch(), shared.watch());
    assert_eq!((block_on(one.get()).unwrap(), block_on(two.get()).unwrap()), (0, 0));
    value.set(1);
    assert_eq!(block_on(one.get()).unwrap(), 1);
    value.set(2);
    assert_eq!(two.try_get().unwrap().unwrap(), 1, "it would starve beside a fast writer");
    assert_eq!(block_on(two.get()).unwrap(), 2);
}

#[test]
fn a_sibling_takes_what_is_published_while_another_one_maps_the_next_version() {
    let value = MemoryValue::new(1);
    let (mapper, begins, goes_on) = stops_at(3);
    let reader = value.reader().map(mapper);
    let (mut slow, mut busy) = (reader.watch(), reader.watch());
    assert_eq!(block_on(slow.get()).unwrap(), 1);
    value.set(2);
    assert_eq!(block_on(busy.get()).unwrap(), 2);
    value.set(3);
    let at_work = thread::spawn(move || block_on(busy.get()).unwrap());
    begins.wait();
    assert_eq!(slow.try_get().unwrap().unwrap(), 2, "it would starve beside a fast writer");
    let woken = Arc::new(Woken::default());
    assert!(slow.poll_get(&mut Context::from_waker(&woken.waker())).is_pending());
    goes_on.wait();
    assert_eq!(at_work.join().unwrap(), 3);
    assert!(woken.take() >= 1);
    assert_eq!(slow.try_get().unwrap().unwrap(), 3);
}

/// A watcher that a program wrote: without an epoch, and slow.
struct Slow(MemoryWatcher<u32>, Arc<AtomicUsize>);

impl Watcher<u32> for Slow {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<u32, Error>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        thread::yield_now();
        self.0.poll_get(cx)
    }
}

struct WithoutEpoch(MemoryReader<u32>, Arc<AtomicUsize>);

impl ValueReader<u32> for WithoutEpoch {
    type Watcher = Slow;

    fn watch(&self) -> Slow {
        Slow(self.0.watch(), Arc::clone(&self.1))
    }
}

#[test]
fn siblings_over_a_watcher_without_an_epoch_come_to_rest() {
    const SIBLINGS: usize = 8;
    let value = MemoryValue::new(0);
    let polls = Arc::new(AtomicUsize::new(0));
    let shared = WithoutEpoch(value.reader(), Arc::clone(&polls)).shared();
    let taken = Arc::new(AtomicUsize::new(0));
    let siblings: Vec<_> = (0..SIBLINGS)
        .map(|_| {
            let (mut watcher, taken) = (shared.watch(), Arc::clone(&taken));
            thread::spawn(move || {
                while block_on(watcher.get()).is_ok() {
                    taken.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for version in 1..=20 {
        let before = taken.load(Ordering::SeqCst);
        value.set(version);
        while taken.load(Ordering::SeqCst) < before + 1 {
            thread::yield_now();
        }
    }
    // At rest nobody polls. Two looks at the counter that agree are a rest.
    let mut last = polls.load(Ordering::SeqCst);
    let came_to_rest = (0..100).any(|_| {
        thread::sleep(Duration::from_millis(20));
        let now = polls.load(Ordering::SeqCst);
        std::mem::replace(&mut last, now) == now
    });
    assert!(came_to_rest, "the siblings go on waking each other");
    drop(value);
    for sibling in siblings {
        sibling.join().unwrap();
    }
}

#[test]
fn what_is_below_is_not_polled_again_before_it_wakes_a_sibling() {
    let value = MemoryValue::new(0);
    let polls = Arc::new(AtomicUsize::new(0));
    let shared = WithoutEpoch(value.reader(), Arc::clone(&polls)).shared();
    let mut watcher = shared.watch();
    for version in 0..3 {
        value.set(version);
        polls.store(0, Ordering::SeqCst);
        assert_eq!(watcher.try_get().unwrap().unwrap(), version);
        for _ in 0..10 {
            assert!(watcher.try_get().is_none());
        }
        assert_eq!(polls.load(Ordering::SeqCst), 2, "a version, and nothing");
    }
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        assert!(thread::panicking(), "dropped");
    }
}

#[test]
fn a_mapper_that_panics_when_it_is_dropped_does_not_hide_the_end() {
    let value = MemoryValue::new(1);
    let bomb = PanicsWhenDropped;
    let mapped = value.reader().map(move |version| {
        let _captured = &bomb;
        version
    });
    let (mut one, mut two) = (mapped.watch(), mapped.watch());
    drop(mapped);
    assert_eq!((block_on(one.get()).unwrap(), block_on(two.get()).unwrap()), (1, 1));
    drop(value);
    assert!(catch_unwind(AssertUnwindSafe(|| one.try_get())).is_err());
    assert!(two.try_get().unwrap().unwrap_err().is_closed());
}

/// A reader whose watchers come back to it when they are dropped.
struct Reentrant {
    value: MemoryReader<u32>,
    above: Arc<Mutex<Option<BoxReader<u32>>>>,
}

struct Comes(MemoryWatcher<u32>, Arc<Mutex<Option<BoxReader<u32>>>>);

impl ValueReader<u32> for Reentrant {
    type Watcher = Comes;

    fn watch(&self) -> Comes {
        thread::yield_now(); // lets another thread be quicker
        Comes(self.value.watch(), Arc::clone(&self.above))
    }
}

impl Watcher<u32> for Comes {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<u32, Error>> {
        self.0.poll_get(cx)
    }
}

impl Drop for Comes {
    fn drop(&mut self) {
        let above = self.1.lock().unwrap().clone();
        drop(above.map(|reader| reader.watch()));
    }
}

#[test]
fn a_watcher_below_may_come_back_to_the_shared_reader_when_it_is_dropped() {
    let value = MemoryValue::new(1);
    let above = Arc::new(Mutex::new(None));
    let below = Reentrant { value: value.reader(), above: Arc::clone(&above) };
    let shared = below.shared().boxed();
    let watchers: Vec<_> = (0..4)
        .map(|_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || (0..500).for_each(|_| drop(shared.watch())))
        })
        .collect();
    *above.lock().unwrap() = Some(Arc::clone(&shared));
    // Each drop of a losing watcher watches again, so stop that before the end.
    thread::yield_now();
    above.lock().unwrap().take();
    for watcher in watchers {
        watcher.join().unwrap();
    }
    assert_eq!(block_on(shared.get()).unwrap(), 1);
}
