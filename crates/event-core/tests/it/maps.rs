//! The map in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use event_core::{
    BoxMapReader, BoxMapWatcher, Change, Error, ErrorKind, MapReader, MapReaderExt, MapWatcher,
    MapWatcherExt, MemoryMap,
};
use futures_util::{FutureExt, StreamExt};

use crate::woken::Woken;

/// The keys that are there, as the changes tell them.
fn told<K: Ord, V>(changes: Vec<Change<K, V>>) -> BTreeMap<K, V> {
    let mut keys = BTreeMap::new();
    for change in changes {
        match change {
            Change::Put { key, value } => drop(keys.insert(key, value)),
            Change::Delete { key } | Change::Failed { key, .. } => drop(keys.remove(&key)),
            _ => {}
        }
    }
    keys
}

#[test]
fn a_step_wakes_once_and_nobody_without_a_change() {
    let map = MemoryMap::new();
    let mut watcher = map.watch();
    let woken = Arc::new(Woken::default());
    let waker = woken.waker();
    let cx = &mut Context::from_waker(&waker);
    assert!(watcher.poll_change(cx).is_ready());
    assert!(watcher.poll_change(cx).is_pending());
    map.apply(|step| (0..10).for_each(|key| step.insert(key, key)));
    assert_eq!(woken.take(), 1);
    assert!(watcher.poll_changes(cx, 100, &mut Vec::new()).is_pending());
    map.apply(|step| step.remove(77));
    map.replace_all((0..10).map(|key| (key, key)));
    assert_eq!(woken.take(), 0);
    map.replace_all((0..9).map(|key| (key, key)));
    assert_eq!(woken.take(), 1);
}

#[test]
fn of_several_changes_of_a_key_in_a_step_the_last_one_counts() {
    let map = MemoryMap::new();
    map.apply(|step| {
        step.insert("a", 1);
        step.remove("a");
        step.remove("b");
        step.insert("b", 2);
        step.fail("c", Error::new(ErrorKind::Decode, "bad"));
        step.insert("c", 3);
        step.fail("c", Error::closed()); // is ignored
    });
    let changes = map.watch().changes().now_or_never().unwrap().unwrap();
    assert_eq!(told(changes), BTreeMap::from([("b", 2), ("c", 3)]));
}

#[test]
fn keys_come_in_the_order_of_their_last_change() {
    let map = MemoryMap::new();
    for key in ["a", "b", "c", "d"] {
        map.insert(key, 0);
    }
    map.insert("b", 1);
    map.remove("c");
    map.insert("a", 1);
    let changes = map.watch().changes().now_or_never().unwrap().unwrap();
    let keys: Vec<_> = changes.iter().filter_map(Change::key).collect();
    assert_eq!(keys, [&"d", &"b", &"a"]);
}

#[test]
fn an_end_has_its_reason_and_comes_after_the_last_changes() {
    let map = MemoryMap::unsynced();
    let mut watcher = map.watch();
    map.insert("a", 1);
    let other = map.clone();
    map.end("not the last one");
    other.set_synced();
    other.end("the test is over");
    assert_eq!(watcher.changes().now_or_never().unwrap().unwrap().len(), 2);
    for _ in 0..10 {
        let end = watcher.change().now_or_never().unwrap().unwrap_err();
        assert!(end.is_closed());
        assert_eq!(end.to_string(), "the test is over");
    }
}

#[test]
fn a_map_that_ends_before_it_was_synced_says_so() {
    let map = MemoryMap::<u8, u8>::unsynced();
    let mut watcher = map.watch();
    drop(map);
    assert!(watcher.wait_until_synced().now_or_never().unwrap().unwrap_err().is_closed());
}

#[test]
fn a_reader_that_an_adapter_owns_writes_no_more() {
    let mut map = MemoryMap::new();
    let reader = map.reader();
    map.insert(1, 1);
    map.stop_writing();
    map.insert(2, 2);
    assert!(!map.remove(&1));
    map.apply(|step| step.insert(3, 3));
    map.replace_all([(4, 4)]);
    let clone = map.clone();
    drop(map);
    clone.insert(5, 5);
    let changes = reader.watch().changes().now_or_never().unwrap().unwrap();
    assert_eq!(told(changes), BTreeMap::from([(1, 1)]));
}

