//! The conformance suite, on the value in memory and on each adapter, typed and boxed.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use event_core::conformance::{self, Subject};
use event_core::{
    Bytes, Entry, Error, ErrorKind, MemoryReader, MemoryValue, MemoryWatcher, ReaderExt,
    ValueReader, ValueWriter, Watcher,
};
use futures_executor::block_on;

/// A value in memory that counts its watchers, below the reader under test.
struct Adapted<T, R> {
    value: RefCell<Option<MemoryValue<T>>>,
    watchers: Arc<AtomicUsize>,
    version: fn(u64) -> T,
    reader: R,
}

impl<T: Clone, R: ValueReader<u64>> Adapted<T, R> {
    fn new(version: fn(u64) -> T, adapt: impl FnOnce(Counted<T>) -> R) -> Self {
        let value = MemoryValue::empty();
        let watchers = Arc::default();
        let reader = adapt(Counted { reader: value.reader(), watchers: Arc::clone(&watchers) });
        Self { value: RefCell::new(Some(value)), watchers, version, reader }
    }
}

impl<T, R: ValueReader<u64>> Subject for Adapted<T, R> {
    type Reader = R;

    fn reader(&self) -> &R {
        &self.reader
    }

    async fn set(&self, version: u64) {
        self.value.borrow().as_ref().unwrap().set((self.version)(version));
    }

    async fn spoil(&self) -> bool {
        self.value.borrow().as_ref().unwrap().fail(Error::new(ErrorKind::Decode, "spoilt"));
        true
    }

    async fn end(&self) -> bool {
        self.value.take();
        true
    }

    async fn held(&self) -> usize {
        self.watchers.load(Ordering::SeqCst)
    }
}

struct Counted<T> {
    reader: MemoryReader<T>,
    watchers: Arc<AtomicUsize>,
}

impl<T: Clone> ValueReader<T> for Counted<T> {
    type Watcher = CountedWatcher<T>;

    fn watch(&self) -> Self::Watcher {
        self.watchers.fetch_add(1, Ordering::SeqCst);
        CountedWatcher { watcher: self.reader.watch(), watchers: Arc::clone(&self.watchers) }
    }
}

struct CountedWatcher<T> {
    watcher: MemoryWatcher<T>,
    watchers: Arc<AtomicUsize>,
}

impl<T: Clone> Watcher<T> for CountedWatcher<T> {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        self.watcher.poll_get(cx)
    }
}

impl<T> Drop for CountedWatcher<T> {
    fn drop(&mut self) {
        self.watchers.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Runs the suite on what `adapt` makes of a value in memory, typed and boxed.
macro_rules! laws_hold {
    ($($name:ident: $version:expr, $adapt:expr;)*) => {$(
        #[test]
        fn $name() {
            block_on(conformance::all(async || Adapted::new($version, $adapt)));
            block_on(conformance::all(async || Adapted::new($version, |reader| $adapt(reader).boxed())));
        }
    )*};
}

fn same(version: u64) -> u64 {
    version
}

fn entry(version: u64) -> Entry {
    Entry::present("key", i64::try_from(version).unwrap(), version.to_be_bytes().to_vec())
}

fn decode(bytes: &[u8]) -> Result<u64, std::array::TryFromSliceError> {
    bytes.try_into().map(u64::from_be_bytes)
}

laws_hold! {
    the_laws_hold_for_a_value_in_memory: same, |reader: Counted<u64>| reader;
    the_laws_hold_for_map: |v| v.to_string(), |reader: Counted<String>| reader.map(|v| v.parse::<u64>().unwrap());
    the_laws_hold_for_filter: same, |reader: Counted<u64>| reader.filter(|v| *v > 0);
    the_laws_hold_for_dedup: same, |reader: Counted<u64>| reader.dedup();
    the_laws_hold_for_share: same, |reader: Counted<u64>| reader.shared();
    the_laws_hold_for_decode: entry, |reader: Counted<Entry>| reader.decode(decode);
    the_laws_hold_for_decode_versioned: entry, |reader: Counted<Entry>| {
        reader.decode_versioned(decode).map(|version| version.value)
    };
    the_laws_hold_for_zip: same, |reader: Counted<u64>| {
        reader.zip(MemoryValue::new(()).reader()).map(|(v, ())| v)
    };
    the_laws_hold_for_all_at_once: entry, |reader: Counted<Entry>| {
        reader.decode(decode).map(|v| v + 1).filter(|v| *v > 0).dedup().boxed().map(|v| v - 1).shared()
    };
}

/// What does not decode is an error of the decoder, where above it comes from below.
struct Undecodable<R>(Adapted<Entry, R>);

impl<R: ValueReader<u64>> Subject for Undecodable<R> {
    type Reader = R;

    fn reader(&self) -> &R {
        self.0.reader()
    }
    async fn set(&self, version: u64) {
        self.0.set(version).await;
    }
    async fn spoil(&self) -> bool {
        let bad = Entry::present("key", 7, Bytes::from_static(b"not eight bytes"));
        self.0.value.borrow().as_ref().unwrap().set(bad);
        true
    }
    async fn end(&self) -> bool {
        self.0.end().await
    }
    async fn held(&self) -> usize {
        self.0.held().await
    }
}

#[test]
fn the_laws_hold_for_what_does_not_decode() {
    block_on(conformance::all(async || {
        Undecodable(Adapted::new(entry, |reader| reader.decode(decode)))
    }));
}
