use crate::MapReader;
use crate::conformance::maps::MapSubject;
use crate::conformance::maps::consumer::Consumer;
use crate::conformance::maps::truth::Truth;

/// Dropping a pending wait loses nothing.
pub async fn law_7_cancel_safe<S: MapSubject>(reader: impl MapReader<S::Key, u64>, subject: S) {
    let mut truth = Truth::synced(subject).await;
    let mut watcher = Consumer::of(&reader, "a watcher whose pending waits are dropped");
    watcher.drain_until(&truth.keys, true).await;
    for version in 1..=20 {
        // A task waits and gives up; then another one does; the change comes when nobody waits.
        for _ in 0..2 {
            watcher.waits("there is no change");
            watcher.move_to_new_task();
        }
        truth.put(version % 3, version).await;
        watcher.drain(&truth.keys);
    }
}

/// Watchers do not slow, block or starve each other or the writer, and one that waits does not keep its thread busy.
pub async fn law_8_independent<S: MapSubject>(reader: impl MapReader<S::Key, u64>, subject: S) {
    let mut truth = Truth::synced(subject).await;
    let mut idle = Consumer::of(&reader, "a watcher that never polls");
    let mut slow = Consumer::of(&reader, "a watcher that stopped after the first key");
    let mut gone = Consumer::of(&reader, "a watcher that is dropped");
    let mut awake = Consumer::of(&reader, "the watcher that takes each change");
    truth.put(1, 1).await;
    slow.drain_until(&truth.keys, true).await;
    awake.drain_until(&truth.keys, true).await;
    for version in 2..=40 {
        gone.take(&truth.keys);
        awake.waits("there is no change");
        assert!(!awake.is_woken(), "a watcher is woken again and again, without a change");
        if version % 10 == 0 {
            gone = Consumer::of(&reader, "a watcher that is dropped");
        }
        truth.put(version % 7, version).await;
        awake.wakes_and_drains(&truth.keys).await;
    }
    idle.drain_until(&truth.keys, true).await;
    slow.drain_until(&truth.keys, true).await;
}