#[test]
fn the_streams_end_with_the_map() {
    let map = MemoryMap::new();
    map.replace_all((0..20_000).map(|key| (key, ())));
    let (changes, batches) = (map.watch().into_stream(), map.watch().into_batches());
    drop(map);
    futures_executor::block_on(async {
        assert_eq!(changes.count().await, 20_001);
        assert_eq!(batches.map(|batch| batch.len()).collect::<Vec<_>>().await, [20_001]);
    });
}

#[test]
fn a_map_and_its_watcher_can_be_erased() {
    fn assert_auto<T: Send + Sync + Unpin>() {}
    assert_auto::<MemoryMap<u8, u8>>();
    assert_auto::<event_core::MemoryMapReader<u8, u8>>();
    assert_auto::<event_core::MemoryMapWatcher<u8, u8>>();
    assert_auto::<BoxMapReader<u8, u8>>();
    let map = MemoryMap::new();
    map.insert(1, 1);
    let reader: BoxMapReader<u8, u8> = map.reader().boxed().boxed();
    let mut watcher: BoxMapWatcher<u8, u8> = reader.watch().boxed();
    assert!(watcher.epoch().is_some());
    assert_eq!(watcher.changes().now_or_never().unwrap().unwrap().len(), 2);
}

/// A value whose `drop` uses its map.
struct Nasty(MemoryMap<u32, Option<Arc<Nasty>>>);

impl Drop for Nasty {
    fn drop(&mut self) {
        self.0.insert(1000, None);
    }
}

/// A value whose `clone` panics on demand.
#[derive(Debug)]
struct Panicky(u32, Arc<AtomicBool>);

impl Clone for Panicky {
    fn clone(&self) -> Self {
        assert!(!self.1.load(Ordering::Relaxed), "a clone");
        Self(self.0, Arc::clone(&self.1))
    }
}

#[test]
fn a_clone_that_panics_loses_nothing() {
    let panics = Arc::new(AtomicBool::new(false));
    let map = MemoryMap::new();
    (0..3).for_each(|key| map.insert(key, Panicky(key, Arc::clone(&panics))));
    let mut watcher = map.watch();
    assert!(watcher.try_change().is_some());
    panics.store(true, Ordering::Relaxed);
    let poll = std::panic::AssertUnwindSafe(|| watcher.try_change());
    assert!(std::panic::catch_unwind(poll).is_err());
    panics.store(false, Ordering::Relaxed);
    map.insert(3, Panicky(3, Arc::clone(&panics)));
    let mut keys = Vec::new();
    let cx = &mut Context::from_waker(Waker::noop());
    while let Poll::Ready(change) = watcher.poll_change(cx) {
        keys.extend(change.unwrap().key().copied());
    }
    assert_eq!(keys, [1, 2, 3]);
}

#[test]
fn what_is_replaced_is_dropped_without_the_lock() {
    let map = MemoryMap::new();
    let nasty = || Some(Arc::new(Nasty(map.clone())));
    map.insert(1, nasty());
    map.insert(1, nasty());
    map.remove(&1);
    map.apply(|step| (0..5).for_each(|key| step.insert(key, nasty())));
    map.apply(|step| (0..5).for_each(|key| step.remove(key)));
    let changes = map.watch().changes().now_or_never().unwrap().unwrap();
    assert_eq!(changes.len(), 2);
    assert!(changes.iter().all(|change| change.key().is_none_or(|key| *key == 1000)));
}

/// A writer in a tight loop can't keep a batch from its end.
#[test]
fn a_batch_ends_while_a_writer_writes() {
    let map = MemoryMap::new();
    map.replace_all((0..5000).map(|key| (key, 0)));
    let mut watcher = map.watch();
    let stop = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            for version in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                map.apply(|step| {
                    step.insert(1, version);
                    step.insert(2, version);
                });
            }
        }
    });
    let mut keys = BTreeMap::new();
    for _ in 0..50 {
        for change in futures_executor::block_on(watcher.changes()).unwrap() {
            if let Change::Put { key, value } = change {
                keys.insert(key, value);
            }
        }
        assert_eq!(keys[&1], keys[&2], "half a step");
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
}
