//! `debounce` and `timeout`, with time that the test holds.

use std::time::Duration;

use event_core::{Error, ErrorKind, MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt};
use tokio::time::{Instant, advance, timeout};

const QUIET: Duration = Duration::from_millis(100);

#[tokio::test(start_paused = true)]
async fn only_what_stays_for_a_while_is_yielded() {
    let value = MemoryValue::new(0);
    let mut watcher = value.reader().debounce(QUIET).watch();
    assert_eq!(watcher.get().await.unwrap(), 0);
    let begin = Instant::now();
    for version in 1..=5 {
        value.set(version);
        assert!(timeout(QUIET / 2, watcher.get()).await.is_err());
    }
    assert_eq!(watcher.get().await.unwrap(), 5);
    // Time moves in steps of a millisecond.
    let took = begin.elapsed();
    assert!(took >= QUIET / 2 * 6 && took <= QUIET * 3 + QUIET / 20, "{took:?}");
    assert!(timeout(10 * QUIET, watcher.get()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_last_version_comes_at_once_before_the_end() {
    let value = MemoryValue::new(0);
    let mut watcher = value.reader().debounce(QUIET).watch();
    assert_eq!(watcher.get().await.unwrap(), 0);
    value.set(1);
    drop(value);
    let begin = Instant::now();
    assert_eq!(watcher.get().await.unwrap(), 1);
    assert!(watcher.get().await.unwrap_err().is_closed());
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_error_waits_like_any_version() {
    let value = MemoryValue::new(0);
    let mut watcher = value.reader().debounce(QUIET).watch();
    assert_eq!(watcher.get().await.unwrap(), 0);
    value.fail(Error::new(ErrorKind::Decode, "expected a number"));
    value.set(1);
    assert_eq!(watcher.get().await.unwrap(), 1);
    value.fail(Error::new(ErrorKind::Decode, "expected a number"));
    assert_eq!(watcher.get().await.unwrap_err().kind(), ErrorKind::Decode);
}

#[tokio::test(start_paused = true)]
async fn all_watchers_get_what_is_debounced() {
    let value = MemoryValue::new(0);
    let reader = value.reader().debounce(QUIET);
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let mut watcher = reader.watch();
            tokio::spawn(async move { watcher.get_if(|version| *version == 2).await.unwrap() })
        })
        .collect();
    tokio::task::yield_now().await;
    value.set(1);
    value.set(2);
    for task in tasks {
        assert_eq!(timeout(10 * QUIET, task).await.unwrap().unwrap(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_first_version_in_time_there_is_one_error() {
    let value = MemoryValue::empty();
    let reader = value.reader().timeout(QUIET);
    let (mut late, mut early) = (reader.watch(), reader.watch());
    let begin = Instant::now();
    let error = late.get().await.unwrap_err();
    assert_eq!((error.kind(), begin.elapsed()), (ErrorKind::Unavailable, QUIET));
    assert_eq!(error.to_string(), "there is no value after 100ms");
    assert!(timeout(10 * QUIET, late.get()).await.is_err(), "only once");
    value.set(1);
    assert_eq!(late.get().await.unwrap(), 1);
    assert_eq!(early.get().await.unwrap(), 1, "a version is in time, however late it is polled");
    advance(10 * QUIET).await;
    assert!(timeout(10 * QUIET, early.get()).await.is_err());
}
