use crate::ValueReader;
use crate::conformance::Subject;
use crate::conformance::block_on::yield_now;
use crate::conformance::consumer::Consumer;
use crate::conformance::progress::step;

/// Dropping a watcher frees everything it held. Dropping the last one also ends the subscription in the backend.
pub async fn law_9_drop_is_close(reader: impl ValueReader<u64>, mut subject: impl Subject) {
    let before = subject.held().await;
    subject.set(1).await;
    let mut watchers: Vec<_> = (0..5).map(|_| Consumer::of(&reader, "a watcher")).collect();
    for watcher in &mut watchers {
        watcher.get_until(1).await;
        watcher.waits("there is no newer version");
    }
    drop(Consumer::of(&reader, "a watcher that never polls"));

    // One by one, and out of order: the others still wait.
    for _ in 0..5 {
        let task = watchers.swap_remove(watchers.len() / 2).close();
        while task.is_kept() {
            step("waiting until the waker of a dropped watcher is dropped");
            yield_now().await;
        }
    }
    loop {
        let held = subject.held().await;
        if held <= before {
            break;
        }
        step(format!("waiting until {before} is held upstream without a watcher: it is {held}"));
        yield_now().await;
    }
}
