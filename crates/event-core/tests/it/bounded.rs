//! No poll runs without end, however fast a writer is, and no loop of gets keeps its thread for itself.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use event_core::{Error, MemoryValue, ReaderExt, ValueReader, ValueWriter, Watcher, WatcherExt};

/// Always has a newer version, as a writer that sets in between would.
#[derive(Clone)]
struct Flood(Arc<AtomicU64>);

impl Watcher<u64> for Flood {
    fn poll_get(&mut self, _: &mut Context<'_>) -> Poll<Result<u64, Error>> {
        Poll::Ready(Ok(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Fails the test from outside, where a poll that spins can't.
fn within_bound(what: &'static str, f: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        f();
        let _ = done.send(());
    });
    let ended = ended.recv_timeout(Duration::from_secs(30));
    assert!(ended.is_ok(), "{what} ran without end, or panicked");
}

#[test]
fn each_poll_does_a_bounded_number_of_rounds() {
    fn bounded<T>(what: &'static str, mut watcher: impl Watcher<T> + Send + 'static) {
        within_bound(what, move || {
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(watcher.poll_get(cx).is_pending(), "{what}");
        });
    }
    let flood = Flood(Arc::default());
    bounded("filter", flood.clone().filter(|_| false));
    bounded("dedup", flood.clone().map(|_| 0).dedup().filter(|_| false));
    bounded("get_if", GetIf(flood.clone()));
    bounded("zip", flood.clone().zip(MemoryValue::<u8>::empty().watch()));
    bounded(
        "decode",
        flood
            .clone()
            .map(|_| event_core::Entry::never_seen("k"))
            .decode(|bytes: &[u8]| Ok::<_, Error>(bytes.len())),
    );
}

struct GetIf(Flood);

impl Watcher<u64> for GetIf {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<u64, Error>> {
        std::pin::Pin::new(&mut self.0.get_if(|_| false)).poll(cx)
    }
}

/// A task that loops on `get` in a biased `select!`, on the only thread of its runtime, until the task
/// beside it has run.
fn leaves_room<T: Send + 'static>(
    what: &'static str,
    mut watcher: impl Watcher<T> + Send + 'static,
) {
    within_bound(what, move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut beside = tokio::spawn(async {});
            loop {
                tokio::select! {
                    biased;
                    _ = watcher.get() => {}
                    done = &mut beside => return done.unwrap(),
                }
            }
        });
    });
}

#[test]
fn a_loop_that_goes_on_asking_a_closed_value_leaves_room_for_other_tasks() {
    let value = MemoryValue::new(1_u64);
    let watcher = value.watch();
    let mapped = value.reader().map(|v| v).watch();
    let boxed = value.reader().filter(|_| true).dedup().boxed().watch();
    let pair = value.watch().zip(value.watch());
    drop(value);
    leaves_room("a value", watcher);
    leaves_room("a mapping", mapped);
    leaves_room("filter, dedup, boxed", boxed);
    leaves_room("zip", pair);
}

#[test]
fn a_fast_writer_leaves_room_for_other_tasks() {
    let value = MemoryValue::new(0_u64);
    let stop = Arc::new(AtomicBool::new(false));
    let writer = thread::spawn({
        let (value, stop) = (value.clone(), Arc::clone(&stop));
        move || {
            for version in 1.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                value.set(version);
            }
        }
    });
    leaves_room("filter", value.reader().filter(|v| *v == u64::MAX).watch());
    leaves_room(
        "a mapping that is filtered",
        value.reader().map(|v| v).filter(|v| *v == u64::MAX).watch(),
    );
    leaves_room(
        "zip",
        value.reader().zip(MemoryValue::<u8>::empty().reader()).filter(|_| false).watch(),
    );
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
}

#[test]
fn a_closed_value_says_so_for_ever_to_those_who_do_not_wait() {
    let value = MemoryValue::new(1);
    let mut watcher = value.watch();
    drop(value);
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    for _ in 0..1000 {
        assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
    }
}

/// A poll that stopped at its bound is not the last word for what looks by epoch.
#[test]
fn what_a_bounded_poll_left_is_found_by_latest_and_by_siblings() {
    struct Once {
        refused: u32,
        value: MemoryValue<u32>,
    }
    impl ValueReader<u32> for Once {
        type Watcher = Steps;
        fn watch(&self) -> Steps {
            Steps { left: self.refused, below: self.value.watch() }
        }
    }
    /// Yields at its bound as `filter` does, some times, then what is below.
    struct Steps {
        left: u32,
        below: event_core::MemoryWatcher<u32>,
    }
    impl Watcher<u32> for Steps {
        fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<u32, Error>> {
            if self.left > 0 {
                self.left -= 1;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.below.poll_get(cx)
        }
        fn epoch(&self) -> Option<event_core::Epoch> {
            self.below.epoch()
        }
    }
    let once = Once { refused: 5, value: MemoryValue::new(7) };
    let mut latest = once.watch().latest();
    assert!((0..10).any(|_| latest.get() == Some(&7)));
    assert_eq!(futures_executor::block_on(once.shared().get()).unwrap(), 7);
}

/// Waits for a first value again and again, as a program might that retries for ever.
struct Waits(event_core::adapters::Latest<event_core::MemoryWatcher<u32>, u32>);

impl Watcher<u32> for Waits {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<u32, Error>> {
        std::pin::pin!(self.0.wait()).poll(cx).map(|waited| waited.map(|()| 0))
    }
}

#[test]
fn a_loop_that_waits_for_the_first_value_of_a_closed_one_leaves_room_for_other_tasks() {
    let value = MemoryValue::<u32>::empty();
    let latest = value.watch().latest();
    drop(value);
    leaves_room("wait", Waits(latest));
}
