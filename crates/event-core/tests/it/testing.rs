//! The value that a test drives by hand.

use event_core::testing::{TestReader, TestValue};
use event_core::{ValueReader, WatcherExt};
use futures_util::FutureExt;

#[test]
fn taken_and_handled_tell_what_the_code_under_test_did() {
    let value = TestValue::new();
    value.publish(1);
    assert!(value.taken().now_or_never().is_none(), "nobody watches");
    let mut watcher = value.reader().watch();
    assert!(value.taken().now_or_never().is_none());
    assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    assert!(value.taken().now_or_never().is_some());
    assert!(value.handled().now_or_never().is_none(), "it did not come back");
    assert!(watcher.get().now_or_never().is_none());
    assert!(value.handled().now_or_never().is_some());
    value.publish(2);
    assert!(value.taken().now_or_never().is_none());
    assert!(value.handled().now_or_never().is_none());
}

#[test]
fn all_watchers_count_and_one_that_is_dropped_does_not() {
    let value = TestValue::new();
    let reader = value.reader();
    let (mut one, other) = (reader.watch(), reader.watch());
    value.publish(1);
    assert_eq!(one.try_get().unwrap().unwrap(), 1);
    assert!(value.taken().now_or_never().is_none());
    drop(other);
    assert!(value.taken().now_or_never().is_some());
    assert!(value.watched_by(1).now_or_never().is_some());
    assert!(value.watched_by(2).now_or_never().is_none());
}

#[tokio::test]
async fn a_test_waits_for_a_task_without_sleeping() {
    let value = TestValue::new();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let mut watcher = value.reader().watch();
    let task = tokio::spawn(async move {
        while let Ok(version) = watcher.get().await {
            tokio::task::yield_now().await;
            sender.send(version).unwrap();
        }
    });
    for version in 0..100 {
        value.publish(version);
        value.handled().await;
        assert_eq!(receiver.try_recv().unwrap(), version);
    }
    value.close();
    task.await.unwrap();
}

mod laws {
    use event_core::conformance::Subject;
    use event_core::{Error, ErrorKind};

    use super::{TestReader, TestValue};

    struct Driven(Option<TestValue<u64>>);

    fn driven() -> (TestReader<u64>, Driven) {
        let value = TestValue::new();
        (value.reader(), Driven(Some(value)))
    }

    impl Driven {
        fn value(&self) -> &TestValue<u64> {
            self.0.as_ref().expect("a value that ended is not set")
        }
    }

    impl Subject for Driven {
        async fn set(&mut self, version: u64) {
            self.value().publish(version);
        }

        async fn spoil(&mut self) -> bool {
            self.value().fail(Error::new(ErrorKind::Decode, "spoilt"));
            true
        }

        async fn end(&mut self) -> bool {
            self.0 = None;
            true
        }

        async fn held(&mut self) -> usize {
            usize::from(self.0.as_ref().is_some_and(|value| value.watchers() > 0))
        }
    }

    event_core::conformance_tests!(test_value, driven);
}
