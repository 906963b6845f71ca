//! A map in memory: keys of 40 bytes with values of 100.

use std::collections::HashMap;
use std::hint::black_box;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use event_core::{
    Bytes, MapReader, MapReaderExt, MapWatcher, MapWatcherExt, MemoryMap, ValueReader, Watcher,
};
use futures_signals::signal_map::MutableBTreeMap;
use measure::{Role, median};
use rpds::RedBlackTreeMapSync;

use crate::bench::{Bench, Turn, Turns};
use crate::clock::{once, per_operation};
use crate::contenders::Ours;
use crate::machine::with_version;
use crate::task::Task;
use crate::value::Value;

/// How many keys there are.
const KEYS: usize = 100_000;
/// How many watchers there are, where it is not one.
const WATCHERS: usize = 1000;
/// A step through the keys that hits each, and none twice in a row.
const STRIDE: usize = 61_803;
const OURS: &str = "ours";

type Map = MemoryMap<Bytes, Bytes>;

struct Content {
    entries: Vec<(Bytes, Bytes)>,
    at: usize,
}

impl Content {
    fn new() -> Self {
        let entry = |key: usize| (format!("{key:040}").into(), vec![b'v'; 100].into());
        Self { entries: (0..KEYS).map(entry).collect(), at: 0 }
    }

    /// The next key to write, and its value.
    fn next(&mut self) -> (Bytes, Bytes) {
        self.at = (self.at + STRIDE) % KEYS;
        self.entries[self.at].clone()
    }

    fn map(&self) -> Map {
        let map = Map::new();
        self.entries.iter().cloned().for_each(|(key, value)| map.insert(key, value));
        map
    }
}

pub(crate) fn run(bench: &mut Bench) {
    bench.maps("map: put, nobody waits", KEYS, "ns", put);
    bench.maps("map: put, all wait", WATCHERS, "ns", put_with_waiting);
    bench.maps("map: put, all asleep", WATCHERS, "ns", put_with_sleepers);
    bench.maps("map: take one change", KEYS, "ns", take);
    bench.maps("map: take 1,000,000 changes of one key", 1, "ns", take_coalesced);
    bench.maps("map: as_value, one change", KEYS, "ns", snapshot);
    bench.maps("map: memory of a key beside its content", KEYS, "B", memory);
}

fn put(turns: &mut Turns) {
    let mut content = Content::new();
    let map = content.map();
    let ours = move || {
        per_operation(|| {
            let (key, value) = content.next();
            map.insert(key, value);
        })
    };
    turns.add(OURS, Role::Ours, Box::new(ours));
    let mut content = Content::new();
    let mut map: HashMap<Bytes, Bytes> = content.entries.iter().cloned().collect();
    let floor = move || {
        per_operation(|| {
            let (key, value) = content.next();
            black_box(map.insert(key, value));
        })
    };
    turns.add("HashMap", Role::Floor, Box::new(floor));
    let mut content = Content::new();
    let map = MutableBTreeMap::with_values(content.entries.iter().cloned().collect());
    let peer = move || {
        per_operation(|| {
            let (key, value) = content.next();
            black_box(map.lock_mut().insert_cloned(key, value));
        })
    };
    turns.add(with_version("futures-signals"), Role::Peer, Box::new(peer));
}

async fn follow(mut watcher: impl MapWatcher<Bytes, Bytes>) {
    loop {
        let _ = black_box(watcher.change().await);
    }
}

/// A turn that times what wakes the tasks, and lets them wait again outside of the timed part.
fn waking<F: Future<Output = ()> + 'static>(
    mut tasks: Vec<Task<F>>,
    mut wake: impl FnMut(&[Task<F>]) -> f64 + 'static,
) -> Turn {
    Box::new(move || {
        let mut sample = || {
            tasks.iter_mut().for_each(Task::run);
            wake(&tasks)
        };
        let mut times: Vec<f64> = (0..31).map(|_| sample()).collect();
        median(&mut times)
    })
}

fn put_with_waiting(turns: &mut Turns) {
    let map = Map::new();
    let watch = |map: &Map| (0..WATCHERS).map(|_| Task::new(follow(map.watch()))).collect();
    let (tasks, mut content) = (watch(&map), Content::new());
    let put = move |_: &[_]| {
        let (key, value) = content.next();
        once(|| map.insert(key, value))
    };
    turns.add(OURS, Role::Ours, waking(tasks, put));
    let map = Map::new();
    let tasks = watch(&map);
    let wake = move |tasks: &[Task<_>]| {
        let _writer = &map;
        let wakers: Vec<Waker> = tasks.iter().map(Task::waker).collect();
        once(|| wakers.into_iter().for_each(Waker::wake))
    };
    turns.add("waking alone", Role::Floor, waking(tasks, wake));
}

