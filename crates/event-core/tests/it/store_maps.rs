//! The maps of the stores of this crate: the laws on them, and what a store adds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use event_core::conformance::maps::MapSubject;
use event_core::testing::TestStore;
use event_core::{
    Bytes, Change, Entry, Error, ErrorKind, HealthState, KeyRange, MapReader, MapReaderExt,
    MapWatcher, MapWatcherExt, MemoryStore, Metadata, Store, StoreExt, ValueReader, ValueWriter,
    WatcherExt,
};
use futures_executor::block_on;
use futures_util::FutureExt;

fn decode(bytes: &[u8]) -> Result<u64, std::array::TryFromSliceError> {
    bytes.try_into().map(u64::from_be_bytes)
}

fn name(number: u64) -> String {
    format!("app/map/{number}")
}

/// Numbers in a range of a store in memory.
struct InMemory(MemoryStore);

impl InMemory {
    fn change(&self, changes: &[(u64, Option<u64>)]) -> Option<i64> {
        self.0.apply(|step| {
            for (number, version) in changes {
                match version {
                    Some(version) => step.set(name(*number), version.to_be_bytes().to_vec()),
                    None => step.delete(name(*number)),
                }
            }
        })
    }
}

impl MapSubject for InMemory {
    type Key = Bytes;

    fn key(&self, number: u64) -> Bytes {
        number.to_string().into()
    }

    async fn apply(&mut self, changes: &[(u64, Option<u64>)]) {
        self.change(changes);
    }

    async fn sync(&mut self) -> bool {
        false
    }

