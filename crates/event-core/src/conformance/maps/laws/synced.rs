use crate::conformance::maps::MapSubject;
use crate::conformance::maps::consumer::Consumer;
use crate::conformance::maps::truth::Truth;
use crate::{Change, MapReader};

/// A new watcher yields what is there, then `Synced`, once, and not before the backend has read the whole range.
pub async fn law_1_current_first<S: MapSubject>(reader: impl MapReader<S::Key, u64>, subject: S) {
    let mut truth = Truth::new(subject);
    let mut early = Consumer::of(&reader, "a watcher from before the first read");
    let unread = early.take(&truth.keys);
    truth.put(1, 1).await;
    truth.put(2, 2).await;
    early.drain_until(&truth.keys, false).await;
    let was_synced = early.is_synced;
    if truth.sync().await {
        assert!(unread.is_none(), "it yielded {unread:?}, though nothing was read yet");
        assert!(!was_synced, "it was synced before the whole range was read");
    }
    early.drain_until(&truth.keys, true).await;
    early.waits("it has yielded all");

    truth.put(3, 3).await;
    truth.delete(1).await;
    let mut late = Consumer::of(&reader, "a new watcher");
    late.drain_until(&truth.keys, true).await;
    truth.put(4, 4).await;
    for watcher in [&mut early, &mut late] {
        watcher.drain_until(&truth.keys, true).await;
    }
    drop((early, late));
    truth.put(5, 5).await;
    Consumer::of(&reader, "the only watcher").drain_until(&truth.keys, true).await;
}

/// `Synced` comes for an empty map, too.
pub async fn law_1_synced_when_empty<S: MapSubject>(
    reader: impl MapReader<S::Key, u64>,
    subject: S,
) {
    let mut truth = Truth::new(subject);
    let mut watcher = Consumer::of(&reader, "a watcher of an empty map");
    let unread = watcher.take(&truth.keys);
    if truth.sync().await {
        assert!(unread.is_none(), "it yielded {unread:?}, though nothing was read yet");
        watcher.woken().await;
        let first = watcher.take(&truth.keys);
        assert!(matches!(first, Some(Change::Synced)), "an empty map yielded {first:?}");
    }
    watcher.drain_until(&truth.keys, true).await;
    watcher.waits("the map is empty");
    truth.put(1, 1).await;
    watcher.wakes_and_drains(&truth.keys).await;
}
