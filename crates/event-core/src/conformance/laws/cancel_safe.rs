use crate::ValueReader;
use crate::conformance::Subject;
use crate::conformance::consumer::Consumer;

/// Dropping a pending `get` loses nothing.
pub async fn law_5_cancel_safe(reader: impl ValueReader<u64>, mut subject: impl Subject) {
    let mut watcher = Consumer::of(&reader, "a watcher whose pending gets are dropped");
    subject.set(1).await;
    watcher.reaches(1);
    for version in 2..=20 {
        // A task waits and gives up; then another one does; the version comes when nobody waits.
        for _ in 0..2 {
            watcher.waits("there is no newer version");
            watcher.move_to_new_task();
        }
        subject.set(version).await;
        watcher.reaches(version);
    }
}
