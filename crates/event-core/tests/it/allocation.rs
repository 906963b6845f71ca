//! Which operations allocate, and how much, by a counting allocator.

use std::task::{Context, Poll, Waker};

use allocation_counter::{AllocationInfo, measure};
use event_core::{Entry, MemoryValue, ReaderExt, ValueReader, ValueWriter, Watcher, WatcherExt};
use futures_executor::block_on;

fn assert_no_allocation(what: &str, info: &AllocationInfo) {
    assert_eq!(info.count_total, 0, "{what}: {info:?}");
}

fn assert_get_and_set_allocate_nothing<R: ValueReader<u64>>(
    name: &str,
    value: &MemoryValue<u64>,
    reader: &R,
) {
    let mut watcher = reader.watch();
    let mut cx = Context::from_waker(Waker::noop());
    while watcher.poll_get(&mut cx).is_ready() {} // the first pending poll allocates the watcher's slot
    assert_no_allocation(
        name,
        &measure(|| {
            for version in 0..1000 {
                assert!(watcher.poll_get(&mut cx).is_pending());
                value.set(version);
                assert!(matches!(block_on(watcher.get()), Ok(v) if v == version));
            }
        }),
    );
}

#[test]
fn get_and_set_allocate_nothing_through_any_adapter() {
    let value = MemoryValue::new(0);
    block_on(async {}); // initializes the executor's thread-local
    assert_get_and_set_allocate_nothing("a value in memory", &value, &value);
    assert_get_and_set_allocate_nothing("boxed", &value, &value.reader().boxed());
    assert_get_and_set_allocate_nothing("a mapping", &value, &value.reader().map(|v| v));
    assert_get_and_set_allocate_nothing(
        "filter and dedup",
        &value,
        &value.reader().filter(|_| true).dedup(),
    );
    assert_get_and_set_allocate_nothing(
        "a boxed mapping",
        &value,
        &value.reader().map(|v| v).boxed(),
    );
}

#[test]
fn getting_an_entry_does_not_copy_its_bytes() {
    let entry = MemoryValue::new(Entry::present("k", 1, vec![7; 1000]));
    let (mut first, mut watcher) = (entry.watch(), entry.watch());
    assert!(first.try_get().is_some()); // sharing the bytes the first time allocates their reference count
    assert_no_allocation(
        "an entry",
        &measure(|| assert_eq!(watcher.try_get().unwrap().unwrap().value().unwrap().len(), 1000)),
    );
}

#[test]
fn waking_many_watchers_again_and_again_allocates_nothing() {
    let value = MemoryValue::new(0_u64);
    let mut watchers: Vec<_> = (0..100).map(|_| value.watch()).collect();
    let mut cx = Context::from_waker(Waker::noop());
    let mut wait_and_wake = || {
        for watcher in &mut watchers {
            while watcher.poll_get(&mut cx).is_ready() {}
        }
        value.set(1);
    };
    wait_and_wake();
    assert_no_allocation("a wake-up", &measure(|| (0..100).for_each(|_| wait_and_wake())));
}

#[tokio::test(flavor = "current_thread")]
async fn a_million_pending_gets_in_select_allocate_nothing() {
    let value = MemoryValue::new(0_u64);
    let mut watcher = value.watch();
    assert_eq!(watcher.get().await.unwrap(), 0);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(watcher.poll_get(&mut cx).is_pending());
    let info = {
        let run = async {
            for _ in 0..1_000_000 {
                tokio::select! {
                    biased;
                    version = watcher.get() => panic!("unexpected version {version:?}"),
                    () = std::future::ready(()) => {}
                }
            }
        };
        let mut run = std::pin::pin!(run);
        measure(|| assert!(run.as_mut().poll(&mut cx).is_ready()))
    };
    assert_no_allocation("a pending get", &info);
}

#[test]
fn starting_and_dropping_watchers_allocates_nothing() {
    let value = MemoryValue::new(0_u64);
    let mut cx = Context::from_waker(Waker::noop());
    let mut start_and_drop = || {
        let mut watcher = value.watch();
        assert!(matches!(watcher.poll_get(&mut cx), Poll::Ready(Ok(0))));
        assert!(watcher.poll_get(&mut cx).is_pending());
    };
    start_and_drop();
    let info = measure(|| (0..1_000_000).for_each(|_| start_and_drop()));
    assert_no_allocation("a watcher that waits and is dropped", &info);
}

#[test]
fn a_waiting_watcher_costs_at_most_56_bytes() {
    const WATCHERS: usize = 10_000;
    let value = MemoryValue::new(0_u64);
    let mut cx = Context::from_waker(Waker::noop());
    let mut watchers = Vec::with_capacity(WATCHERS);
    let info = measure(|| {
        for _ in 0..WATCHERS {
            let mut watcher = value.watch();
            assert!(watcher.poll_get(&mut cx).is_ready());
            assert!(watcher.poll_get(&mut cx).is_pending());
            watchers.push(watcher);
        }
    });
    let size = size_of_val(&watchers[0]) + usize::try_from(info.bytes_current).unwrap() / WATCHERS;
    assert!(info.count_total <= 40, "the buffer of wakers grows in too small steps: {info:?}");
    assert!(size <= 56, "{size} bytes, of which {} are the watcher", size_of_val(&watchers[0]));
}
