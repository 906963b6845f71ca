//! Code of the program that panics: a waker, a value's `clone`, a predicate, a comparison, a mapper.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use event_core::{
    Entry, Error, ErrorKind, MemoryValue, ReaderExt, ValueReader, ValueWriter, Watcher, WatcherExt,
};
use futures_executor::block_on;

/// Panics when it is woken.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("a waker")
    }
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn pend<T>(watcher: &mut impl Watcher<T>, waker: &Waker) {
    let mut cx = Context::from_waker(waker);
    while watcher.poll_get(&mut cx).is_ready() {}
}

fn panics<T>(f: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

#[test]
fn wakers_that_panic_keep_no_other_from_being_woken() {
    let value = MemoryValue::new(0);
    let woken = Arc::new(Woken::default());
    let good = Waker::from(Arc::clone(&woken));
    let bad = Waker::from(Arc::new(Bomb));
    let mapped = value.reader().map(|v| v);
    let mut latest = value.watch().latest();
    assert_eq!(latest.get(), Some(&0));
    assert_eq!(latest.get(), Some(&0));
    let mut watchers: Vec<_> = (0..9).map(|_| value.watch()).collect();
    let mut siblings: Vec<_> = (0..3).map(|_| mapped.watch()).collect();
    for round in 1..=3 {
        for (i, watcher) in watchers.iter_mut().enumerate() {
            pend(watcher, if i % 3 == 1 { &bad } else { &good });
        }
        for sibling in &mut siblings {
            pend(sibling, &good);
        }
        woken.0.store(0, Ordering::SeqCst);
        assert!(panics(|| value.set(round)), "the writer sees the panic");
        assert_eq!(woken.0.load(Ordering::SeqCst), 9, "six watchers, three siblings");
        for watcher in &mut watchers {
            assert_eq!(watcher.try_get().unwrap().unwrap(), round);
        }
        for sibling in siblings.iter_mut().chain([&mut mapped.watch()]) {
            assert_eq!(sibling.try_get().unwrap().unwrap(), round);
        }
        assert_eq!(latest.get(), Some(&round));
    }
}

#[test]
fn wakers_that_panic_do_not_hide_the_end() {
    let value = MemoryValue::new(0);
    let woken = Arc::new(Woken::default());
    let (good, bad) = (Waker::from(Arc::clone(&woken)), Waker::from(Arc::new(Bomb)));
    let mut watchers: Vec<_> = (0..4).map(|_| value.watch()).collect();
    for (i, watcher) in watchers.iter_mut().enumerate() {
        pend(watcher, if i % 2 == 0 { &bad } else { &good });
    }
    assert!(panics(|| drop(value)));
    assert_eq!(woken.0.load(Ordering::SeqCst), 2);
    for watcher in &mut watchers {
        assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
    }
}

#[test]
fn a_writer_that_is_dropped_by_a_panic_does_not_panic_again() {
    let value = MemoryValue::new(0);
    let mut watchers = [value.watch(), value.watch()];
    for watcher in &mut watchers {
        pend(watcher, &Waker::from(Arc::new(Bomb)));
    }
    assert!(panics(move || {
        let _value = value;
        panic!("the program's own");
    }));
    assert!(watchers[1].try_get().unwrap().unwrap_err().is_closed());
}

/// A value whose next few clones or comparisons panic.
#[derive(Debug)]
struct Fragile(u32, Arc<AtomicUsize>);

impl Fragile {
    fn touch(&self) {
        let left = &self.1;
        let had = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        assert!(had.is_err(), "fragile");
    }
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        self.touch();
        Self(self.0, Arc::clone(&self.1))
    }
}

impl PartialEq for Fragile {
    fn eq(&self, other: &Self) -> bool {
        self.touch();
        self.0 == other.0
    }
}

