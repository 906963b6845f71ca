use crate::ValueReader;
use crate::conformance::Subject;
use crate::conformance::consumer::Consumer;
use crate::conformance::progress::step;

/// Watchers do not slow, block or starve each other or the writer.
pub async fn law_6_independent(reader: impl ValueReader<u64>, mut subject: impl Subject) {
    let mut idle = Consumer::of(&reader, "a watcher that never polls");
    let mut slow = Consumer::of(&reader, "a watcher that stopped after the first version");
    let mut gone = Consumer::of(&reader, "a watcher that is dropped");
    let mut awake = Consumer::of(&reader, "the watcher that takes each version");
    subject.set(1).await;
    slow.reaches(1);
    slow.waits("there is no newer version");
    awake.reaches(1);
    for version in 2..=40 {
        let _ = gone.poll();
        awake.waits("there is no newer version");
        if version % 10 == 0 {
            gone = Consumer::of(&reader, "a watcher that is dropped");
        }
        subject.set(version).await;
        awake.woken().await;
        awake.reaches(version);
    }
    idle.reaches(40);
    slow.reaches(40);
}

/// A watcher that waits does not keep its thread busy.
pub async fn law_6_sleeps_until_a_version(
    reader: impl ValueReader<u64>,
    mut subject: impl Subject,
) {
    let mut watcher = Consumer::of(&reader, "a watcher");
    let mut other = Consumer::of(&reader, "another watcher");
    for version in 1..=10 {
        watcher.waits("there is no newer version");
        other.waits("there is no newer version");
        assert!(!watcher.is_woken(), "a watcher is woken again and again, without a version");
        subject.set(version).await;
        watcher.reaches(version);
        other.reaches(version);
    }
}

/// Many watchers hold no more in the backend than one watcher does.
pub async fn law_6_one_upstream_for_many_watchers(
    reader: impl ValueReader<u64>,
    mut subject: impl Subject,
) {
    let mut first = Consumer::of(&reader, "the first watcher");
    // A version that came by itself came through the upstream, which is then there.
    subject.set(1).await;
    first.get_until(1).await;
    subject.write(2).await;
    first.get_until(2).await;
    let held_for_one = subject.held().await;

    let mut watchers: Vec<_> = (0..20).map(|_| Consumer::of(&reader, "one of many")).collect();
    subject.write(3).await;
    for watcher in &mut watchers {
        watcher.get_until(3).await;
    }
    step("asking what is held upstream for many watchers");
    let held = subject.held().await;
    assert!(held <= held_for_one, "{held} held upstream for 21 watchers, {held_for_one} for one");
}
