//! The stores of this crate: the laws on their keys, and what a store adds.

use event_core::conformance::Subject;
use event_core::testing::TestStore;
use event_core::{
    BoxReader, Bytes, Entry, EntryState, ErrorKind, HealthState, MemoryStore, ReaderExt, Store,
    StoreExt, ValueReader, WatcherExt,
};

/// A key of a store in memory that holds a number.
struct Number(MemoryStore);

impl Subject for Number {
    async fn set(&mut self, version: u64) {
        self.0.set("app/number", version.to_be_bytes().to_vec());
    }

    async fn spoil(&mut self) -> bool {
        self.0.set("app/number", "not eight bytes");
        true
    }

    async fn end(&mut self) -> bool {
        self.0.close();
        true
    }

    async fn held(&mut self) -> usize {
        0
    }
}

fn decode(bytes: &[u8]) -> Result<u64, std::array::TryFromSliceError> {
    bytes.try_into().map(u64::from_be_bytes)
}

event_core::conformance_tests!(a_key_in_memory, || {
    let store = MemoryStore::new();
    (store.value("app/number").decode(decode), Number(store))
});

event_core::conformance_tests!(a_key_through_a_dyn_store, || {
    let store = MemoryStore::new();
    let app: &dyn Store = &store.clone().namespace("app/");
    (app.value("number").decode(decode).boxed(), Number(store))
});

#[test]
fn a_change_of_any_key_takes_the_next_revision() {
    let store = MemoryStore::new();
    assert_eq!(store.set("a", "1"), Some(1));
    assert_eq!(store.set("b", "2"), Some(2));
    assert_eq!(store.delete("a"), Some(3));
    assert_eq!(store.delete("a"), None, "it is not there");
    let mut watcher = store.value("b").watch();
    assert_eq!(watcher.try_get().unwrap().unwrap().revision(), Some(2));
    store.close();
    assert_eq!((store.set("b", "3"), store.delete("b")), (None, None));
    assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
    assert!(store.value("b").watch().try_get().unwrap().unwrap_err().is_closed());
}

#[test]
fn a_key_in_memory_knows_when_it_was_created_and_how_often_it_was_written() {
    let store = MemoryStore::new();
    let known = |store: &MemoryStore| {
        let entry = store.value("a").watch().try_get().unwrap().unwrap();
        (entry.revision(), entry.create_revision(), entry.version(), entry.lease())
    };
    assert_eq!(known(&store), (None, None, None, None));
    for (revision, version) in [(1, 1), (2, 2), (3, 3)] {
        assert_eq!(store.set("a", "x"), Some(revision));
        assert_eq!(known(&store), (Some(revision), Some(1), Some(version), None));
    }
    let watcher = store.value("a").watch();
    store.delete("a");
    assert_eq!(known(&store), (Some(4), None, None, None));
    store.set("a", "x");
    assert_eq!(known(&store), (Some(5), Some(5), Some(1), None), "it is created anew");
    drop(watcher);
    store.delete("a");
    store.set("a", "x");
    assert_eq!(known(&store), (Some(7), Some(7), Some(1), None));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
    let versioned = store.value("a").decode_versioned(text).watch().try_get().unwrap().unwrap();
    assert_eq!(versioned.metadata.create_revision(), Some(7));
}

#[test]
fn a_deletion_is_known_while_the_key_has_a_watcher() {
    let store = MemoryStore::new();
    let newest = |store: &MemoryStore| store.value("a").watch().try_get().unwrap().unwrap().state;
    assert_eq!(newest(&store), EntryState::NeverSeen);
    store.set("a", "1");
    let mut watcher = store.value("a").watch();
    store.delete("a");
    assert_eq!(watcher.try_get().unwrap().unwrap(), Entry::deleted("a", 2));
    assert_eq!(newest(&store), Entry::deleted("a", 2).state);
    drop(watcher);
    assert_eq!(newest(&store), EntryState::NeverSeen);
}

#[test]
fn what_a_store_in_memory_keeps_is_bounded_by_its_keys_and_watchers() {
    let store = MemoryStore::new();
    for key in 0..1000_u32 {
        drop(store.value(key.to_be_bytes()).watch());
        store.set(key.to_be_bytes(), "1");
        store.delete(key.to_be_bytes());
    }
    store.set("one", "1");
    let _watcher = store.value("two").watch();
    assert_eq!(store.len(), 2);
}

#[test]
fn names_and_errors_have_the_full_key_however_views_nest() {
    let store = MemoryStore::new();
    store.set("a/b/c", "not eight bytes");
    let view = store.namespace("a/").namespace("b/");
    let error = view.value("c").decode(decode).watch().try_get().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Decode, Some(&b"a/b/c"[..])));
}

#[test]
fn a_store_is_used_by_value_by_reference_boxed_and_shared() {
    fn port(store: impl Store) -> Bytes {
        let port: BoxReader<Entry> = store.value("port");
        port.watch().try_get().unwrap().unwrap().value().unwrap().clone()
    }
    let store = MemoryStore::new();
    store.set("port", "1");
    assert_eq!(port(&store), "1");
    assert_eq!(port(std::sync::Arc::new(store.clone()) as event_core::BoxStore), "1");
    assert_eq!(port(Box::new(store.clone()) as Box<dyn Store>), "1");
    assert_eq!(port(store), "1");
}

#[test]
fn a_store_that_a_test_drives_has_no_version_until_the_test_says_so() {
    let store = TestStore::new();
    let mut watcher = store.value("a").watch();
    assert!(watcher.try_get().is_none());
    store.set_missing("a");
    assert_eq!(watcher.try_get().unwrap().unwrap().state, EntryState::NeverSeen);
    store.set("a", "1");
    assert_eq!(watcher.try_get().unwrap().unwrap(), Entry::present("a", 1, "1"));
    store.delete("a");
    assert_eq!(watcher.try_get().unwrap().unwrap(), Entry::deleted("a", 2));
    let stalled = event_core::Health::new(HealthState::Stalled);
    store.set_health(stalled.clone());
    store.at("a").set_health(stalled);
    for mut health in [store.health().watch(), store.health_of("a").watch()] {
        assert_eq!(health.try_get().unwrap().unwrap().state, HealthState::Stalled);
    }
    store.close();
    assert!(watcher.try_get().unwrap().unwrap_err().is_closed());
    assert!(store.value("b").watch().try_get().unwrap().unwrap_err().is_closed());
    assert!(store.health().watch().try_get().unwrap().unwrap_err().is_closed());
}
