//! A store that a test drives by hand.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{TestMap, TestValue};
use crate::{
    BoxMapReader, BoxReader, Bytes, Entry, Error, Health, HealthState, KeyRange, MapReaderExt,
    MemoryValue, ReaderExt, Refresh, Store, ValueWriter,
};

/// A store that a test drives by hand: each key is a [`TestValue`], and each range a [`TestMap`]. It is cheap to clone.
///
/// No key has a version until the test publishes one, as if the backend had not answered yet. A map has what was set, and
/// is not synced until the test calls [`set_synced`](Self::set_synced).
///
/// ```
/// use event_core::testing::TestStore;
/// use event_core::{Entry, ReaderExt, Store, StoreExt, ValueReader, WatcherExt};
///
/// /// The code under test.
/// async fn follow(store: &dyn Store, mut apply: impl FnMut(String)) {
///     let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
///     let mut watcher = store.value("level").decode(text).watch();
///     loop {
///         match watcher.get().await {
///             Ok(level) => apply(level),
///             Err(error) if error.is_closed() => return,
///             Err(error) => eprintln!("keeping the old level: {error:#}"),
///         }
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = TestStore::new();
/// let task = tokio::spawn({
///     let store = store.clone();
///     async move { follow(&store, |level| assert_eq!(level, "debug")).await }
/// });
/// store.set("level", "debug");
/// store.at("level").handled().await;
/// store.close();
/// task.await.unwrap();
/// # });
/// ```
#[derive(Clone)]
pub struct TestStore {
    shared: Arc<Mutex<State>>,
}

struct State {
    keys: BTreeMap<Bytes, Arc<TestValue<Entry>>>,
    maps: HashMap<KeyRange, Arc<TestMap<Bytes, Entry>>>,
    /// The newest version of each key, for the maps that are made later.
    newest: BTreeMap<Bytes, Result<Entry, Error>>,
    is_synced: bool,
    revision: i64,
    /// `None`: the store is closed.
    health: Option<MemoryValue<Health>>,
}

impl TestStore {
    /// A store without keys, whose health is live.
    #[must_use]
    pub fn new() -> Self {
        let health = MemoryValue::new(Health::new(HealthState::Live));
        let state = State {
            keys: BTreeMap::new(),
            maps: HashMap::new(),
            newest: BTreeMap::new(),
            is_synced: false,
            revision: 0,
            health: Some(health),
        };
        Self { shared: Arc::new(Mutex::new(state)) }
    }

    /// The value of a key: to ask what the code under test has taken, and to publish entries and errors. The returned
    /// `Arc` keeps the value from ending: drop it before you call [`close`](Self::close).
    #[must_use]
    pub fn at(&self, name: impl AsRef<[u8]>) -> Arc<TestValue<Entry>> {
        let name = Bytes::copy_from_slice(name.as_ref());
        self.with(|state| match state.health {
            Some(_) => Arc::clone(state.keys.entry(name).or_default()),
            None => Arc::default(), // which ends at once
        })
    }

    /// The map of a range: to ask what the code under test has taken. The returned `Arc` keeps the map from ending: drop
    /// it before you call [`close`](Self::close).
    ///
    /// ```
    /// use event_core::testing::TestStore;
    /// use event_core::{KeyRange, MapWatcherExt, MapReader, StoreExt};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let store = TestStore::new();
    /// let mut services = store.map("services").watch();
    /// let task = tokio::spawn(async move { while services.change().await.is_ok() {} });
    /// store.set("services/a", "host-a:80");
    /// store.set_synced();
    /// store.at_range(KeyRange::folder("services")).handled().await;
    /// store.close();
    /// task.await.unwrap();
    /// # });
    /// ```
    #[must_use]
    pub fn at_range(&self, range: KeyRange) -> Arc<TestMap<Bytes, Entry>> {
        self.with(|state| {
            if state.health.is_none() {
                return Arc::default(); // which ends at once
            }
            let State { maps, newest, is_synced, .. } = state;
            let map = maps.entry(range).or_insert_with_key(|range| {
                let map = TestMap::new();
                for (key, version) in newest.iter() {
                    publish_in(range, &map, key, Some(version.clone()));
                }
                if *is_synced {
                    map.set_synced();
                }
                Arc::new(map)
            });
            Arc::clone(map)
        })
    }

