use crate::MapReader;
use crate::conformance::block_on::yield_now;
use crate::conformance::maps::MapSubject;
use crate::conformance::maps::consumer::Consumer;
use crate::conformance::maps::truth::Truth;
use crate::conformance::progress::step;

/// When no writer is left, a watcher yields what it has not yielded yet, then `Closed`, for ever.
pub async fn law_9_end<S: MapSubject>(reader: impl MapReader<S::Key, u64>, subject: S) {
    let mut truth = Truth::synced(subject).await;
    let mut behind = Consumer::of(&reader, "a watcher that has not taken the last change");
    let mut ahead = Consumer::of(&reader, "a watcher that has taken the last change");
    truth.put(1, 1).await;
    behind.drain_until(&truth.keys, true).await;
    truth.put(2, 2).await;
    truth.delete(1).await;
    ahead.drain_until(&truth.keys, true).await;
    ahead.waits("it has yielded all");
    if !truth.subject.end().await {
        return;
    }
    ahead.woken().await;
    while behind.yielded != truth.keys {
        behind.take(&truth.keys);
    }
    behind.stays_closed().await;
    ahead.stays_closed().await;
}

/// Dropping a watcher frees everything it held, including its subscription in the backend.
pub async fn law_9_drop_is_close<S: MapSubject>(reader: impl MapReader<S::Key, u64>, subject: S) {
    let mut truth = Truth::synced(subject).await;
    let before = truth.subject.held().await;
    truth.put(1, 1).await;
    let mut watchers: Vec<_> = (0..5).map(|_| Consumer::of(&reader, "a watcher")).collect();
    for watcher in &mut watchers {
        watcher.drain_until(&truth.keys, true).await;
        watcher.waits("it has yielded all");
    }
    drop(Consumer::of(&reader, "a watcher that never polls"));
    for _ in 0..5 {
        let task = watchers.swap_remove(watchers.len() / 2).close();
        while task.is_kept() {
            step("waiting until the waker of a dropped watcher is dropped");
            yield_now().await;
        }
    }
    loop {
        let held = truth.subject.held().await;
        if held <= before {
            break;
        }
        step(format!("waiting until {before} is held upstream without a watcher: it is {held}"));
        yield_now().await;
    }
}