    async fn spoil(&mut self, key: u64) -> bool {
        self.0.set(name(key), "not eight bytes");
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

/// Numbers in a range of the keys only: who knows the revision knows the number.
struct KeysOnly {
    memory: InMemory,
    revision: i64,
    numbers: Numbers,
}

type Numbers = Arc<Mutex<HashMap<(Bytes, i64), u64>>>;

impl MapSubject for KeysOnly {
    type Key = Bytes;

    fn key(&self, number: u64) -> Bytes {
        self.memory.key(number)
    }

    async fn apply(&mut self, changes: &[(u64, Option<u64>)]) {
        for (number, version) in changes {
            let key = (name(*number).into(), self.revision + 1);
            version.and_then(|version| self.numbers.lock().unwrap().insert(key, version));
        }
        self.revision = self.memory.change(changes).unwrap_or(self.revision);
    }

    async fn sync(&mut self) -> bool {
        false
    }

    async fn spoil(&mut self, _key: u64) -> bool {
        false
    }

    async fn end(&mut self) -> bool {
        self.memory.end().await
    }

    async fn held(&mut self) -> usize {
        0
    }
}

event_core::map_conformance_tests!(keys_only_in_memory, || {
    let (store, numbers) = (MemoryStore::new(), Numbers::default());
    let range = store.range(KeyRange::folder("app/map").keys_only());
    let known = Arc::clone(&numbers);
    let reader = range.map(move |_: &Bytes, entry: Entry| {
        let key = (entry.key.clone(), entry.revision().unwrap_or_default());
        known.lock().unwrap()[&key]
    });
    (reader, KeysOnly { memory: InMemory(store), revision: 0, numbers })
});

/// Numbers in a range of a store that a test drives.
struct ByHand(TestStore);

impl MapSubject for ByHand {
    type Key = Bytes;

    fn key(&self, number: u64) -> Bytes {
        number.to_string().into()
    }

    async fn apply(&mut self, changes: &[(u64, Option<u64>)]) {
        self.0.at_range(KeyRange::folder("app/map")).apply(|step| {
            for (number, version) in changes {
                let key = self.key(*number);
                match version {
                    Some(version) => {
                        let bytes = version.to_be_bytes().to_vec();
                        step.insert(key, Entry::present(name(*number), 1, bytes));
                    }
                    None => step.remove(key),
                }
            }
        });
    }

    async fn sync(&mut self) -> bool {
        self.0.set_synced();
        true
    }

    async fn spoil(&mut self, key: u64) -> bool {
        self.0.fail(name(key), Error::new(ErrorKind::ResourceExhausted, "too large"));
        true
    }

    async fn end(&mut self) -> bool {
        self.0.close();
        true
    }

    async fn held(&mut self) -> usize {
        self.0.at_range(KeyRange::folder("app/map")).watchers()
    }
}

event_core::map_conformance_tests!(in_memory, || {
    let store = MemoryStore::new();
    (store.range(KeyRange::folder("app/map")).decode(decode), InMemory(store))
});

event_core::map_conformance_tests!(in_memory_through_a_dyn_store, || {
    let store = MemoryStore::new();
    let app: &dyn Store = &store.clone().namespace("app/");
    (app.map("map").decode(decode), InMemory(store))
});

event_core::map_conformance_tests!(by_hand, || {
    let store = TestStore::new();
    (store.map("app/map").decode(decode), ByHand(store))
});

/// What a watcher has to take now, as text.
fn taken(watcher: &mut impl MapWatcher<Bytes, Entry>) -> Vec<String> {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let changes = std::iter::from_fn(|| watcher.try_change());
    let changes = changes.map(|change| match change.unwrap() {
        Change::Put { key, value } => format!("{}={}", text(&key), text(value.value().unwrap())),
        Change::Delete { key } => format!("-{}", text(&key)),
        Change::Failed { key, .. } => format!("!{}", text(&key)),
        Change::Synced => "synced".to_owned(),
        _ => unreachable!(),
    });
    changes.collect()
}

#[test]
fn a_change_of_a_key_reaches_every_map_that_has_it_and_no_other() {
    let store = MemoryStore::new();
    for (key, value) in [("a", "1"), ("a/", "2"), ("a/b", "3"), ("a/b/c", "4"), ("a0", "5")] {
        store.set(key, value);
    }
    let mut folder = store.map("a").watch();
    let mut same = store.map("a/").watch();
    let mut level = store.range(KeyRange::folder("a").one_level()).watch();
    let mut prefix = Store::range(&store, KeyRange::prefix("a")).watch();
    let mut between = store.range(KeyRange::between("a/b", "a0")).watch();
    let mut none = store.range(KeyRange::between("b", "a")).watch();
    let mut view = store.clone().namespace("a").namespace("/").map("b").watch();
    assert_eq!(taken(&mut folder), ["=2", "b=3", "b/c=4", "synced"]);
    assert_eq!(taken(&mut same), ["=2", "b=3", "b/c=4", "synced"]);
    assert_eq!(taken(&mut level), ["=2", "b=3", "synced"]);
    assert_eq!(taken(&mut prefix), ["=1", "/=2", "/b=3", "/b/c=4", "0=5", "synced"]);
    assert_eq!(taken(&mut between), ["a/b=3", "a/b/c=4", "synced"]);
    assert_eq!(taken(&mut none), ["synced"]);
    assert_eq!(taken(&mut view), ["c=4", "synced"]);

    store.apply(|step| {
        step.set("a/b/c", "6");
        step.set("a0", "7");
        step.delete("a0");
        step.delete("a/");
        step.delete("never there");
    });
    assert_eq!(taken(&mut folder), ["b/c=6", "-"]);
    assert_eq!(taken(&mut same), ["b/c=6", "-"]);
    assert_eq!(taken(&mut level), ["-"]);
    assert_eq!(taken(&mut prefix), ["/b/c=6", "-0", "-/"]);
    assert_eq!(taken(&mut between), ["a/b/c=6"]);
    assert!(taken(&mut none).is_empty());
    assert_eq!(taken(&mut view), ["c=6"]);
}

#[test]
fn a_map_of_the_keys_only_has_each_version_and_no_value() {
    let range = || KeyRange::folder("a").keys_only();
    let (memory, by_hand) = (MemoryStore::new(), TestStore::new());
    by_hand.set_synced();
    memory.set("a/0", "large");
    by_hand.set("a/0", "large");
    let stores: [&dyn Store; 2] = [&memory, &by_hand];
    let mut maps = stores.map(|store| (store.range(range()).watch(), store.map("a").watch()));
    for (keys, full) in &mut maps {
        assert_eq!(taken(keys), ["0=", "synced"]);
        assert_eq!(taken(full), ["0=large", "synced"]);
    }
    memory.set("a/1", "larger");
    by_hand.set("a/1", "larger");
    for (keys, full) in &mut maps {
        let Some(Ok(Change::Put { value, .. })) = keys.try_change() else { panic!("a/1 is there") };
        assert_eq!((value.value().unwrap().len(), value.revision()), (0, Some(2)));
        assert_eq!(taken(full), ["1=larger"]);
    }
    for value in ["larger", "other"] {
        memory.set("a/1", value);
        by_hand.set("a/1", value);
        for (keys, _) in &mut maps {
            assert_eq!(taken(keys), ["1="], "it was written again");
        }
    }
    memory.delete("a/1");
    by_hand.delete("a/1");
    for (keys, _) in &mut maps {
        assert_eq!(taken(keys), ["-1"]);
    }
}

#[test]
fn a_step_is_one_revision_for_keys_and_maps_and_one_that_changes_nothing_is_none() {
    let store = MemoryStore::new();
    store.set("a/1", "x");
    let (mut one, mut map) = (store.value("a/1").watch(), store.map("a").watch());
    block_on(map.wait_until_synced()).unwrap();
    let revision = store.apply(|step| {
        step.delete("a/1");
        step.set("a/2", "y");
    });
    assert_eq!(revision, Some(2));
    assert_eq!(one.try_get().unwrap().unwrap(), Entry::deleted("a/1", 2));
    assert!(matches!(map.try_change(), Some(Ok(Change::Delete { .. }))));
    let Some(Ok(Change::Put { value, .. })) = map.try_change() else { panic!("a/2 is there") };
    let metadata = Metadata::new().with_create_revision(2).with_version(1);
    assert_eq!(value, Entry::present("a/2", 2, "y").with_metadata(metadata));
    assert_eq!(store.apply(|step| step.delete("a/3")), None);
    assert_eq!(store.set("a/2", "z"), Some(3));
}

#[test]
fn entries_have_the_full_key_and_errors_name_it() {
    let store = MemoryStore::new();
    store.set("a/b/c", "not eight bytes");
    let numbers = store.namespace("a/").map("b").decode(decode);
    let snapshot = block_on(numbers.snapshot()).unwrap();
    assert_eq!(snapshot.error(&b"c"[..]).unwrap().key(), Some(&b"a/b/c"[..]));
}

#[test]
fn a_map_in_memory_goes_with_its_last_watcher_and_ends_with_the_store() {
    let store = MemoryStore::new();
    store.set("a/b", "1");
    let (first, mut second) = (store.map("a").watch(), store.map("a").watch());
    drop(first);
    store.set("a/b", "2");
    assert_eq!(taken(&mut second), ["b=2", "synced"]);
    drop(second);
    store.set("a/b", "3");
    let mut third = store.map("a").watch();
    assert_eq!(taken(&mut third), ["b=3", "synced"]);
    let mut health = store.health_of_map("a").watch();
    assert_eq!(health.try_get().unwrap().unwrap().state, HealthState::Live);
    store.close();
    for mut watcher in [third, store.map("a").watch()] {
        assert!(watcher.try_change().unwrap().unwrap_err().is_closed());
    }
    assert!(health.try_get().unwrap().unwrap_err().is_closed());
}

/// A waker of a key's watcher that panics must not keep those of a map asleep.
#[test]
fn a_waker_that_panics_keeps_no_other_watcher_asleep() {
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: std::sync::Arc<Self>) {
            panic!("a bad waker");
        }
    }
    let store = MemoryStore::new();
    let (mut key, mut map) = (store.value("a/b").watch(), store.map("a").watch());
    assert!(key.try_get().is_some() && map.try_change().is_some());
    let bad = std::task::Waker::from(std::sync::Arc::new(Panics));
    let pending =
        event_core::Watcher::poll_get(&mut key, &mut std::task::Context::from_waker(&bad));
    assert!(pending.is_pending());
    let woken = event_core::MemoryValue::empty();
    let mut is_woken = woken.watch();
    let mut cx_waker = std::task::Context::from_waker(&*Box::leak(Box::new(waker(woken))));
    assert!(map.poll_change(&mut cx_waker).is_pending());
    let set = std::panic::AssertUnwindSafe(|| store.set("a/b", "1"));
    assert!(std::panic::catch_unwind(set).is_err());
    assert!(is_woken.try_get().is_some());
}

