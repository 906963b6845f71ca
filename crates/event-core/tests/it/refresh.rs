//! A refresh reaches the backend through every adapter.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use event_core::{
    Entry, Error, ErrorKind, MemoryReader, MemoryValue, MemoryWatcher, ReaderExt, Refresh,
    ValueReader,
};
use futures_executor::block_on;

/// A backend that counts its refreshes, and refuses them on demand.
#[derive(Clone)]
struct Backend<T> {
    reader: MemoryReader<T>,
    refreshes: Arc<AtomicUsize>,
    refuses: bool,
}

impl<T: Clone> Backend<T> {
    fn new(first: T) -> Self {
        let reader = MemoryValue::new(first).reader();
        Self { reader, refreshes: Arc::default(), refuses: false }
    }

    fn count(&self) -> usize {
        self.refreshes.swap(0, Ordering::SeqCst)
    }
}

impl<T: Clone> ValueReader<T> for Backend<T> {
    type Watcher = MemoryWatcher<T>;

    fn watch(&self) -> Self::Watcher {
        self.reader.watch()
    }

    fn refresh(&self) -> Refresh {
        let (refreshes, refuses) = (Arc::clone(&self.refreshes), self.refuses);
        Refresh::new(async move {
            refreshes.fetch_add(1, Ordering::SeqCst);
            if refuses { Err(Error::new(ErrorKind::PermissionDenied, "refused")) } else { Ok(()) }
        })
    }
}

#[test]
fn generic_code_refreshes_whatever_the_reader_is_made_of() {
    let number = Backend::new(1_u64);
    let entry = Backend::new(Entry::present("k", 1, "1"));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
    let refresh = |refresh: Refresh| block_on(refresh).unwrap();
    refresh(number.clone().map(|v| v).refresh());
    refresh(number.clone().filter(|_| true).refresh());
    refresh(number.clone().dedup().refresh());
    refresh(number.clone().shared().refresh());
    refresh(number.clone().boxed().refresh());
    refresh(ValueReader::<u64>::refresh(&&number));
    refresh(Box::new(number.clone()).refresh());
    assert_eq!(number.count(), 7);
    refresh(number.clone().zip(number.clone()).refresh());
    assert_eq!(number.count(), 2, "both sides");
    refresh(entry.clone().decode(text).refresh());
    refresh(entry.clone().decode_versioned(text).map(|v| v.value).dedup().boxed().refresh());
    assert_eq!(entry.count(), 2);
}

#[test]
fn a_reader_with_nothing_to_refresh_says_so_at_once() {
    let value = MemoryValue::new(1);
    assert!(value.refresh().is_nothing());
    assert!(value.reader().map(|v| v).zip(value.reader()).boxed().refresh().is_nothing());
    block_on(value.refresh()).unwrap();
}

#[test]
fn a_refusal_is_handed_on() {
    let refuses = Backend { refuses: true, ..Backend::new(1) };
    let both = refuses.clone().zip(Backend::new(2)).map(|(a, b)| a + b);
    assert_eq!(block_on(both.refresh()).unwrap_err().kind(), ErrorKind::PermissionDenied);
    let refusals = refuses.clone().zip(refuses).refresh();
    assert_eq!(block_on(refusals).unwrap_err().kind(), ErrorKind::PermissionDenied);
}
