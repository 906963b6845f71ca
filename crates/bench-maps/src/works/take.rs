//! Taking changes.

use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use event_core::{
    Bytes, MapReader, MapWatcher, MapWatcherExt, MemoryValue, ValueReader, ValueWriter, Watcher,
};
use futures_signals::signal_map::SignalMap;
use measure::clock::once;
use measure::median;

use crate::bench::Turns;
use crate::content::{Content, KEYS, Ours};

/// How many changes are taken between two looks at the clock.
const CHANGES: u32 = 64;
const SAMPLES: usize = 201;
const COALESCED: usize = 1_000_000;

/// Takes one of the changes that are ready.
pub(super) fn one(turns: &mut Turns) {
    let mut content = Content::new(KEYS);
    let map = content.ours();
    let mut watcher = map.watch();
    drain(&mut watcher);
    turns.ours(move || {
        samples(|| {
            for _ in 0..CHANGES {
                let (key, value) = content.next();
                map.insert(key, value);
            }
            let cx = &mut Context::from_waker(Waker::noop());
            once(|| {
                for _ in 0..CHANGES {
                    assert!(black_box(watcher.poll_change(cx)).is_ready(), "each put is a change");
                }
            })
        })
    });
    let value = MemoryValue::new(0_u64);
    let mut watchers: Vec<_> = (0..CHANGES).map(|_| value.reader().watch()).collect();
    turns.floor("get of a u64", move || {
        samples(|| {
            value.set(1);
            let cx = &mut Context::from_waker(Waker::noop());
            once(|| watchers.iter_mut().for_each(|it| drop(black_box(it.poll_get(cx)))))
        })
    });
    let mut content = Content::new(KEYS);
    let map = content.signals();
    let mut changes = map.signal_map_cloned();
    poll_signals(&mut changes); // the first has the whole map
    turns.peer("futures-signals", move || {
        samples(|| {
            for _ in 0..CHANGES {
                let (key, value) = content.next();
                map.lock_mut().insert_cloned(key, value);
            }
            once(|| {
                for _ in 0..CHANGES {
                    assert!(poll_signals(&mut changes), "each put is a change");
                }
            })
        })
    });
    let mut content = Content::new(KEYS);
    let mut map = content.robs();
    let mut subscription = map.subscribe(CHANGES as usize);
    drop(subscription.take_initial());
    turns.peer("remoc", move || {
        samples(|| {
            for _ in 0..CHANGES {
                let (key, value) = content.next();
                map.insert(key, value);
            }
            let cx = &mut Context::from_waker(Waker::noop());
            once(|| {
                for _ in 0..CHANGES {
                    let taken = pin!(subscription.recv()).poll(cx);
                    assert!(matches!(black_box(taken), Poll::Ready(Ok(_))), "each put is a change");
                }
            })
        })
    });
}

/// What a watcher takes that slept while one key changed a million times: ours takes one change.
///
/// A reader of robs is given up in its sleep, so it is not here.
pub(super) fn coalesced(turns: &mut Turns) {
    let (key, value) = Content::new(KEYS).next();
    let map = Ours::new();
    let mut watcher = map.watch();
    drain(&mut watcher);
    let ours = (key.clone(), value.clone());
    turns.ours(move || {
        (0..COALESCED).for_each(|_| map.insert(ours.0.clone(), ours.1.clone()));
        let mut changes = 0;
        let time = once(|| changes = drain(&mut watcher));
        assert_eq!(changes, 1);
        time
    });
    let map = Content::new(1).signals();
    let mut changes = map.signal_map_cloned();
    poll_signals(&mut changes);
    turns.peer("futures-signals", move || {
        let put = |_| drop(map.lock_mut().insert_cloned(key.clone(), value.clone()));
        (0..COALESCED).for_each(put);
        once(|| while poll_signals(&mut changes) {})
    });
}

/// The median of some samples, for each change. A sample puts changes and times how they are taken.
fn samples(mut sample: impl FnMut() -> f64) -> f64 {
    let mut times: Vec<f64> = (0..SAMPLES).map(|_| sample() / f64::from(CHANGES)).collect();
    median(&mut times)
}

/// Takes all changes, and counts them.
fn drain(watcher: &mut impl MapWatcher<Bytes, Bytes>) -> usize {
    let mut changes = 0;
    while watcher.try_change().is_some() {
        changes += 1;
    }
    changes
}

/// Takes a change, and returns whether there was one.
fn poll_signals(changes: &mut (impl SignalMap<Key = Bytes, Value = Bytes> + Unpin)) -> bool {
    let cx = &mut Context::from_waker(Waker::noop());
    black_box(Pin::new(changes).poll_map_change(cx)).is_ready()
}
