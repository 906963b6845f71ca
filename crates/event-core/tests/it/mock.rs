//! An application can mock a reader with mockall: the mock returns boxed watchers.

use event_core::{BoxWatcher, MemoryValue, ReaderExt, ValueReader, WatcherExt};
use futures_executor::block_on;

mockall::mock! {
    Reader {}

    impl ValueReader<u16> for Reader {
        type Watcher = BoxWatcher<u16>;
        fn watch(&self) -> BoxWatcher<u16>;
    }
}

#[test]
fn a_mocked_reader_is_a_reader() {
    let mut reader = MockReader::new();
    reader.expect_watch().times(1).returning(|| MemoryValue::new(8080).watch().boxed());
    assert_eq!(block_on(reader.map(|port| port + 1).get()).unwrap(), 8081);
}
