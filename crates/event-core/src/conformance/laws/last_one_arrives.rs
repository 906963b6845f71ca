use crate::ValueReader;
use crate::conformance::Subject;
use crate::conformance::block_on::yield_now;
use crate::conformance::consumer::Consumer;
use crate::conformance::progress::step;
use crate::conformance::task::Task;

/// Once writes stop, every watcher that keeps calling `get` takes the final version.
pub async fn law_4_last_one_arrives(reader: impl ValueReader<u64>, mut subject: impl Subject) {
    const LAST: u64 = 40;
    let names = (0..8).map(|i| format!("watcher {i}"));
    let mut watchers: Vec<_> = names.map(|name| Consumer::of(&reader, name)).collect();
    for version in 1..=LAST {
        // One watcher polls before each version, one before every second, …, and one does not poll.
        for (i, watcher) in (0..).zip(&mut watchers) {
            if i > 0 && version % i == 0 {
                let _ = watcher.poll();
            }
        }
        subject.set(version).await;
    }
    for watcher in &mut watchers {
        watcher.reaches(LAST);
    }

    // Now all wait, and the version has to come to them.
    for watcher in &mut watchers {
        watcher.waits("it has taken the last version");
    }
    subject.write(LAST + 1).await;
    for watcher in &mut watchers {
        watcher.woken().await;
        watcher.get_until(LAST + 1).await;
    }
}

/// A version wakes the task that polled last, and only its waker is kept.
pub async fn law_4_the_newest_waker_is_woken(
    reader: impl ValueReader<u64>,
    mut subject: impl Subject,
) {
    let mut watcher = Consumer::of(&reader, "a watcher that moved to another task");
    let mut earlier = Vec::new();
    let mut move_on = |watcher: &mut Consumer<_>| {
        watcher.waits("there is no newer version");
        earlier.push(watcher.move_to_new_task());
        watcher.waits("there is no newer version");
    };
    for version in 1..=5 {
        move_on(&mut watcher);
        move_on(&mut watcher);
        subject.set(version).await;
        watcher.woken().await;
        watcher.reaches(version);
    }
    move_on(&mut watcher);
    move_on(&mut watcher);
    while earlier.iter().any(Task::is_kept) {
        step("waiting until the wakers of earlier tasks are dropped");
        yield_now().await;
    }
}

/// A watcher goes on when the reader that started it is dropped.
pub async fn law_4_goes_on_without_its_reader(
    reader: impl ValueReader<u64>,
    mut subject: impl Subject,
) {
    let mut polled = Consumer::of(&reader, "a watcher that polled before its reader was dropped");
    let mut fresh = Consumer::of(&reader, "a watcher that polls after its reader was dropped");
    subject.set(1).await;
    polled.reaches(1);
    polled.waits("there is no newer version");
    step("dropping the reader");
    drop(reader);
    for version in 2..=3 {
        subject.write(version).await;
        polled.get_until(version).await;
        fresh.get_until(version).await;
    }
}