fn put_with_sleepers(turns: &mut Turns) {
    for (who, role, watchers) in [(OURS, Role::Ours, WATCHERS), ("no watcher", Role::Floor, 0)] {
        let mut content = Content::new();
        let map = content.map();
        let mut sleepers: Vec<_> = (0..watchers).map(|_| map.watch()).collect();
        for (place, sleeper) in sleepers.iter_mut().enumerate() {
            for _ in 0..place {
                let _ = sleeper.try_change(); // each is somewhere else
            }
        }
        let turn = move || {
            let _sleepers = &sleepers;
            per_operation(|| {
                let (key, value) = content.next();
                map.insert(key, value);
            })
        };
        turns.add(who, role, Box::new(turn));
    }
}

fn drain(watcher: &mut impl MapWatcher<Bytes, Bytes>) {
    while watcher.try_change().is_some() {}
}

fn take(turns: &mut Turns) {
    const CHANGES: usize = 64;
    let mut content = Content::new();
    let map = content.map();
    let mut watcher = map.watch();
    drain(&mut watcher);
    let ours = move || {
        let mut sample = || {
            for _ in 0..CHANGES {
                let (key, value) = content.next();
                map.insert(key, value);
            }
            let cx = &mut Context::from_waker(Waker::noop());
            let time = once(|| {
                for _ in 0..CHANGES {
                    let _ = black_box(watcher.poll_change(cx));
                }
            });
            time / 64.0
        };
        let mut times: Vec<f64> = (0..201).map(|_| sample()).collect();
        median(&mut times)
    };
    turns.add(OURS, Role::Ours, Box::new(ours));
    let mut value = Ours::new(0_u64);
    let mut values: Vec<_> = (0..CHANGES).map(|_| value.watch()).collect();
    let floor = move || {
        let mut sample = || {
            value.set(1);
            let cx = &mut Context::from_waker(Waker::noop());
            once(|| values.iter_mut().for_each(|it| drop(black_box(it.poll_get(cx))))) / 64.0
        };
        let mut times: Vec<f64> = (0..201).map(|_| sample()).collect();
        median(&mut times)
    };
    turns.add("get of a u64", Role::Floor, Box::new(floor));
}

fn take_coalesced(turns: &mut Turns) {
    let map = Map::new();
    let mut watcher = map.watch();
    drain(&mut watcher);
    let (key, value) = Content::new().next();
    let ours = move || {
        (0..1_000_000).for_each(|_| map.insert(key.clone(), value.clone()));
        let mut changes = 0;
        let time = once(|| {
            while watcher.try_change().is_some() {
                changes += 1;
            }
        });
        assert_eq!(changes, 1);
        time
    };
    turns.add(OURS, Role::Ours, Box::new(ours));
}

fn snapshot(turns: &mut Turns) {
    let mut content = Content::new();
    let map = content.map();
    let mut watcher = map.reader().as_value().watch();
    let mut newest = loop {
        if let Poll::Ready(snapshot) = watcher.poll_get(&mut Context::from_waker(Waker::noop())) {
            break snapshot;
        }
    };
    let ours = move || {
        let mut sample = || {
            let (key, value) = content.next();
            map.insert(key, value);
            once(|| {
                if let Poll::Ready(next) = watcher.poll_get(&mut Context::from_waker(Waker::noop()))
                {
                    newest = next;
                }
            })
        };
        let mut times: Vec<f64> = (0..201).map(|_| sample()).collect();
        let _ = black_box(&newest);
        median(&mut times)
    };
    turns.add(OURS, Role::Ours, Box::new(ours));
    let mut content = Content::new();
    let mut tree: RedBlackTreeMapSync<Bytes, Bytes> = content.entries.iter().cloned().collect();
    let mut newest = tree.clone();
    let floor = move || {
        let mut sample = || {
            let (key, value) = content.next();
            once(|| {
                tree.insert_mut(key, value);
                newest = tree.clone();
            })
        };
        let mut times: Vec<f64> = (0..201).map(|_| sample()).collect();
        black_box(&newest);
        median(&mut times)
    };
    turns.add("rpds, its own insert", Role::Floor, Box::new(floor));
}

#[expect(clippy::cast_precision_loss, reason = "the heap is far below 2^53 bytes")]
fn memory(turns: &mut Turns) {
    fn of<T>(make: impl Fn(&Content) -> T + 'static) -> Turn {
        Box::new(move || {
            let content = Content::new();
            let mut held = None;
            let info = measure(|| held = Some(make(&content)));
            info.bytes_current as f64 / KEYS as f64
        })
    }
    turns.add(OURS, Role::Ours, of(Content::map));
    let table = |content: &Content| -> HashMap<Bytes, (Bytes, i64)> {
        content.entries.iter().cloned().map(|(key, value)| (key, (value, 1))).collect()
    };
    turns.add("HashMap", Role::Floor, of(table));
    let peer =
        |content: &Content| MutableBTreeMap::with_values(content.entries.iter().cloned().collect());
    turns.add(with_version("futures-signals"), Role::Peer, of(peer));
}
