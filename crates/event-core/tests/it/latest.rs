//! `latest`: reading the newest value without waiting.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use allocation_counter::measure;
use event_core::adapters::Latest;
use event_core::{
    Entry, Epoch, Error, ErrorKind, MemoryValue, ReaderExt, ValueReader, ValueWriter, Watcher,
    WatcherExt,
};
use futures_executor::block_on;
use futures_util::future::join;

#[test]
fn a_read_returns_the_newest_value_after_one_set_or_several() {
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
fn an_error_is_kept_beside_the_last_good_value() {
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
fn wait_returns_once_there_is_a_good_value() {
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
    assert_eq!(latest.get(), None, "dropping a wait lost a wake-up");
    assert_eq!(latest.error().unwrap().kind(), ErrorKind::Decode);

    let set = async { entry.set(Entry::present("limit", 2, "10")) };
    let ((), first) = block_on(join(set, latest.wait()));
    first.unwrap();
    assert_eq!(latest.get().map(String::as_str), Some("10"));
    entry.set(Entry::present("limit", 3, "20"));
    block_on(latest.wait()).unwrap();
    assert_eq!(
        latest.get().map(String::as_str),
        Some("20"),
        "expected the newest value, not the first"
    );
    entry.set(Entry::present("limit", 4, vec![0xff]));
    block_on(latest.wait()).unwrap();
    let (value, error) = latest.get_with_error();
    assert_eq!((value.map(String::as_str), error.unwrap().kind()), (Some("20"), ErrorKind::Decode));
    entry.set(Entry::present("limit", 5, "20"));
    assert_eq!(latest.get().map(String::as_str), Some("20"));
}

#[test]
fn reads_continue_after_a_mapper_panicked() {
    let refuse = |version| if version == 2 { panic!("2") } else { version };
    let value = MemoryValue::new(1);
    assert_continues_after_a_panic(&value, value.watch().map(refuse).latest());
    value.set(1);
    assert_continues_after_a_panic(&value, value.reader().map(refuse).watch().latest());
}

fn assert_continues_after_a_panic(
    value: &MemoryValue<i32>,
    mut latest: Latest<impl Watcher<i32>, i32>,
) {
    for _ in 0..2 {
        assert_eq!(latest.get(), Some(&1));
    }
    value.set(2);
    assert!(catch_unwind(AssertUnwindSafe(|| latest.get().copied())).is_err());
    value.set(3);
    assert_eq!(latest.get(), Some(&3));
}

#[test]
fn without_a_good_value_wait_returns_each_error_once() {
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

    fn epoch(&self) -> Option<Epoch> {
        self.0.epoch()
    }
}

#[test]
fn the_value_is_polled_only_if_it_may_have_changed() {
    let value = MemoryValue::new(1);
    let mut counted = Counted(value.watch(), 0);
    let mut latest = (&mut counted).latest();
    let read = measure(|| (0..1000).for_each(|_| assert_eq!(latest.get(), Some(&1))));
    value.set(2);
    (0..1000).for_each(|_| assert_eq!(latest.get(), Some(&2)));
    drop(value);
    (0..1000).for_each(|_| assert_eq!(latest.get(), Some(&2)));
    drop(latest);
    assert_eq!(counted.1, 5, "expected: value, pending, value, pending, closed");
    assert!(read.count_total <= 1, "only the waker's slot may allocate: {read:?}");
}

#[test]
fn through_any_adapter_a_read_polls_only_if_the_value_may_have_changed() {
    let value = MemoryValue::empty();
    let reader = value.reader();
    let bytes = |v: u64| Entry::present("k", 1, v.to_string());
    assert_polls_only_changes("map", &value, reader.watch().map(|v| v));
    assert_polls_only_changes("filter", &value, reader.watch().filter(|_| true));
    assert_polls_only_changes("dedup", &value, reader.watch().dedup());
    assert_polls_only_changes("decode", &value, reader.watch().map(bytes).decode(text));
    assert_polls_only_changes("zip", &value, reader.watch().zip(MemoryValue::new(()).watch()));
    assert_polls_only_changes("boxed", &value, reader.clone().boxed().watch());
    assert_polls_only_changes("shared", &value, reader.shared().watch());
}

fn assert_polls_only_changes<T>(name: &str, value: &MemoryValue<u64>, watcher: impl Watcher<T>) {
    let mut counted = Counted(watcher, 0);
    let mut latest = (&mut counted).latest();
    for version in 0..3 {
        value.set(version);
        for _ in 0..100 {
            assert!(latest.get().is_some(), "{name}");
        }
    }
    drop(latest);
    assert_eq!(counted.1, 6, "{name}: expected a value and a pending poll for each version");
}

/// A task that reads when it is woken.
struct Reads<W> {
    latest: Mutex<Latest<W, u64>>,
    read: AtomicU64,
}

impl<W: Watcher<u64> + Send> Wake for Reads<W> {
    fn wake(self: Arc<Self>) {
        let read = self.latest.lock().unwrap().get().copied();
        self.read.store(read.unwrap(), Ordering::SeqCst);
    }
}

#[test]
fn a_read_sees_a_version_that_another_task_was_woken_for_earlier() {
    let value = MemoryValue::empty();
    let reader = value.reader();
    let pair = reader.watch().zip(MemoryValue::new(()).watch());
    assert_sees_it("a value", &value, reader.watch());
    assert_sees_it("filter", &value, reader.watch().filter(|_| true));
    assert_sees_it("dedup", &value, reader.watch().dedup());
    assert_sees_it("zip and map", &value, pair.map(|(v, ())| v));
    assert_sees_it("boxed", &value, reader.clone().boxed().watch());
    assert_sees_it("shared", &value, reader.shared().watch());
}

fn assert_sees_it<W>(name: &str, value: &MemoryValue<u64>, watcher: W)
where
    W: Watcher<u64> + Send + 'static,
{
    value.set(1);
    let latest = Mutex::new(watcher.latest());
    let task = Arc::new(Reads { latest, read: AtomicU64::new(0) });
    let waker = Waker::from(Arc::clone(&task));
    let mut first = value.watch();
    while first.poll_get(&mut Context::from_waker(&waker)).is_ready() {}
    for _ in 0..2 {
        assert_eq!(task.latest.lock().unwrap().get(), Some(&1), "{name}");
    }
    value.set(2); // wakes the task, and only then raises the flag of its `latest`
    assert_eq!(task.read.load(Ordering::SeqCst), 2, "{name}");
}

#[test]
fn once_set_returned_a_read_on_another_thread_sees_it() {
    let value = MemoryValue::new(0_u64);
    let mut latest = value.watch().latest();
    let (sent, received) = std::sync::mpsc::sync_channel(0);
    let reader = std::thread::spawn(move || {
        for version in received {
            assert!(*latest.get().unwrap() >= version);
        }
    });
    for version in 1..=10_000 {
        value.set(version);
        sent.send(version).unwrap();
    }
    drop(sent);
    reader.join().unwrap();
}

/// Its epoch never moves: a newer version shows itself by a wake-up alone.
#[derive(Clone, Default)]
struct WakesOnly(Arc<Mutex<(Option<u32>, Option<Waker>)>>);

impl WakesOnly {
    fn set(&self, version: u32) {
        let mut state = self.0.lock().unwrap();
        state.0 = Some(version);
        let waker = state.1.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Watcher<u32> for WakesOnly {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<u32, Error>> {
        let mut state = self.0.lock().unwrap();
        state.1 = Some(cx.waker().clone());
        state.0.take().map_or(Poll::Pending, |version| Poll::Ready(Ok(version)))
    }

    fn epoch(&self) -> Option<Epoch> {
        Some(Epoch::default())
    }
}

impl ValueReader<u32> for WakesOnly {
    type Watcher = Self;

    fn watch(&self) -> Self {
        self.clone()
    }
}

#[test]
fn a_wake_up_without_a_new_epoch_counts() {
    let (direct, shared) = (WakesOnly::default(), WakesOnly::default());
    let reader = shared.clone().shared();
    let (mut latest, mut of_shared) = (direct.clone().latest(), reader.watch().latest());
    for version in 0..5 {
        direct.set(version);
        shared.set(version);
        assert_eq!(latest.get(), Some(&version));
        assert_eq!(of_shared.get(), Some(&version));
        assert_eq!(latest.get(), Some(&version));
    }
}