    /// Publishes a key with this value, and in the maps that have the key.
    pub fn set(&self, name: impl AsRef<[u8]>, value: impl Into<Bytes>) {
        let (name, revision) = (Bytes::copy_from_slice(name.as_ref()), self.next_revision());
        let entry = Entry::present(name.clone(), revision, value);
        self.at(&name).publish(entry.clone());
        self.publish_in_maps(&name, Some(&Ok(entry)));
    }

    /// Publishes that a key is deleted. It leaves the maps.
    pub fn delete(&self, name: impl AsRef<[u8]>) {
        let (name, revision) = (Bytes::copy_from_slice(name.as_ref()), self.next_revision());
        self.at(&name).publish(Entry::deleted(name.clone(), revision));
        self.publish_in_maps(&name, None);
    }

    /// Publishes an error of a key, and in the maps that have the key.
    pub fn fail(&self, name: impl AsRef<[u8]>, error: Error) {
        let name = Bytes::copy_from_slice(name.as_ref());
        self.at(&name).fail(error.clone());
        self.publish_in_maps(&name, Some(&Err(error)));
    }

    /// Says that the backend has read the ranges of all maps: those that there are, and those that come.
    pub fn set_synced(&self) {
        let maps: Vec<_> = self.with(|state| {
            state.is_synced = true;
            state.maps.values().cloned().collect()
        });
        for map in maps {
            map.set_synced();
        }
    }

    /// Publishes that a key does not exist.
    pub fn set_missing(&self, name: impl AsRef<[u8]>) {
        let name = name.as_ref();
        self.at(name).publish(Entry::never_seen(name.to_vec()));
    }

    /// Sets the health of the store. For the health of one key, call `set_health` of its [value](Self::at).
    pub fn set_health(&self, health: Health) {
        if let Some(value) = self.with(|state| state.health.clone()) {
            value.set(health);
        }
    }

    /// Ends the store: watchers take the last version, then get [`Closed`](crate::ErrorKind::Closed). A value or a map
    /// whose `Arc` the test still holds does not end.
    pub fn close(&self) {
        let ended = self.with(|state| {
            let State { keys, maps, health, .. } = state;
            (std::mem::take(keys), std::mem::take(maps), health.take())
        });
        drop(ended); // wakes tasks: not under the lock
    }

    fn publish_in_maps(&self, key: &Bytes, version: Option<&Result<Entry, Error>>) {
        let maps: Vec<_> = self.with(|state| {
            match version {
                Some(version) => state.newest.insert(key.clone(), version.clone()),
                None => state.newest.remove(key),
            };
            let maps = state.maps.iter().filter(|(range, _)| range.contains(key));
            maps.map(|(range, map)| (range.clone(), Arc::clone(map))).collect()
        });
        for (range, map) in maps {
            publish_in(&range, &map, key, version.cloned());
        }
    }

    fn next_revision(&self) -> i64 {
        self.with(|state| {
            state.revision += 1;
            state.revision
        })
    }

    fn with<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Publishes a version of a key in a map, if the map has the key. `None`: the key is deleted.
fn publish_in(
    range: &KeyRange,
    map: &TestMap<Bytes, Entry>,
    key: &Bytes,
    version: Option<Result<Entry, Error>>,
) {
    let Some(name) = range.relative(key) else { return };
    map.apply(|step| match version {
        Some(Ok(entry)) => step.insert(name, range.entry(entry)),
        Some(Err(error)) => step.fail(name, error),
        None => step.remove(name),
    });
}

impl Default for TestStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for TestStore {
    fn key(&self, name: Bytes) -> BoxReader<Entry> {
        self.at(name).reader().boxed()
    }

    fn key_health(&self, name: Bytes) -> BoxReader<Health> {
        self.at(name).health().boxed()
    }

    fn range(&self, range: KeyRange) -> BoxMapReader<Bytes, Entry> {
        self.at_range(range).reader().boxed()
    }

    /// That of the store.
    fn range_health(&self, _range: KeyRange) -> BoxReader<Health> {
        Store::health(self)
    }

    fn health(&self) -> BoxReader<Health> {
        let health = self.with(|state| state.health.as_ref().map(MemoryValue::reader));
        health.unwrap_or_else(|| MemoryValue::empty().reader()).boxed()
    }

    fn refresh(&self) -> Refresh {
        Refresh::nothing()
    }
}

impl fmt::Debug for TestStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestStore").finish_non_exhaustive()
    }
}
