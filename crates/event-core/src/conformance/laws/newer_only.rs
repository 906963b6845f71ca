use std::task::Poll;

use crate::ValueReader;
use crate::conformance::Subject;
use crate::conformance::consumer::Consumer;

/// Each later `get` yields data newer than what this watcher last took.
pub async fn law_2_newer_only(reader: impl ValueReader<u64>, mut subject: impl Subject) {
    let mut watcher = Consumer::of(&reader, "a watcher");
    let mut last = 0;
    for round in 1..=40 {
        for version in 3 * round - 2..=3 * round {
            subject.set(version).await;
        }
        while let Poll::Ready(taken) = watcher.poll() {
            let taken = taken.unwrap_or_else(|error| panic!("after {last} came {error:?}"));
            assert!(taken > last, "took {taken} after {last}");
            last = taken;
        }
    }
}
