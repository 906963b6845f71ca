//! The map against a model, and its memory against its bound.

mod model;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::log::Sizes;
use super::*;
use crate::Change;

type Map = MapCell<u32, u32>;

/// A watcher, which frees its place when it is dropped.
struct Watching {
    cell: Arc<Map>,
    cursor: MapCursor,
}

impl Watching {
    fn of(cell: &Arc<Map>) -> Self {
        Self { cell: Arc::clone(cell), cursor: cell.watch() }
    }

    fn poll(&mut self) -> Poll<Result<Change<u32, u32>, Error>> {
        self.cell.poll_change(&mut self.cursor, &mut Context::from_waker(Waker::noop()))
    }

    /// Takes all that there is. Returns how many changes that were.
    fn drain(&mut self) -> usize {
        std::iter::from_fn(|| match self.poll() {
            Poll::Ready(change) => Some(change.unwrap()),
            Poll::Pending => None,
        })
        .count()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.cell.unregister(&mut self.cursor);
    }
}

impl Map {
    fn sizes(&self) -> Sizes {
        let state = self.state.lock();
        state.log.is_whole();
        state.log.sizes()
    }

    fn needed(&self) -> usize {
        let state = self.state.lock();
        state.log.needed(&state.cursors)
    }

    fn is_within_its_bound(&self) {
        let (sizes, needed) = (self.sizes(), self.needed());
        let watchers = self.state.lock().cursors.len();
        let Sizes { present, tombstones, log } = sizes;
        assert!(tombstones <= 2 * needed + watchers + 64, "{sizes:?}, {needed} needed");
        assert!(log <= 2 * (present + tombstones) + 64, "{sizes:?}");
    }
}

#[test]
fn a_key_that_changes_while_a_watcher_sleeps_takes_no_memory() {
    let map = Arc::new(Map::new(true));
    map.put(1, Ok(0));
    let mut sleeper = Watching::of(&map);
    assert_eq!(sleeper.drain(), 2);
    for version in 1..=10_000 {
        map.put(1, Ok(version));
    }
    let sizes = map.sizes();
    assert!(sizes.log <= 66, "{sizes:?}");
    assert!(matches!(sleeper.poll(), Poll::Ready(Ok(Change::Put { key: 1, value: 10_000 }))));
    assert_eq!(sleeper.drain(), 0);
}

#[test]
fn keys_that_come_and_go_while_a_watcher_sleeps_take_no_memory() {
    let map = Arc::new(Map::new(true));
    for key in 0..100 {
        map.put(key, Ok(0));
    }
    let mut sleeper = Watching::of(&map);
    assert_eq!(sleeper.drain(), 101);
    let mut awake = Watching::of(&map);
    for key in 1000..11_000 {
        map.put(key, Ok(0));
        awake.drain();
        map.delete(&key);
        awake.drain();
        let Sizes { tombstones, log, .. } = map.sizes();
        assert!(tombstones <= 66 && log <= 2 * (100 + 66) + 64);
    }
    for key in 0..100 {
        map.delete(&key);
    }
    assert_eq!(awake.drain(), 100);
    map.is_within_its_bound();
    assert!(map.sizes().tombstones >= 100, "the sleeper has to hear of them");
    let told = sleeper.drain();
    assert!((100..=166).contains(&told), "{told}");
    map.is_within_its_bound();
}

#[test]
fn the_tombstones_go_with_the_watcher_that_needed_them() {
    let map = Arc::new(Map::new(true));
    (0..1000).for_each(|key| map.put(key, Ok(0)));
    let (mut one, mut two) = (Watching::of(&map), Watching::of(&map));
    one.drain();
    two.drain();
    (0..1000).for_each(|key| assert!(map.delete(&key)));
    assert_eq!(map.sizes().tombstones, 1000);
    drop(one);
    assert_eq!(map.sizes().tombstones, 1000);
    drop(two);
    assert_eq!(map.sizes(), Sizes { present: 0, tombstones: 0, log: map.sizes().log });
    map.is_within_its_bound();
}

#[test]
fn a_new_watcher_is_not_told_of_keys_that_are_gone() {
    let map = Arc::new(Map::new(true));
    map.put(1, Ok(1));
    map.put(2, Ok(2));
    let mut early = Watching::of(&map);
    early.drain();
    map.delete(&1);
    let mut late = Watching::of(&map);
    assert!(matches!(late.poll(), Poll::Ready(Ok(Change::Put { key: 2, .. }))));
    assert!(matches!(late.poll(), Poll::Ready(Ok(Change::Synced))));
    assert!(late.poll().is_pending());
    assert!(matches!(early.poll(), Poll::Ready(Ok(Change::Delete { key: 1 }))));
}

#[test]
fn the_memory_of_keys_that_went_is_given_back() {
    let map = Arc::new(Map::new(true));
    (0..100_000).for_each(|key| map.put(key, Ok(0)));
    (100..100_000).for_each(|key| assert!(map.delete(&key)));
    let state = map.state.lock();
    let (slots, positions, table) = state.log.room();
    assert!(slots < 1000 && positions < 1000 && table < 2000, "{slots}, {positions}, {table}");
    drop(state);
    assert_eq!(map.sizes().present, 100);
}

#[test]
fn a_step_without_a_change_wakes_nobody() {
    let map = Arc::new(Map::new(true));
    map.put(1, Ok(1));
    let epoch = map.epoch();
    let before = epoch.now();
    let mut same = map.step();
    same.insert(1, 1);
    map.replace(same);
    let mut gone = map.step();
    gone.remove(7);
    map.apply(gone);
    assert!(!map.delete(&7));
    assert_eq!(epoch.now(), before);
    map.replace(map.step());
    assert_eq!(epoch.now(), before + 1);
}

/// As large as it takes for rewrites of the log to go on in parts, between the steps.
#[test]
fn watchers_of_a_large_map_get_the_last_version_of_each_key_while_the_log_is_rewritten() {
    const KEYS: u32 = 5000;
    let mut random = fastrand::Rng::with_seed(7);
    let map = Arc::new(Map::new(true));
    let mut truth = std::collections::BTreeMap::new();
    let mut watchers: Vec<_> = (0..4).map(|_| (Watching::of(&map), truth.clone())).collect();
    for version in 0..60_000 {
        let key = random.u32(..KEYS);
        if random.u8(..8) == 0 {
            map.delete(&key);
            truth.remove(&key);
        } else {
            map.put(key, Ok(version));
            truth.insert(key, version);
        }
        let at = random.usize(..watchers.len());
        let (watcher, taken) = &mut watchers[at];
        // Some keep up, and some are always behind.
        for _ in 0..random.usize(..3 * (at + 1)) {
            match watcher.poll() {
                Poll::Ready(Ok(Change::Put { key, value })) => drop(taken.insert(key, value)),
                Poll::Ready(Ok(Change::Delete { key })) => drop(taken.remove(&key)),
                Poll::Ready(change) => assert!(change.unwrap().is_synced()),
                Poll::Pending => {
                    assert_eq!(*taken, truth);
                    break;
                }
            }
        }
    }
    for (mut watcher, mut taken) in watchers {
        while let Poll::Ready(change) = watcher.poll() {
            match change.unwrap() {
                Change::Put { key, value } => drop(taken.insert(key, value)),
                Change::Delete { key } => drop(taken.remove(&key)),
                _ => {}
            }
        }
        assert_eq!(taken, truth);
    }
    map.sizes(); // which also checks that the log is whole
}