/// Every way of failing on the way to version 2: it is taken all the same.
fn loses_nothing<W: Watcher<Fragile>>(
    name: &str,
    value: &MemoryValue<Fragile>,
    left: &Arc<AtomicUsize>,
    mut watcher: W,
) {
    for failures in 0..4 {
        value.set(Fragile(1, Arc::clone(left)));
        assert_eq!(block_on(watcher.get()).unwrap().0, 1, "{name}");
        value.set(Fragile(2, Arc::clone(left)));
        left.store(failures, Ordering::SeqCst);
        let mut panicked = 0;
        let taken = loop {
            match catch_unwind(AssertUnwindSafe(|| watcher.try_get())) {
                Ok(taken) => break taken,
                Err(_) => panicked += 1,
            }
        };
        left.store(0, Ordering::SeqCst);
        assert_eq!(taken.unwrap_or_else(|| panic!("{name} lost it")).unwrap().0, 2, "{name}");
        assert!(panicked <= failures);
        assert!(watcher.try_get().is_none(), "{name} yields it once");
    }
}

#[test]
fn a_clone_or_a_comparison_that_panics_loses_no_version() {
    let left = Arc::new(AtomicUsize::new(0));
    let value = MemoryValue::new(Fragile(0, Arc::clone(&left)));
    let touch = |fragile: &Fragile| {
        fragile.touch();
        true
    };
    loses_nothing("a value", &value, &left, value.watch());
    loses_nothing("filter", &value, &left, value.reader().filter(touch).watch());
    loses_nothing("dedup", &value, &left, value.reader().dedup().watch());
    loses_nothing("shared", &value, &left, value.reader().shared().watch());
    let other = MemoryValue::new(Fragile(0, Arc::clone(&left)));
    let pair = value.watch().zip(other.watch());
    loses_nothing("zip", &value, &left, First(pair));
}

/// The first of each pair. A mapper in its place would be the one that the version is lost by.
struct First<W>(W);

impl<W: Watcher<(Fragile, Fragile)>> Watcher<Fragile> for First<W> {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<Fragile, Error>> {
        self.0.poll_get(cx).map_ok(|(first, _)| first)
    }
}

#[test]
fn a_version_that_a_predicate_panicked_on_comes_before_the_end() {
    let failed = AtomicUsize::new(0);
    let fails_once = |_: &u32| failed.fetch_add(1, Ordering::SeqCst) > 0 || panic!("once");
    let value = MemoryValue::new(1);
    let mut watcher = value.watch().filter(fails_once);
    assert!(panics(|| watcher.try_get()));
    drop(value);
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
}

#[test]
fn a_mapper_that_panics_leaves_an_error_in_the_versions_place() {
    let value = MemoryValue::new(1);
    let mut watcher = value.watch().map(|v| if v == 2 { panic!("2") } else { v });
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    value.set(2);
    assert!(panics(|| watcher.try_get()));
    let error = watcher.try_get().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert_eq!(error.to_string(), "the mapper panicked on this version");
    assert!(watcher.try_get().is_none(), "once");
    value.set(2);
    assert!(panics(|| watcher.try_get()));
    value.set(3);
    assert_eq!(watcher.try_get().unwrap().unwrap(), 3, "what is newer overtakes the error");
    value.set(2);
    assert!(panics(|| watcher.try_get()));
    drop(value);
    assert_eq!(watcher.try_get().unwrap().unwrap_err().kind(), ErrorKind::Panicked);
    assert!(watcher.try_get().unwrap().unwrap_err().is_closed(), "the end comes after it");
}

#[test]
fn a_decoder_that_panics_leaves_its_siblings_an_error() {
    let entry = MemoryValue::new(Entry::present("k", 1, "good"));
    let text = entry.reader().decode(|bytes: &[u8]| {
        assert_ne!(bytes, b"bad");
        Ok::<_, Error>(bytes.len())
    });
    let (mut one, mut two) = (text.watch(), text.watch());
    assert_eq!((block_on(one.get()).unwrap(), block_on(two.get()).unwrap()), (4, 4));
    entry.set(Entry::present("k", 2, "bad"));
    assert!(panics(|| one.try_get()));
    for watcher in [&mut two, &mut one, &mut text.watch()] {
        assert_eq!(block_on(watcher.get()).unwrap_err().kind(), ErrorKind::Panicked);
    }
    entry.set(Entry::present("k", 3, "good again"));
    for watcher in [&mut two, &mut one, &mut text.watch()] {
        assert_eq!(block_on(watcher.get()).unwrap(), 10);
    }
}

