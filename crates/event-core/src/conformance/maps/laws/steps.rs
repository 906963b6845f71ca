use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use crate::conformance::block_on::yield_now;
use crate::conformance::maps::MapSubject;
use crate::conformance::maps::consumer::Consumer;
use crate::conformance::maps::truth::Truth;
use crate::conformance::progress::on_thread;
use crate::{Change, MapReader};

const KEYS: u64 = 5;

fn all_keys(version: u64) -> Vec<(u64, Option<u64>)> {
    (0..KEYS).map(|key| (key, Some(version))).collect()
}

/// A watcher that has nothing left to yield, after `Synced`, has yielded the map as of one step.
pub async fn law_4_steps<S: MapSubject>(reader: impl MapReader<S::Key, u64>, subject: S) {
    let mut truth = Truth::synced(subject).await;
    let mut watcher = Consumer::of(&reader, "a watcher");
    watcher.drain_until(&truth.keys, true).await;
    for version in 1..=20 {
        truth.apply(&all_keys(version)).await;
        watcher.wakes_and_drains(&truth.keys).await;
        watcher.waits("it has yielded the step");
        if version % 4 == 0 {
            let gone: Vec<_> = (0..KEYS).map(|key| (key, None)).collect();
            truth.apply(&gone).await;
            watcher.wakes_and_drains(&truth.keys).await;
        }
    }
}

/// The same, while a writer writes on another thread.
pub async fn law_4_steps_on_threads<S, R>(reader: R, subject: S)
where
    S: MapSubject,
    S::Key: Send + 'static,
    R: MapReader<S::Key, u64, Watcher: Send + 'static>,
{
    let mut truth = Truth::synced(subject).await;
    truth.apply(&all_keys(0)).await;
    let stop = Arc::new(AtomicBool::new(false));
    let takers: Vec<_> = (0..3)
        .map(|i| {
            let mut watcher = Consumer::of(&reader, &format!("the watcher on thread {i}"));
            let stop = Arc::clone(&stop);
            on_thread(move || {
                let mut is_last = false;
                while !is_last {
                    is_last = stop.load(Ordering::Acquire);
                    while let Poll::Ready(Ok(change)) = watcher.poll() {
                        match change {
                            Change::Put { key, value } => {
                                watcher.yielded.insert(key, Some(value));
                            }
                            Change::Synced => watcher.is_synced = true,
                            change => panic!("a watcher yielded {change:?}"),
                        }
                    }
                    let yielded = &watcher.yielded;
                    let first = yielded.values().next();
                    let is_step = yielded.values().all(|version| Some(version) == first);
                    let is_whole =
                        yielded.is_empty() || yielded.len() == usize::try_from(KEYS).unwrap_or(0);
                    let is_step = is_step && is_whole;
                    assert!(is_step || !watcher.is_synced, "half a step was seen: {yielded:?}");
                    std::thread::yield_now();
                }
            })
        })
        .collect();
    for version in 1..=300 {
        truth.apply(&all_keys(version)).await;
        if version % 16 == 0 {
            yield_now().await;
        }
    }
    stop.store(true, Ordering::Release);
    for taker in takers {
        taker.join().await;
    }
}

/// Keys come in the order in which they changed last.
pub async fn law_5_order_of_the_last_change<S: MapSubject>(
    reader: impl MapReader<S::Key, u64>,
    subject: S,
) {
    let mut truth = Truth::synced(subject).await;
    let mut watcher = Consumer::of(&reader, "a watcher");
    watcher.drain_until(&truth.keys, true).await;
    let changes = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3];
    for (version, key) in (1..).zip(changes) {
        truth.put(key, version).await;
    }
    let yielded = watcher.drain(&truth.keys);
    let keys: Vec<_> = yielded.iter().filter_map(Change::key).collect();
    let expected = [4, 1, 9, 2, 6, 5, 3].map(|key| truth.subject.key(key));
    assert!(keys.iter().copied().eq(&expected), "the order was {keys:?}, and not {expected:?}");
}
