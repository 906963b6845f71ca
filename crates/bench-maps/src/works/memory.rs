//! What a map and its watchers hold on the heap.

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use allocation_counter::measure;
use event_core::{Bytes, MapReader, MapWatcher};
use futures_signals::signal_map::{MutableBTreeMap, SignalMap};
use remoc::robs::hash_map::{HashMapSubscription, ObservableHashMap};

use super::{MANY, WATCHERS};
use crate::bench::Turns;
use crate::content::{Content, KEYS, Ours, entry};
use crate::kube;

/// How far a reader of robs may lag behind before it is given up.
const BUFFER: usize = 1024;
/// The name of an object of kube is a `String` of its own. It is content.
const NAME: f64 = 40.0;

/// Makes something, and returns how many bytes more are held then.
#[expect(clippy::cast_precision_loss, reason = "the heap is far below 2^53 bytes")]
fn held<T>(make: impl FnOnce() -> T) -> (T, f64) {
    let mut kept = None;
    let bytes = measure(|| kept = Some(make())).bytes_current as f64;
    (kept.expect("it was made"), bytes)
}

#[expect(clippy::cast_precision_loss, reason = "a count far below 2^53")]
fn each<T>((_kept, bytes): (T, f64), count: usize) -> f64 {
    bytes / count as f64
}

/// What a key takes beside its bytes, which are there before.
pub(super) fn of_a_key(turns: &mut Turns) {
    fn of<T>(make: impl Fn(&Content) -> T + 'static) -> impl FnMut() -> f64 + 'static {
        move || {
            let content = Content::new(KEYS);
            each(held(|| make(&content)), KEYS)
        }
    }
    turns.ours(of(Content::ours));
    let table = |content: &Content| -> HashMap<Bytes, (Bytes, i64)> {
        content.entries.iter().cloned().map(|(key, value)| (key, (value, 1))).collect()
    };
    turns.floor("HashMap", of(table));
    turns.peer("futures-signals", of(Content::signals));
    turns.peer("remoc", of(Content::robs));
    turns.peer("kube-runtime", || {
        let events = kube::events(&Content::new(KEYS));
        each(held(|| kube::store(&events)), KEYS) - NAME
    });
}

/// Watchers side by side, each of which waits: what they take themselves, and what the map keeps of them.
pub(super) fn of_a_watcher(turns: &mut Turns) {
    turns.ours(|| {
        let map = Ours::new();
        each(waiting(|| map.watch(), |watcher, cx| watcher.poll_change(cx).is_ready()), WATCHERS)
    });
    turns.peer("futures-signals", || {
        let map = MutableBTreeMap::<Bytes, Bytes>::new();
        let poll = |reader: &mut _, cx: &mut Context<'_>| poll_signals(reader, cx);
        each(waiting(|| map.signal_map_cloned(), poll), WATCHERS)
    });
    turns.peer("remoc", || {
        let map = ObservableHashMap::<Bytes, Bytes>::new();
        let poll = |reader: &mut HashMapSubscription<_, _>, cx: &mut Context<'_>| {
            pin!(reader.recv()).poll(cx).is_ready()
        };
        let watch = || {
            let mut reader = map.subscribe(BUFFER);
            drop(reader.take_initial());
            reader
        };
        each(waiting(watch, poll), WATCHERS)
    });
}

/// Makes watchers and polls each until it waits.
fn waiting<W>(
    mut watch: impl FnMut() -> W,
    poll: impl Fn(&mut W, &mut Context<'_>) -> bool,
) -> (Vec<W>, f64) {
    held(|| {
        let mut watchers = Vec::with_capacity(WATCHERS);
        watchers.extend((0..WATCHERS).map(|_| watch()));
        let cx = &mut Context::from_waker(Waker::noop());
        for watcher in &mut watchers {
            while poll(watcher, cx) {}
        }
        watchers
    })
}

fn poll_signals(
    reader: &mut (impl SignalMap<Key = Bytes, Value = Bytes> + Unpin),
    cx: &mut Context<'_>,
) -> bool {
    Pin::new(reader).poll_map_change(cx).is_ready()
}

/// A watcher has taken the whole map, and sleeps while new keys are put and deleted, one after the other.
///
/// The content counts, since a queue keeps it. A reader of robs is given up in its sleep, which costs nothing either.
pub(super) fn after_churn(turns: &mut Turns) {
    turns.ours(|| {
        let ((map, _watcher), before) = held(|| {
            let map = Content::new(KEYS).ours();
            let mut watcher = map.watch();
            while watcher.poll_change(&mut Context::from_waker(Waker::noop())).is_ready() {}
            (map, watcher)
        });
        grown(before, |key, value| match value {
            Some(value) => map.insert(key, value),
            None => drop(map.remove(&key)),
        })
    });
    turns.peer("futures-signals", || {
        let ((map, _reader), before) = held(|| {
            let map = Content::new(KEYS).signals();
            let mut reader = map.signal_map_cloned();
            while poll_signals(&mut reader, &mut Context::from_waker(Waker::noop())) {}
            (map, reader)
        });
        grown(before, |key, value| match value {
            Some(value) => drop(map.lock_mut().insert_cloned(key, value)),
            None => drop(map.lock_mut().remove(&key)),
        })
    });
    turns.peer("remoc", || {
        let ((mut map, _reader), before) = held(|| {
            let map = Content::new(KEYS).robs();
            let mut reader = map.subscribe(BUFFER);
            drop(reader.take_initial());
            (map, reader)
        });
        grown(before, |key, value| match value {
            Some(value) => drop(map.insert(key, value)),
            None => drop(map.remove(&key)),
        })
    });
}

/// Puts new keys and deletes each, and returns what is held then, of what was held before.
fn grown(before: f64, mut change: impl FnMut(Bytes, Option<Bytes>)) -> f64 {
    let ((), more) = held(|| {
        for number in KEYS..KEYS + MANY {
            let (key, value) = entry(number);
            change(key.clone(), Some(value));
            change(key, None);
        }
    });
    (before + more) / before
}
