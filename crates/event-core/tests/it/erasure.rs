//! What is promised of types: `dyn` works, and what may cross threads does.

use std::sync::Arc;

use event_core::{
    BoxReader, BoxWatcher, Error, MemoryReader, MemoryValue, MemoryWatcher, ReaderExt, Value,
    ValueReader, ValueWriter, Watcher, WatcherExt,
};
use futures_executor::block_on;

#[test]
fn handles_and_watchers_cross_threads() {
    fn all<T: Send + Sync + Unpin + 'static>() {}
    fn send<T: Send + Unpin + 'static>() {}
    all::<MemoryValue<u8>>();
    all::<MemoryReader<u8>>();
    all::<MemoryWatcher<u8>>();
    all::<BoxReader<u8>>();
    all::<Error>();
    send::<BoxWatcher<u8>>();
}

#[test]
fn every_trait_serves_as_dyn() {
    let value = MemoryValue::new(1);
    let writer: Arc<dyn ValueWriter<u8>> = Arc::new(value.clone());
    let both: Box<dyn Value<u8, Watcher = MemoryWatcher<u8>>> = Box::new(value.clone());
    let reader: BoxReader<u8> = value.boxed();
    writer.set(2);
    assert_eq!(block_on(reader.get()).unwrap(), 2);
    both.set(3);
    assert_eq!(block_on(both.watch().get()).unwrap(), 3);
    let mut watcher = both.watch();
    let erased: &mut dyn Watcher<u8> = &mut watcher;
    assert_eq!(block_on(erased.get()).unwrap(), 3);
}

#[test]
fn a_reference_is_as_good_as_what_it_refers_to() {
    async fn first<R: ValueReader<u8>>(reader: R) -> u8 {
        reader.watch().get().await.unwrap()
    }
    let value = MemoryValue::new(4);
    assert_eq!(block_on(first(&value)), 4);
    assert_eq!(block_on(first(Box::new(value.reader()))), 4);
    assert_eq!(block_on(first(Arc::new(value))), 4);
}
