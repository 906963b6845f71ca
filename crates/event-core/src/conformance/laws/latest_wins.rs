use crate::ValueReader;
use crate::conformance::Subject;
use crate::conformance::consumer::Consumer;

/// `get` yields the newest version known when it completes.
pub async fn law_3_latest_wins(reader: impl ValueReader<u64>, mut subject: impl Subject) {
    let mut slow = Consumer::of(&reader, "a slow watcher");
    subject.set(1).await;
    slow.takes(1);
    for version in 2..=100 {
        subject.set(version).await;
    }
    slow.takes(100);

    // An error is a version: a newer value makes it one in between.
    if subject.spoil().await {
        subject.set(101).await;
        slow.takes(101);
    }
}
