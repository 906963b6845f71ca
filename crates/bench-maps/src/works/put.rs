//! A put.

use std::future::poll_fn;
use std::hint::black_box;
use std::pin::Pin;
use std::task::Waker;

use event_core::{Bytes, MapReader, MapWatcher, MapWatcherExt};
use futures_signals::signal_map::{MutableBTreeMap, SignalMap};
use measure::clock::{once, per_operation};
use measure::{Task, median};
use remoc::robs::hash_map::{HashMapSubscription, ObservableHashMap};

use super::WATCHERS;
use crate::bench::Turns;
use crate::content::{Content, KEYS, Ours};
use crate::kube;

const SAMPLES: usize = 31;
/// How far a reader of robs may lag behind. It takes each change before the next.
const BUFFER: usize = 16;

/// A put of the next key, which is there.
pub(super) fn alone(turns: &mut Turns) {
    let mut content = Content::new(KEYS);
    let map = content.ours();
    turns.ours(move || {
        per_operation(|| {
            let (key, value) = content.next();
            map.insert(key, value);
        })
    });
    let mut content = Content::new(KEYS);
    let mut map = content.table();
    turns.floor("HashMap", move || {
        per_operation(|| {
            let (key, value) = content.next();
            black_box(map.insert(key, value));
        })
    });
    let mut content = Content::new(KEYS);
    let map = content.signals();
    turns.peer("futures-signals", move || {
        per_operation(|| {
            let (key, value) = content.next();
            black_box(map.lock_mut().insert_cloned(key, value));
        })
    });
    let mut content = Content::new(KEYS);
    let mut map = content.robs();
    turns.peer("remoc", move || {
        per_operation(|| {
            let (key, value) = content.next();
            black_box(map.insert(key, value));
        })
    });
    let mut content = Content::new(KEYS);
    let events = kube::events(&content);
    let mut store = kube::store(&events);
    turns.peer("kube-runtime", move || {
        per_operation(|| store.apply_watcher_event(&events[content.next_at()]))
    });
}

async fn follow(mut watcher: impl MapWatcher<Bytes, Bytes>) {
    loop {
        let _ = black_box(watcher.change().await);
    }
}

async fn follow_signals(mut map: impl SignalMap<Key = Bytes, Value = Bytes> + Unpin) {
    loop {
        drop(black_box(poll_fn(|cx| Pin::new(&mut map).poll_map_change(cx)).await));
    }
}

async fn follow_robs(mut subscription: HashMapSubscription<Bytes, Bytes>) {
    loop {
        let _ = black_box(subscription.recv().await);
    }
}

/// Times what wakes the tasks, and lets them wait again outside of the timed part.
fn waking<F: Future<Output = ()> + 'static>(
    mut tasks: Vec<Task<F>>,
    mut wake: impl FnMut(&[Task<F>]) -> f64 + 'static,
) -> impl FnMut() -> f64 + 'static {
    move || {
        let mut sample = || {
            tasks.iter_mut().for_each(Task::run);
            wake(&tasks)
        };
        let mut times: Vec<f64> = (0..SAMPLES).map(|_| sample()).collect();
        let is_woken = |task: &Task<F>| task.woken.times() >= SAMPLES;
        assert!(tasks.iter().all(is_woken), "a put woke too few");
        median(&mut times)
    }
}

/// A put of a key while all watchers wait.
pub(super) fn with_waiting(turns: &mut Turns) {
    let tasks =
        |map: &Ours| -> Vec<_> { (0..WATCHERS).map(|_| Task::new(follow(map.watch()))).collect() };
    let (map, mut content) = (Ours::new(), Content::new(KEYS));
    let waiting = tasks(&map);
    turns.ours(waking(waiting, move |_| {
        let (key, value) = content.next();
        once(|| map.insert(key, value))
    }));
    let map = Ours::new();
    let waiting = tasks(&map);
    let wake = move |tasks: &[Task<_>]| {
        let _writer = &map;
        let wakers: Vec<Waker> = tasks.iter().map(Task::waker).collect();
        once(|| wakers.into_iter().for_each(Waker::wake))
    };
    turns.floor("waking alone", waking(waiting, wake));
    let (map, mut content) = (MutableBTreeMap::new(), Content::new(KEYS));
    let watch = |_| Task::new(follow_signals(map.signal_map_cloned()));
    let waiting: Vec<_> = (0..WATCHERS).map(watch).collect();
    let put = move |_: &[Task<_>]| {
        let (key, value) = content.next();
        once(|| drop(map.lock_mut().insert_cloned(key, value)))
    };
    turns.peer("futures-signals", waking(waiting, put));
    let mut map: ObservableHashMap<Bytes, Bytes> = ObservableHashMap::new();
    let watch = |_| {
        let mut subscription = map.subscribe(BUFFER);
        drop(subscription.take_initial());
        Task::new(follow_robs(subscription))
    };
    let waiting: Vec<_> = (0..WATCHERS).map(watch).collect();
    let mut content = Content::new(KEYS);
    let put = move |_: &[Task<_>]| {
        let (key, value) = content.next();
        once(|| drop(map.insert(key, value)))
    };
    turns.peer("remoc", waking(waiting, put));
}

/// A put while all watchers are behind. The floor is a map without any.
pub(super) fn with_sleepers(turns: &mut Turns) {
    for watchers in [WATCHERS, 0] {
        let mut content = Content::new(KEYS);
        let map = content.ours();
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
        if watchers > 0 { turns.ours(turn) } else { turns.floor("no watcher", turn) }
    }
}
