//! What the types promise: `dyn` works, and what may cross threads does.

use std::sync::Arc;

use event_core::adapters::{
    Boxed, Current, CurrentRef, Debounce, DebounceWatcher, Decode, DecodeWatcher, Decoded, Dedup,
    DedupWatcher, Filter, FilterWatcher, ForLatest, Get, GetIf, GetOnce, IntoStream, LastGood,
    LastGoodWatcher, Latest, Mapped, MappedWatcher, OnError, OnErrorWatcher, OrElse, OrElseWatcher,
    Shared, SharedWatcher, Timeout, TimeoutWatcher, Zip, ZipWatcher,
};
use event_core::testing::{TestMap, TestMapWatcher, TestReader, TestValue, TestWatcher};
use event_core::upstream::{UpstreamMap, UpstreamMapWatcher};
use event_core::{
    BoxReader, BoxWatcher, Cause, CauseKind, Decoder, Entry, EntryState, Epoch, Error, ErrorKind,
    Health, HealthState, KeyName, KeyRange, MemoryReader, MemoryStoreMap, MemoryStoreMapWatcher,
    MemoryValue, MemoryWatcher, ReaderExt, Refresh, Value, ValueReader, ValueWriter, Versioned,
    Watcher, WatcherExt,
};
use futures_executor::block_on;

/// Every public type, in the order of the docs.
#[test]
fn every_public_type_crosses_threads() {
    type Reader = MemoryReader<u8>;
    type Cursor = MemoryWatcher<u8>;
    type Mapper = fn(u8) -> u8;
    type Predicate = fn(&u8) -> bool;
    type Bytes = fn(&[u8]) -> Result<u8, Error>;
    fn shared<T: Send + Sync + Unpin + 'static>() {}
    fn sent<T: Send + Unpin + 'static>() {}

    shared::<MemoryValue<u8>>();
    shared::<Reader>();
    shared::<Cursor>();
    shared::<BoxReader<u8>>();
    sent::<BoxWatcher<u8>>();
    sent::<Refresh>();
    shared::<Epoch>();
    shared::<Entry>();
    shared::<EntryState>();
    shared::<Versioned<u8>>();
    shared::<Error>();
    shared::<ErrorKind>();
    shared::<Health>();
    shared::<HealthState>();
    shared::<Cause>();
    shared::<CauseKind>();
    shared::<KeyName<'static>>();
    shared::<KeyRange>();
    shared::<MemoryStoreMap>();
    shared::<MemoryStoreMapWatcher>();
    shared::<TestMap<u8, u8>>();
    shared::<TestMapWatcher<u8, u8>>();
    shared::<UpstreamMap>();
    shared::<UpstreamMapWatcher>();

    shared::<Boxed<Reader>>();
    shared::<Mapped<Reader, u8, Mapper>>();
    shared::<MappedWatcher<Cursor, u8, Mapper>>();
    shared::<Filter<Reader, Predicate>>();
    shared::<FilterWatcher<Cursor, u8, Predicate>>();
    shared::<Dedup<Reader>>();
    shared::<DedupWatcher<Cursor, u8>>();
    shared::<Zip<Reader, Reader, u8, u8>>();
    shared::<ZipWatcher<Cursor, Cursor, u8, u8>>();
    shared::<Decode<MemoryReader<Entry>, Bytes, u8>>();
    shared::<DecodeWatcher<MemoryWatcher<Entry>, Bytes, u8>>();
    shared::<Decoded<MemoryReader<Entry>, Bytes>>();
    shared::<Shared<Reader, u8>>();
    shared::<SharedWatcher<Cursor, u8>>();
    shared::<Latest<Cursor, u8>>();
    shared::<Current<u8>>();
    shared::<CurrentRef<u8>>();
    shared::<OnError<Reader, fn(&Error)>>();
    shared::<OnErrorWatcher<Cursor, fn(&Error)>>();
    shared::<LastGood<Reader>>();
    shared::<LastGoodWatcher<Cursor>>();
    shared::<OrElse<Reader, Reader>>();
    shared::<OrElseWatcher<Cursor, Cursor>>();
    shared::<ForLatest<Cursor, u8, fn(u8) -> std::future::Ready<()>, std::future::Ready<()>>>();
    shared::<Debounce<Reader>>();
    shared::<DebounceWatcher<Cursor, u8>>();
    shared::<Timeout<Reader>>();
    shared::<TimeoutWatcher<Cursor>>();
    shared::<TestValue<u8>>();
    shared::<TestReader<u8>>();
    shared::<TestWatcher<u8>>();
    shared::<IntoStream<Cursor, u8>>();
    shared::<Get<'static, Cursor, u8>>();
    shared::<GetIf<'static, Cursor, u8, Predicate>>();
    shared::<GetOnce<Cursor, u8>>();
}

/// A watcher may be shared by its handles only: neither it nor a value has to be `Sync`.
#[test]
fn a_value_that_is_not_sync_is_shared_between_threads_all_the_same() {
    fn shared<T: Send + Sync>(_: &T) {}
    let value = MemoryValue::new(std::cell::Cell::new(1));
    shared(&value);
    shared(&value.reader());
    shared(&value.reader().map(|v| v).watch());
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
    let decoder: &dyn Decoder<Output = usize> = &|bytes: &[u8]| Ok::<_, Error>(bytes.len());
    assert_eq!(decoder.decode(&"four".into()).unwrap(), 4);
}

#[test]
fn a_reference_is_as_good_as_what_it_refers_to() {
    async fn first<R: ValueReader<u8>>(reader: R) -> u8 {
        reader.refresh().await.unwrap();
        reader.watch().get().await.unwrap()
    }
    let value = MemoryValue::new(4);
    assert_eq!(block_on(first(&value)), 4);
    assert_eq!(block_on(first(Box::new(value.reader()))), 4);
    assert_eq!(block_on(first(Arc::new(value))), 4);
}
