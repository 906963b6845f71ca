use crate::ValueReader;
use crate::conformance::Subject;
use crate::conformance::consumer::Consumer;
use crate::conformance::progress::step;

/// The first `get` yields the newest version that the backend has in this process; if there is none yet, it
/// waits.
pub async fn law_1_current_first(reader: impl ValueReader<u64>, mut subject: impl Subject) {
    let mut early = Consumer::of(&reader, "a watcher that was there before the first version");
    early.waits("there is no version yet");
    subject.set(1).await;
    early.woken().await;
    early.takes(1);

    subject.set(2).await;
    subject.set(3).await;
    Consumer::of(&reader, "a new watcher").gets(3).await;

    drop(early);
    subject.set(4).await;
    Consumer::of(&reader, "the only watcher").gets(4).await;
}

/// What a watcher takes after a [`refresh`](ValueReader::refresh) includes the writes that were complete before the call.
pub async fn law_1_current_after_a_refresh(
    reader: impl ValueReader<u64>,
    mut subject: impl Subject,
) {
    subject.set(1).await;
    let mut watcher = Consumer::of(&reader, "a watcher from before the refresh");
    watcher.gets(1).await;
    for version in 2..=10 {
        subject.write(version).await;
        step(format!("refreshing after {version} was written"));
        if let Err(error) = reader.refresh().await {
            panic!("a refresh failed: {error:?}");
        }
        watcher.takes(version);
        Consumer::of(&reader, "a watcher from after the refresh").gets(version).await;
    }
}
