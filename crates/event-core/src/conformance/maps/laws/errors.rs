use crate::conformance::maps::MapSubject;
use crate::conformance::maps::consumer::Consumer;
use crate::conformance::maps::truth::Truth;
use crate::{Change, MapReader};

/// A bad version of a key yields one error, which names the key. The other keys go on, and so does this one.
pub async fn law_6_errors_are_versions_of_a_key<S: MapSubject>(
    reader: impl MapReader<S::Key, u64>,
    subject: S,
) {
    let mut truth = Truth::synced(subject).await;
    truth.put(1, 1).await;
    truth.put(2, 1).await;
    let mut early = Consumer::of(&reader, "a watcher from before the error");
    early.drain_until(&truth.keys, true).await;
    for version in 2..=4 {
        if !truth.spoil(1).await {
            return;
        }
        let changes = early.wakes_and_drains(&truth.keys).await;
        assert!(matches!(changes[..], [Change::Failed { .. }]), "an error yielded {changes:?}");
        let mut late = Consumer::of(&reader, "a watcher from after the error");
        late.drain_until(&truth.keys, true).await;
        for watcher in [&mut early, &mut late] {
            watcher.waits("it has yielded the error");
        }
        truth.put(2, version).await;
        early.wakes_and_drains(&truth.keys).await;
        if version == 3 {
            truth.delete(1).await;
            early.wakes_and_drains(&truth.keys).await;
        }
        truth.put(1, version).await;
        for watcher in [&mut early, &mut late] {
            watcher.wakes_and_drains(&truth.keys).await;
        }
    }
}