/// A waker that sets a value.
fn waker(woken: event_core::MemoryValue<()>) -> std::task::Waker {
    struct Sets(event_core::MemoryValue<()>);
    impl std::task::Wake for Sets {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.set(());
        }
    }
    std::task::Waker::from(std::sync::Arc::new(Sets(woken)))
}

#[test]
fn a_map_that_a_test_drives_has_what_was_set_and_is_synced_when_the_test_says_so() {
    let store = TestStore::new();
    store.set("a/1", "x");
    let mut early = store.map("a").watch();
    assert_eq!(taken(&mut early), ["1=x"]);
    store.set("a/2", "y");
    store.fail("a/1", Error::new(ErrorKind::ResourceExhausted, "too large"));
    store.set("b/1", "elsewhere");
    assert_eq!(taken(&mut early), ["2=y", "!1"]);
    store.set_synced();
    store.delete("a/1");
    assert_eq!(taken(&mut early), ["-1", "synced"]);
    assert_eq!(
        taken(&mut store.range(KeyRange::all()).watch()),
        ["a/2=y", "b/1=elsewhere", "synced"]
    );

    let map = store.at_range(KeyRange::folder("a"));
    assert!(map.handled().now_or_never().is_some() && map.watched_by(1).now_or_never().is_some());
    store.set("a/2", "z");
    assert!(map.handled().now_or_never().is_none());
    assert_eq!(taken(&mut early), ["2=z"]);
    assert!(map.handled().now_or_never().is_some());
    drop(map);
    store.close();
    assert!(early.try_change().unwrap().unwrap_err().is_closed());
    assert!(store.map("a").watch().try_change().unwrap().unwrap_err().is_closed());
    assert!(store.health_of_map("a").watch().try_get().unwrap().unwrap_err().is_closed());
}
