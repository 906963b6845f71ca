//! The adapters of maps.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use event_core::conformance::Subject;
use event_core::{
    Change, Error, ErrorKind, MapReader, MapReaderExt, MapWatcher, MapWatcherExt, MemoryMap,
    ReaderExt, Snapshot, ValueReader, WatcherExt,
};
use futures_executor::block_on;
use futures_util::{FutureExt, StreamExt};

/// What a watcher has yielded, and whether the map is synced.
struct Told<W> {
    watcher: W,
    keys: BTreeMap<u32, Result<u32, ErrorKind>>,
    is_synced: bool,
}

impl<W: MapWatcher<u32, u32>> Told<W> {
    fn new(watcher: W) -> Self {
        Self { watcher, keys: BTreeMap::new(), is_synced: false }
    }

    fn hears(&mut self, change: Change<u32, u32>) {
        match change {
            Change::Put { key, value } => drop(self.keys.insert(key, Ok(value))),
            Change::Failed { key, error } => drop(self.keys.insert(key, Err(error.kind()))),
            Change::Delete { key } => drop(self.keys.remove(&key)),
            Change::Synced => self.is_synced = true,
            change => panic!("{change:?}"),
        }
    }

    /// Takes what there is. A watcher that did its share is asked again.
    fn drain(&mut self) -> &BTreeMap<u32, Result<u32, ErrorKind>> {
        while let Some(change) = self.watcher.try_change() {
            self.hears(change.unwrap());
        }
        &self.keys
    }
}

#[test]
fn a_mapper_runs_once_per_version_for_all_watchers() {
    let runs = Arc::new(AtomicUsize::new(0));
    let map = MemoryMap::new();
    let mapped = map.reader().map({
        let runs = Arc::clone(&runs);
        move |_, value: u32| {
            runs.fetch_add(1, Ordering::SeqCst);
            value + 1
        }
    });
    let mut watchers: Vec<_> = (0..10).map(|_| Told::new(mapped.watch())).collect();
    for value in 0..5 {
        map.apply(|step| (0..10).for_each(|key| step.insert(key, value)));
        for told in &mut watchers {
            assert!(told.drain().values().eq([Ok(value + 1); 10].iter()));
        }
    }
    assert_eq!(runs.load(Ordering::SeqCst), 50);
}

#[test]
fn a_mapper_that_panics_leaves_an_error_of_its_key_and_the_others_go_on() {
    let map = MemoryMap::new();
    map.replace_all((0..5).map(|key| (key, key)));
    let mapped = map.reader().map(|key, value| {
        assert!(*key != 2 || value != 2, "a mapper");
        value
    });
    let mut told = Told::new(mapped.watch());
    let mut other = Told::new(mapped.watch());
    assert!(catch_unwind(AssertUnwindSafe(|| told.watcher.try_change())).is_err());
    for told in [&mut told, &mut other] {
        let keys = told.drain();
        assert_eq!(keys[&2], Err(ErrorKind::Panicked));
        assert!([0, 1, 3, 4].iter().all(|key| keys[key] == Ok(*key)));
        assert!(told.is_synced);
    }
    map.insert(2, 7);
    assert_eq!(told.drain()[&2], Ok(7));
    map.insert(2, 2);
    assert!(catch_unwind(AssertUnwindSafe(|| told.watcher.try_change())).is_err());
    map.remove(&2);
    assert!(!told.drain().contains_key(&2), "the newer version counts");
}

