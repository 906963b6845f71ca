use crate::MapReader;
use crate::conformance::maps::MapSubject;
use crate::conformance::maps::consumer::Consumer;
use crate::conformance::maps::truth::Truth;

/// For each key, a watcher yields the newest version, and each version once.
pub async fn law_2_newest_only<S: MapSubject>(reader: impl MapReader<S::Key, u64>, subject: S) {
    const KEYS: u64 = 3;
    let mut truth = Truth::synced(subject).await;
    let mut slow = Consumer::of(&reader, "a slow watcher");
    let mut quick = Consumer::of(&reader, "a quick watcher");
    for version in 1..=90 {
        truth.put(version % KEYS, version).await;
        if version % 7 == 0 {
            quick.drain_until(&truth.keys, true).await;
        }
        if version % 30 == 0 {
            slow.drain_until(&truth.keys, true).await;
            slow.waits("it has yielded the newest version of each key");
        }
    }
    // Half of what it has to take, then a key changes that it has just taken.
    truth.put(1, 100).await;
    truth.put(2, 100).await;
    slow.take(&truth.keys);
    truth.put(1, 101).await;
    slow.drain(&truth.keys);
}

/// Once writes stop, every watcher yields the final version of each key, whenever it polled before.
pub async fn law_2_last_one_arrives<S: MapSubject>(
    reader: impl MapReader<S::Key, u64>,
    subject: S,
) {
    let mut truth = Truth::synced(subject).await;
    let names = (0..8).map(|i| format!("watcher {i}"));
    let mut watchers: Vec<_> = names.map(|name| Consumer::of(&reader, &name)).collect();
    for version in 1..=40 {
        for (i, watcher) in (0..).zip(&mut watchers) {
            if i > 0 && version % i == 0 {
                watcher.take(&truth.keys);
            }
        }
        truth.put(version % 5, version).await;
    }
    for watcher in &mut watchers {
        watcher.drain_until(&truth.keys, true).await;
        watcher.move_to_new_task();
        watcher.waits("it has yielded all");
    }
    truth.put(7, 50).await;
    for watcher in &mut watchers {
        watcher.wakes_and_drains(&truth.keys).await;
        watcher.waits("it has yielded all");
    }
    truth.delete(7).await;
    for watcher in &mut watchers {
        watcher.wakes_and_drains(&truth.keys).await;
    }
}
