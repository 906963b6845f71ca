//! The interleavings of what threads may do to a map at once.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use loom::future::block_on;
use loom::model::Builder;
use loom::thread;

use super::*;
use crate::Change;

type Map = MapCell<u32, u32>;

/// A watcher, which frees its place when it is dropped, and what it yielded.
struct Watching {
    cell: Arc<Map>,
    cursor: MapCursor,
    told: BTreeMap<u32, u32>,
}

impl Watching {
    fn of(cell: &Arc<Map>) -> Self {
        Self { cell: Arc::clone(cell), cursor: cell.watch(), told: BTreeMap::new() }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let change = std::task::ready!(self.cell.poll_change(&mut self.cursor, cx))?;
        match change {
            Change::Put { key, value } => drop(self.told.insert(key, value)),
            Change::Delete { key } => drop(self.told.remove(&key)),
            Change::Failed { .. } | Change::Synced => {}
        }
        Poll::Ready(Ok(()))
    }

    /// Takes what there is, until nothing is left.
    fn drain(&mut self) {
        while self.poll(&mut Context::from_waker(Waker::noop())).is_ready() {}
    }

    /// Takes changes until the map ends.
    fn finish(&mut self) {
        while block_on(poll_fn(|cx| self.poll(cx))).is_ok() {}
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.cell.unregister(&mut self.cursor);
    }
}

fn step(map: &Map, change: impl FnOnce(&mut Step<u32, u32>)) {
    let mut step = map.step();
    change(&mut step);
    map.apply(step);
}

#[test]
fn loom_a_watcher_that_waits_takes_the_last_change_and_the_end() {
    loom::model(|| {
        let map = Arc::new(Map::new(true));
        map.put(1, Ok(1));
        let mut watcher = Watching::of(&map);
        let writer = thread::spawn(move || {
            step(&map, |step| {
                step.remove(1);
                step.insert(2, 2);
            });
            map.remove_writer(None);
        });
        watcher.finish();
        assert_eq!(watcher.told, BTreeMap::from([(2, 2)]));
        writer.join().unwrap();
    });
}

/// A watcher that finds nothing left has both keys of each step, or none.
#[test]
fn loom_half_a_step_is_never_seen() {
    loom::model(|| {
        let map = Arc::new(Map::new(true));
        let mut watcher = Watching::of(&map);
        let writer = thread::spawn(move || {
            for version in 1..=2 {
                step(&map, |step| {
                    step.insert(1, version);
                    step.insert(2, version);
                });
            }
        });
        for _ in 0..2 {
            watcher.drain();
            assert_eq!(watcher.told.get(&1), watcher.told.get(&2));
        }
        writer.join().unwrap();
    });
}

/// Applying, polling, and a watcher that leaves and takes its tombstones along. With at most three preemptions: all
/// interleavings take hours.
#[test]
fn loom_a_watcher_that_leaves_takes_no_other_watchers_deletion_along() {
    let mut bounded = Builder::new();
    bounded.preemption_bound = Some(3);
    bounded.check(|| {
        let map = Arc::new(Map::new(true));
        map.put(1, Ok(1));
        let (mut stays, mut leaves) = (Watching::of(&map), Watching::of(&map));
        stays.drain();
        leaves.drain();
        let writer = thread::spawn(move || {
            map.delete(&1);
            map.remove_writer(None);
        });
        let leaver = thread::spawn(move || {
            leaves.drain();
            drop(leaves);
        });
        stays.finish();
        assert_eq!(stays.told, BTreeMap::new());
        writer.join().unwrap();
        leaver.join().unwrap();
    });
}

#[test]
fn loom_a_poll_that_was_given_up_loses_nothing() {
    loom::model(|| {
        let map = Arc::new(Map::new(true));
        let mut watcher = Watching::of(&map);
        let writer = thread::spawn(move || {
            map.put(1, Ok(1));
            map.remove_writer(None);
        });
        watcher.drain();
        watcher.finish();
        assert_eq!(watcher.told, BTreeMap::from([(1, 1)]));
        writer.join().unwrap();
    });
}

#[test]
fn loom_whoever_sees_a_change_finds_the_epoch_moved() {
    loom::model(|| {
        let map = Arc::new(Map::new(true));
        let epoch = map.epoch();
        let before = epoch.now();
        let mut watcher = Watching::of(&map);
        let writer = thread::spawn(move || map.put(1, Ok(1)));
        watcher.drain();
        if !watcher.told.is_empty() {
            assert_ne!(epoch.now(), before);
        }
        writer.join().unwrap();
        assert_ne!(epoch.now(), before);
    });
}
