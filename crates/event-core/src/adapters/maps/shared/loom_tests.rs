//! A shared map under the interleavings that loom tries.

use std::collections::BTreeMap;

use loom::future::block_on;
use loom::thread;

use crate::adapters::shared::loom_tests::model;
use crate::{Change, MapReader, MapReaderExt, MapWatcher, MapWatcherExt, MemoryMap};

/// What a watcher yields until the map ends.
fn finish(mut watcher: impl MapWatcher<u32, u32>) -> BTreeMap<u32, u32> {
    let mut told = BTreeMap::new();
    while let Ok(change) = block_on(watcher.change()) {
        match change {
            Change::Put { key, value } => drop(told.insert(key, value)),
            Change::Delete { key } => drop(told.remove(&key)),
            Change::Failed { .. } | Change::Synced => {}
        }
    }
    told
}

#[test]
fn loom_siblings_all_take_the_last_changes_and_the_end() {
    model(1, || {
        let map = MemoryMap::new();
        let shared = map.reader().map(|_, value| value);
        let (one, two) = (shared.watch(), shared.watch());
        let writer = thread::spawn(move || map.insert(1, 1));
        let sibling = thread::spawn(move || finish(two));
        assert_eq!(finish(one), BTreeMap::from([(1, 1)]));
        assert_eq!(sibling.join().unwrap(), BTreeMap::from([(1, 1)]));
        writer.join().unwrap();
    });
}

#[test]
fn loom_a_first_change_is_not_older_than_an_insert_that_returned() {
    model(2, || {
        let map = MemoryMap::new();
        map.insert(1, 0);
        let shared = map.reader().shared();
        let mut sibling = shared.watch();
        assert!(sibling.try_change().is_some());
        map.insert(1, 1);
        let other = thread::spawn(move || {
            let _ = sibling.try_change();
            sibling
        });
        let first = block_on(shared.watch().change()).unwrap();
        assert!(matches!(first, Change::Put { key: 1, value: 1 }));
        drop(other.join().unwrap());
    });
}

#[test]
fn loom_a_sibling_that_leaves_holds_nobody_up() {
    model(1, || {
        let map = MemoryMap::new();
        let shared = map.reader().shared();
        let (mut leaves, stays) = (shared.watch(), shared.watch());
        let writer = thread::spawn(move || map.insert(1, 1));
        let leaver = thread::spawn(move || {
            let _ = leaves.try_change();
            drop(leaves);
        });
        assert_eq!(finish(stays), BTreeMap::from([(1, 1)]));
        writer.join().unwrap();
        leaver.join().unwrap();
    });
}