#[test]
fn a_filter_yields_a_delete_for_what_no_longer_passes_and_is_silent_of_the_rest() {
    let map = MemoryMap::new();
    let even = map.reader().filter(|_, value| value % 2 == 0);
    let mut watcher = even.watch();
    map.replace_all([(1, 1), (2, 2)]);
    assert!(matches!(watcher.try_change(), Some(Ok(Change::Put { key: 2, value: 2 }))));
    assert!(matches!(watcher.try_change(), Some(Ok(Change::Synced))));
    map.insert(1, 3);
    assert!(watcher.try_change().is_none());
    map.insert(2, 3);
    assert!(matches!(watcher.try_change(), Some(Ok(Change::Delete { key: 2 }))));
    map.insert(1, 4);
    assert!(matches!(watcher.try_change(), Some(Ok(Change::Put { key: 1, value: 4 }))));
    map.fail(1, Error::new(ErrorKind::Invalid, "bad"));
    assert!(matches!(watcher.try_change(), Some(Ok(Change::Failed { key: 1, .. }))));
    map.remove(&1);
    assert!(matches!(watcher.try_change(), Some(Ok(Change::Delete { key: 1 }))));
    assert!(watcher.try_change().is_none());
}

/// A poll that skips thousands of keys stops, and no step is taken for whole before it is.
#[test]
fn filter_keys_does_its_share_and_shows_whole_steps() {
    let map = MemoryMap::new();
    map.replace_all((0..10_000).map(|key| (key, 0)));
    let few = map.reader().filter_keys(|key| key % 5000 == 0);
    let mut told = Told::new(few.watch());
    let cx = &mut Context::from_waker(Waker::noop());
    let mut polls = 0;
    for version in 1..=3 {
        while let Poll::Ready(change) = told.watcher.poll_change(cx) {
            told.hears(change.unwrap());
            polls += 1;
        }
        assert!(told.is_synced);
        assert!(told.keys.values().eq([Ok(version - 1); 2].iter()), "{:?}", told.keys);
        map.apply(|step| (0..10_000).for_each(|key| step.insert(key, version)));
    }
    assert!(polls < 60, "{polls}");
    let batch = told.watcher.changes().now_or_never().unwrap().unwrap();
    assert!(batch.len() < 20, "{}", batch.len());
    assert_eq!(
        few.snapshot()
            .now_or_never()
            .unwrap_or_else(|| { futures_executor::block_on(few.snapshot()) })
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_large_map_goes_through_a_stage_in_shares() {
    let map = MemoryMap::new();
    map.replace_all((0..5000).map(|key| (key, key)));
    let mapped = map.reader().map(|_, value| value);
    let mut watcher = mapped.watch();
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(watcher.poll_change(cx).is_pending(), "it did its share");
    let snapshot = futures_executor::block_on(mapped.snapshot()).unwrap();
    assert_eq!(snapshot.len(), 5000);
    // A step that takes many shares is one step.
    map.replace_all((0..5000).map(|key| (key, key + 1)));
    let mut told = Told::new(watcher);
    futures_executor::block_on(async {
        while !told.is_synced {
            let change = told.watcher.change().await.unwrap();
            told.hears(change);
        }
        map.replace_all((0..5000).map(|key| (key, 70_000)));
        let batch = told.watcher.changes().await.unwrap();
        assert_eq!(batch.len(), 5000);
    });
}

#[test]
fn a_stage_is_freed_with_its_last_watcher() {
    let map = MemoryMap::new();
    let value = Arc::new(());
    map.insert(1, Arc::clone(&value));
    let mapped = map.reader().map(|_, value| value);
    let mut watcher = mapped.watch();
    assert!(watcher.try_change().is_some());
    drop(watcher);
    assert_eq!(Arc::strong_count(&value), 2);
}

#[test]
fn a_current_map_is_at_hand_after_each_step() {
    let map = MemoryMap::unsynced();
    let current = map.current();
    map.insert("a", 1);
    assert!(!current.is_synced() && current.is_empty());
    assert_eq!(current.get("a"), None);
    map.set_synced();
    assert!(current.is_synced());
    assert_eq!(current.get("a"), Some(1));
    map.apply(|step| {
        step.remove("a");
        step.insert("b", 2);
    });
    assert_eq!((current.get("a"), current.get("b"), current.len()), (None, Some(2), 1));
    drop(map);
    assert_eq!(current.snapshot().iter().count(), 1, "the last step stays");
    let unsynced = MemoryMap::<u8, u8>::unsynced();
    let current = unsynced.current();
    drop(unsynced);
    assert!(futures_executor::block_on(current.wait_until_synced()).unwrap_err().is_closed());
}

#[test]
fn a_snapshot_has_errors_ranges_and_a_revision() {
    let map = MemoryMap::new();
    map.replace_all((0..10).map(|key| (key, key)));
    map.fail(3, Error::new(ErrorKind::Decode, "bad"));
    let value = map.reader().as_value();
    let mut watcher = value.watch();
    let first = watcher.try_get().unwrap().unwrap();
    assert_eq!((first.len(), first.revision()), (9, 1));
    assert!(first.get(&3).is_none() && first.contains_key(&3));
    assert_eq!(first.error(&3).unwrap().kind(), ErrorKind::Decode);
    assert_eq!(first.errors().count(), 1);
    assert!(first.range(2..=4).map(|(key, _)| *key).eq([2, 4]));
    assert!(first.iter().rev().map(|(key, _)| *key).eq([9, 8, 7, 6, 5, 4, 2, 1, 0]));
    assert_eq!(first.changed_since(&first.clone()).count(), 0);

    map.insert(3, 33);
    map.remove(&9);
    map.fail(0, Error::new(ErrorKind::Decode, "bad"));
    let second = watcher.try_get().unwrap().unwrap();
    assert_eq!((second.len(), second.revision()), (9, 2));
    assert_eq!(second.get(&0), Some(&0), "the last good value stays");
    assert!(second.error(&0).is_some() && second.error(&3).is_none());
    let changes: Vec<_> = second.changed_since(&first).collect();
    assert!(matches!(changes[0], Change::Failed { key: &0, .. }));
    assert!(matches!(changes[1], Change::Put { key: &3, value: &33 }));
    assert!(matches!(changes[2], Change::Delete { key: &9 }));
    assert_eq!(changes.len(), 3);
    assert_eq!(first.get(&9), Some(&9), "an older snapshot stays as it is");
    assert!(!second.is_same(&first) && second.is_same(&second.clone()));

    let stranger = map.snapshot().now_or_never().unwrap().unwrap();
    assert_eq!(stranger.get(&0), None, "it has seen no good value");
    assert_eq!(stranger.changed_since(&second).count(), 9, "all count as changed");
    assert!(!format!("{second:?}").contains("33"));
}

#[test]
fn a_key_is_a_value_that_is_there_or_not() {
    let map = MemoryMap::unsynced();
    let mut one = map.reader().key(1).watch();
    map.insert(2, 2);
    assert!(one.try_get().is_none(), "it may still come");
    map.set_synced();
    assert_eq!(one.try_get().unwrap().unwrap(), None);
    map.insert(1, 1);
    map.insert(1, 2);
    assert_eq!(one.try_get().unwrap().unwrap(), Some(2));
    map.insert(2, 3);
    assert!(one.try_get().is_none());
    map.fail(1, Error::new(ErrorKind::Decode, "bad"));
    assert_eq!(one.try_get().unwrap().unwrap_err().kind(), ErrorKind::Decode);
    map.remove(&1);
    assert_eq!(one.try_get().unwrap().unwrap(), None);
    map.insert(1, 1);
    map.remove(&1);
    let _ = one.try_get();
    map.insert(1, 4);
    drop(map);
    assert_eq!(one.try_get().unwrap().unwrap(), Some(4));
    assert!(one.try_get().unwrap().unwrap_err().is_closed());
}

/// The laws of values, on one key of a map, and on the whole map as a value.
mod value_laws {
    use super::*;

    struct OneKey(Option<MemoryMap<u8, u64>>);

    impl Subject for OneKey {
        async fn set(&mut self, version: u64) {
            self.0.as_ref().unwrap().insert(1, version);
        }

        async fn spoil(&mut self) -> bool {
            self.0.as_ref().unwrap().fail(1, Error::new(ErrorKind::Decode, "spoilt"));
            true
        }

        async fn end(&mut self) -> bool {
            self.0 = None;
            true
        }

        async fn held(&mut self) -> usize {
            0
        }
    }

    /// Never synced: a key that is not there yields nothing.
    fn key() -> (impl ValueReader<u64, Watcher: Send>, OneKey) {
        let map = MemoryMap::unsynced();
        (map.reader().key(1).map(Option::unwrap_or_default), OneKey(Some(map)))
    }

    event_core::conformance_tests!(one_key, key);
}

/// Random steps over all stages at once, with watchers that come, poll and go.
#[test]
fn whatever_happens_a_stage_shows_the_map_as_of_a_step() {
    for seed in 0..100 {
        let mut random = fastrand::Rng::with_seed(seed);
        let map = MemoryMap::new();
        let staged =
            map.reader().map(|_, value: u32| value * 2).filter(|_, value| value % 3 != 0).shared();
        let mut truth = BTreeMap::new();
        let mut watchers = Vec::new();
        for version in 0..300 {
            match random.u8(..6) {
                0..3 => map.apply(|step| {
                    for _ in 0..random.usize(1..6) {
                        let key = random.u32(..12);
                        if random.bool() {
                            step.insert(key, version);
                            truth.insert(key, version);
                        } else {
                            step.remove(key);
                            truth.remove(&key);
                        }
                    }
                }),
                3 if watchers.len() < 5 => watchers.push(Told::new(staged.watch())),
                4 if random.bool() && !watchers.is_empty() => {
                    watchers.swap_remove(random.usize(..watchers.len()));
                }
                _ if watchers.is_empty() => {}
                _ => {
                    let which = random.usize(..watchers.len());
                    let keys = watchers[which].drain();
                    let expected = truth.iter().map(|(key, value)| (*key, Ok(value * 2)));
                    let expected: BTreeMap<_, _> =
                        expected.filter(|(_, value)| value.unwrap() % 3 != 0).collect();
                    assert_eq!(*keys, expected, "seed {seed}");
                }
            }
        }
    }
}

/// The names of the groups and how many keys each has, as a batch puts them; 0 is a deletion.
fn sizes(
    batch: Vec<Change<&'static str, Snapshot<&'static str, i32>>>,
) -> Vec<(&'static str, usize)> {
    let size = |change: Change<_, Snapshot<_, _>>| match change {
        Change::Put { key, value } => Some((key, value.len())),
        Change::Delete { key } => Some((key, 0)),
        _ => None,
    };
    batch.into_iter().filter_map(size).collect()
}

fn folder(key: &&'static str) -> Option<&'static str> {
    key.split_once('/').map(|(folder, _)| folder)
}

#[test]
fn a_group_is_there_while_it_has_keys_and_changes_once_a_step() {
    let map = MemoryMap::new();
    map.replace_all([("a/1", 1), ("a/2", 2), ("b/1", 3), ("alone", 4)]);
    let mut watcher = map.reader().group_by(folder).watch();
    let mut batch = || block_on(watcher.changes()).map(sizes).unwrap();
    let mut first = batch();
    first.sort_unstable();
    assert_eq!(first, [("a", 2), ("b", 1)]);
    map.apply(|step| {
        step.insert("b/1", 30);
        step.remove("a/1");
        step.insert("b/2", 4);
        step.insert("alone", 5);
    });
    assert_eq!(batch(), [("a", 1), ("b", 2)]);
    map.apply(|step| {
        step.remove("a/2");
        step.insert("c/1", 1);
    });
    assert_eq!(batch(), [("a", 0), ("c", 1)]);
    map.insert("a/3", 1);
    assert_eq!(batch(), [("a", 1)]);
}

#[test]
fn a_bad_version_leaves_the_last_good_value_at_hand_until_a_good_one_or_a_delete() {
    let map = MemoryMap::new();
    let bad = || Error::new(ErrorKind::Decode, "bad");
    let current = map.reader().current();
    map.insert("a", 1);
    assert_eq!(current.get("a"), Some(1));
    map.fail("a", bad());
    map.fail("b", bad());
    let snapshot = current.snapshot();
    assert_eq!((current.get("a"), snapshot.len()), (Some(1), 1));
    assert!(snapshot.errors().map(|(key, _)| *key).eq(["a", "b"]));
    map.insert("a", 2);
    map.remove(&"b");
    let snapshot = current.snapshot();
    assert_eq!((current.get("a"), snapshot.errors().count()), (Some(2), 0));
    assert!(!snapshot.contains_key("b"));
    map.fail("a", bad());
    map.remove(&"a");
    assert!(current.is_empty() && !current.snapshot().contains_key("a"));
}

#[test]
fn a_group_whose_only_key_is_bad_is_there() {
    let map = MemoryMap::<&str, i32>::new();
    map.fail("a/1", Error::new(ErrorKind::Decode, "bad"));
    let groups = block_on(map.reader().group_by(folder).snapshot()).unwrap();
    let group = groups.get("a").unwrap();
    assert_eq!((group.len(), group.errors().count()), (0, 1));
}

#[test]
fn a_function_that_panics_is_called_again_for_its_key() {
    let map = MemoryMap::new();
    map.replace_all([("a/1", 1), ("b/1", 2)]);
    let panics = Arc::new(AtomicBool::new(true));
    let groups = map.reader().group_by(move |key: &&'static str| {
        assert!(!panics.swap(false, Ordering::Relaxed), "once");
        folder(key)
    });
    let mut watcher = groups.watch();
    catch_unwind(AssertUnwindSafe(|| watcher.try_change())).unwrap_err();
    let mut seen = sizes(block_on(watcher.changes()).unwrap());
    seen.sort_unstable();
    assert_eq!(seen, [("a", 1), ("b", 1)]);
}

#[test]
fn a_change_comes_with_the_value_that_was_yielded_before_it() {
    let map = MemoryMap::new();
    let mut watcher = map.watch().with_previous();
    let mut next = || block_on(watcher.update()).unwrap().previous;
    assert_eq!(next(), None); // synced
    map.insert("a", 1);
    assert_eq!(next(), None);
    map.insert("a", 2);
    map.insert("a", 3);
    assert_eq!(next(), Some(1)); // the second was skipped
    map.fail("a", Error::new(ErrorKind::Decode, "bad"));
    assert_eq!(next(), Some(3));
    map.insert("a", 4);
    assert_eq!(next(), Some(3));
    map.remove("a");
    assert_eq!(next(), Some(4));
    map.insert("a", 5);
    assert_eq!(next(), None);
}

#[test]
fn a_balancer_keeps_the_service_of_a_key_that_is_bad_now() {
    use tower::discover::Change::{Insert, Remove};
    let map = MemoryMap::new();
    map.insert("a", 1);
    let mut services = map.watch().into_discover(|_, value| value);
    let mut next = || block_on(services.next()).map(Result::unwrap);
    assert!(matches!(next(), Some(Insert("a", 1))));
    map.fail("a", Error::new(ErrorKind::Decode, "bad"));
    map.insert("b", 2);
    assert!(matches!(next(), Some(Insert("b", 2))));
    map.remove("a");
    assert!(matches!(next(), Some(Remove("a"))));
    drop(map);
    assert!(next().is_none());
    assert!(next().is_none());
}

#[test]
fn a_call_of_current_shows_a_change_of_a_thousand_keys_through_a_mapper() {
    let map = MemoryMap::new();
    let fill = |value: i32| map.replace_all((0..1000).map(|key| (key, value)));
    fill(1);
    let current = map.reader().map(|_, value| value * 10).current();
    assert_eq!(current.get(&999), Some(10));
    fill(2);
    assert_eq!((current.get(&0), current.get(&999)), (Some(20), Some(20)));
    // Of many more, each call takes a share, and shows whole steps only.
    map.replace_all((0..20_000).map(|key| (key, 3)));
    let calls = (0..30).take_while(|_| current.get(&0) == Some(20)).count();
    assert!((10..30).contains(&calls), "{calls}");
    assert_eq!((current.len(), current.get(&19_999)), (20_000, Some(30)));
}
