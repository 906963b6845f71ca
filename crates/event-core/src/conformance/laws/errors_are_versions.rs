use crate::ValueReader;
use crate::conformance::Subject;
use crate::conformance::consumer::Consumer;

/// If a version is bad, each watcher yields an error instead of it, at most once; the next good version
/// follows.
pub async fn law_7_errors_are_versions(reader: impl ValueReader<u64>, mut subject: impl Subject) {
    let mut early = Consumer::of(&reader, "a watcher from before the error");
    for version in [1, 3, 5] {
        subject.set(version).await;
        early.reaches(version);
        early.waits("there is no newer version");
        if !subject.spoil().await {
            return;
        }
        early.woken().await;
        early.takes_error();
        let mut late = Consumer::of(&reader, "a watcher from after the error");
        late.gets_error().await;
        for watcher in [&mut early, &mut late] {
            watcher.waits("it has taken the error");
        }
        subject.set(version + 1).await;
        for watcher in [&mut early, &mut late] {
            watcher.woken().await;
            watcher.reaches(version + 1);
        }
    }
}
