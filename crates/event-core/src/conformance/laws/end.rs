use crate::conformance::Subject;
use crate::conformance::consumer::Consumer;
use crate::{ValueReader, Watcher};

/// How often a watcher is asked after the end. A watcher may yield to the executor now and then.
const ASKED: usize = 100;

/// When no writer is left, a watcher takes the last version, then `Closed`, for ever.
pub async fn law_8_end(reader: impl ValueReader<u64>, mut subject: impl Subject) {
    let mut behind = Consumer::of(&reader, "a watcher that has not taken the last version");
    let mut ahead = Consumer::of(&reader, "a watcher that has taken the last version");
    subject.set(1).await;
    behind.reaches(1);
    subject.set(2).await;
    ahead.reaches(2);
    ahead.waits("there is no newer version");
    if !subject.end().await {
        return;
    }
    ahead.woken().await;
    behind.reaches(2);
    stays_closed(&mut behind).await;
    stays_closed(&mut ahead).await;

    // The last version may be gone with the backend.
    let mut late = Consumer::of(&reader, "a watcher from after the end");
    match late.get().await {
        Ok(version) => assert!(version == 2, "a watcher from after the end took {version}"),
        Err(error) => assert!(error.is_closed(), "after the end came {error:?}"),
    }
    stays_closed(&mut late).await;
}

async fn stays_closed(watcher: &mut Consumer<impl Watcher<u64>>) {
    for _ in 0..ASKED {
        match watcher.get().await {
            Ok(version) => panic!("{} took {version} after the end", watcher.name()),
            Err(error) => assert!(error.is_closed(), "after the end came {error:?}"),
        }
    }
}
