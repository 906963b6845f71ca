use crate::conformance::maps::MapSubject;
use crate::conformance::maps::consumer::Consumer;
use crate::conformance::maps::truth::Truth;
use crate::{Change, MapReader};

/// If a watcher yielded a key and the key is gone, it yields the delete. A delete never comes for a key that is there.
pub async fn law_3_a_delete_is_never_missed<S: MapSubject>(
    reader: impl MapReader<S::Key, u64>,
    subject: S,
) {
    let mut truth = Truth::synced(subject).await;
    let mut behind = Consumer::of(&reader, "a watcher that looks now and then");
    let mut halfway = Consumer::of(&reader, "a watcher that takes one change at a time");
    let mut history = History(1);
    for version in 1..=300 {
        let key = history.next() % 20;
        if history.next() % 2 == 0 {
            truth.put(key, version).await;
        } else {
            truth.delete(key).await;
        }
        halfway.take(&truth.keys);
        if history.next() % 16 == 0 {
            behind.drain(&truth.keys);
        }
        if history.next() % 32 == 0 {
            halfway.drain(&truth.keys);
        }
    }
    behind.drain(&truth.keys);

    // Deleted and made anew while the watcher did not look: a put.
    truth.put(30, 1000).await;
    behind.drain(&truth.keys);
    truth.delete(30).await;
    truth.put(30, 1001).await;
    let changes = behind.drain(&truth.keys);
    assert!(matches!(changes[..], [Change::Put { .. }]), "made anew, a key yielded {changes:?}");
}

/// Numbers that look random, and are the same in each run.
struct History(u64);

impl History {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.0 >> 33
    }
}