/// A value whose next comparison panics.
#[derive(Clone, Debug)]
struct Incomparable(u32, Arc<AtomicUsize>);

impl PartialEq for Incomparable {
    fn eq(&self, other: &Self) -> bool {
        assert_eq!(self.1.swap(0, Ordering::SeqCst), 0, "incomparable");
        self.0 == other.0
    }
}

#[test]
fn a_version_that_a_comparison_panicked_on_is_taken_by_the_next_poll_and_before_the_end() {
    let fails = Arc::new(AtomicUsize::new(0));
    let version = |n| Incomparable(n, Arc::clone(&fails));
    let value = MemoryValue::new(version(1));
    let mut watcher = value.watch().dedup();
    assert_eq!(watcher.try_get().unwrap().unwrap().0, 1);
    value.set(version(2));
    fails.store(1, Ordering::SeqCst);
    assert!(panics(|| watcher.try_get()));
    assert_eq!(watcher.try_get().unwrap().unwrap().0, 2);
    value.set(version(3));
    fails.store(1, Ordering::SeqCst);
    assert!(panics(|| watcher.try_get()));
    drop(value);
    assert_eq!(watcher.try_get().unwrap().unwrap().0, 3);
    assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
}

#[test]
fn the_only_waker_that_panics_does_not_abort_a_thread_that_is_panicking() {
    let value = MemoryValue::new(0);
    let mut watcher = value.watch();
    pend(&mut watcher, &Waker::from(Arc::new(Bomb)));
    assert!(panics(move || {
        let _value = value;
        panic!("the program's own");
    }));
    assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
}

/// Panics when it is dropped, the first time.
#[derive(Clone)]
struct Heavy(u32, Arc<AtomicUsize>);

impl PartialEq for Heavy {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Drop for Heavy {
    fn drop(&mut self) {
        let left = &self.1;
        let had = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        assert!(had.is_err() || std::thread::panicking(), "heavy");
    }
}

#[test]
fn an_older_value_that_panics_when_it_is_dropped_takes_no_version_along() {
    fn takes_two<W: Watcher<T>, T>(
        name: &str,
        mut watcher: W,
        set: impl Fn(u32),
        left: &AtomicUsize,
    ) {
        set(1);
        assert!(block_on(watcher.get()).is_ok());
        set(2);
        left.store(1, Ordering::SeqCst);
        let taken = match catch_unwind(AssertUnwindSafe(|| watcher.try_get())) {
            Ok(taken) => taken,
            Err(_) => watcher.try_get(),
        };
        left.store(0, Ordering::SeqCst);
        assert!(taken.is_some(), "{name} lost it");
    }
    let left = Arc::new(AtomicUsize::new(0));
    let value = MemoryValue::new(Heavy(0, Arc::clone(&left)));
    let set = |version| value.set(Heavy(version, Arc::clone(&left)));
    takes_two("dedup", value.watch().dedup(), set, &left);
    let other = MemoryValue::new(Heavy(0, Arc::clone(&left)));
    takes_two("zip", value.watch().zip(other.watch()), set, &left);
}

#[test]
fn a_pair_that_is_closed_stays_closed() {
    let (a, b) = (MemoryValue::<u32>::empty(), MemoryValue::new(1));
    let mut pair = a.watch().zip(b.watch());
    drop(a);
    assert!(pair.try_get().unwrap().unwrap_err().is_closed());
    b.fail(Error::new(ErrorKind::Decode, "late"));
    assert!(pair.try_get().unwrap().unwrap_err().is_closed());
}
