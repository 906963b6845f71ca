//! A map as one value.

use std::hint::black_box;
use std::task::{Context, Poll, Waker};

use event_core::{Bytes, MapReaderExt, ValueReader, Watcher};
use measure::clock::{once, per_operation};
use measure::median;
use rpds::RedBlackTreeMapSync;

use crate::bench::Turns;
use crate::content::{Content, KEYS};

const SAMPLES: usize = 201;

/// The snapshot after one change, beside what the persistent tree below it takes.
pub(super) fn one_change(turns: &mut Turns) {
    let mut content = Content::new(KEYS);
    let map = content.ours();
    let mut watcher = map.reader().as_value().watch();
    let mut newest = loop {
        if let Poll::Ready(snapshot) = watcher.poll_get(&mut Context::from_waker(Waker::noop())) {
            break snapshot;
        }
    };
    turns.ours(move || {
        let mut sample = || {
            let (key, value) = content.next();
            map.insert(key, value);
            let cx = &mut Context::from_waker(Waker::noop());
            once(|| {
                if let Poll::Ready(next) = watcher.poll_get(cx) {
                    newest = next;
                }
            })
        };
        let mut times: Vec<f64> = (0..SAMPLES).map(|_| sample()).collect();
        let _ = black_box(&newest);
        median(&mut times)
    });
    let mut content = Content::new(KEYS);
    let mut tree: RedBlackTreeMapSync<Bytes, Bytes> = content.entries.iter().cloned().collect();
    let mut newest = tree.clone();
    turns.floor("rpds, its own insert", move || {
        let mut sample = || {
            let (key, value) = content.next();
            once(|| {
                tree.insert_mut(key, value);
                newest = tree.clone();
            })
        };
        let mut times: Vec<f64> = (0..SAMPLES).map(|_| sample()).collect();
        black_box(&newest);
        median(&mut times)
    });
}

/// A snapshot of a map that has not changed since the last one.
pub(super) fn take(turns: &mut Turns, keys: usize) {
    let content = Content::new(keys);
    let map = content.ours();
    let current = map.reader().current();
    while !current.is_synced() {} // a look takes some of the changes of a large map
    assert_eq!(current.len(), keys, "all keys are there");
    turns.ours(move || {
        let _writer = &map;
        per_operation(|| drop(black_box(current.snapshot())))
    });
    let tree: RedBlackTreeMapSync<Bytes, Bytes> = content.entries.into_iter().collect();
    turns.floor("rpds, its own clone", move || per_operation(|| drop(black_box(tree.clone()))));
}
