//! What costs memory, and what does not, by count.

use std::task::{Context, Poll, Waker};

use allocation_counter::{AllocationInfo, measure};
use event_core::{Entry, MemoryValue, ReaderExt, ValueReader, ValueWriter, Watcher, WatcherExt};
use futures_executor::block_on;

fn none(what: &str, info: &AllocationInfo) {
    assert_eq!(info.count_total, 0, "{what} allocates: {info:?}");
}

fn get_and_set_allocate_nothing<R: ValueReader<u64>>(
    name: &str,
    value: &MemoryValue<u64>,
    reader: &R,
) {
    let mut watcher = reader.watch();
    let mut cx = Context::from_waker(Waker::noop());
    while watcher.poll_get(&mut cx).is_ready() {} // the first pending poll makes the watcher's slot
    none(
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
fn get_and_set_allocate_nothing_generic_or_boxed() {
    let value = MemoryValue::new(0);
    block_on(async {}); // the executor's own thread-local
    get_and_set_allocate_nothing("a value in memory", &value, &value);
    get_and_set_allocate_nothing("boxed", &value, &value.reader().boxed());
    get_and_set_allocate_nothing("a mapping", &value, &value.reader().map(|v| v));
    get_and_set_allocate_nothing(
        "filter and dedup",
        &value,
        &value.reader().filter(|_| true).dedup(),
    );
    get_and_set_allocate_nothing("a boxed mapping", &value, &value.reader().map(|v| v).boxed());
}

#[test]
fn an_entry_is_handed_on_without_a_copy() {
    let entry = MemoryValue::new(Entry::present("k", 1, vec![7; 1000]));
    let (mut first, mut watcher) = (entry.watch(), entry.watch());
    assert!(first.try_get().is_some()); // the first to share the bytes makes their count
    none(
        "an entry",
        &measure(|| assert_eq!(watcher.try_get().unwrap().unwrap().value().unwrap().len(), 1000)),
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_watcher_polled_a_million_times_in_select_grows_nothing() {
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
                    version = watcher.get() => panic!("nobody set {version:?}"),
                    () = std::future::ready(()) => {}
                }
            }
        };
        let mut run = std::pin::pin!(run);
        measure(|| assert!(run.as_mut().poll(&mut cx).is_ready()))
    };
    none("a pending get", &info);
}

#[test]
fn watchers_that_come_and_go_leave_nothing() {
    let value = MemoryValue::new(0_u64);
    let mut cx = Context::from_waker(Waker::noop());
    let mut pend = || {
        let mut watcher = value.watch();
        assert!(matches!(watcher.poll_get(&mut cx), Poll::Ready(Ok(0))));
        assert!(watcher.poll_get(&mut cx).is_pending());
    };
    pend();
    let info = measure(|| (0..1_000_000).for_each(|_| pend()));
    none("a watcher", &info);
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
    let each = size_of_val(&watchers[0]) + usize::try_from(info.bytes_current).unwrap() / WATCHERS;
    assert!(each <= 56, "{each} bytes: {} in the watcher", size_of_val(&watchers[0]));
}
