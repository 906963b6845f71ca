//! A store that a test drives by hand.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::TestValue;
use crate::ValueWriter;
use crate::{BoxReader, Bytes, Entry, Health, HealthState, MemoryValue, ReaderExt, Refresh, Store};

/// A store that a test drives by hand: each key is a [`TestValue`]. It is cheap to clone.
///
/// No key has a version until the test publishes one, as if the backend had not answered yet.
///
/// ```
/// use event_core::testing::TestStore;
/// use event_core::{Entry, ReaderExt, Store, StoreExt, ValueReader, WatcherExt};
///
/// /// The code under test.
/// async fn follow(store: &dyn Store, mut apply: impl FnMut(String)) {
///     let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
///     let mut watcher = store.value("level").decode(text).watch();
///     while let Ok(level) = watcher.get().await {
///         apply(level);
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
    revision: i64,
    /// `None`: the store is closed.
    health: Option<MemoryValue<Health>>,
}

impl TestStore {
    /// A store without keys, whose health is live.
    #[must_use]
    pub fn new() -> Self {
        let health = MemoryValue::new(Health::new(HealthState::Live));
        let state = State { keys: BTreeMap::new(), revision: 0, health: Some(health) };
        Self { shared: Arc::new(Mutex::new(state)) }
    }

    /// The value of a key: to ask what the code under test has taken, and to publish entries and errors. Drop it
    /// before the store is to end.
    #[must_use]
    pub fn at(&self, name: impl AsRef<[u8]>) -> Arc<TestValue<Entry>> {
        let name = Bytes::copy_from_slice(name.as_ref());
        self.with(|state| match state.health {
            Some(_) => Arc::clone(state.keys.entry(name).or_default()),
            None => Arc::default(), // which ends at once
        })
    }

    /// Publishes a key with this value.
    pub fn set(&self, name: impl AsRef<[u8]>, value: impl Into<Bytes>) {
        let revision = self.next_revision();
        let name = name.as_ref();
        self.at(name).publish(Entry::present(name.to_vec(), revision, value));
    }

    /// Publishes that a key is deleted.
    pub fn delete(&self, name: impl AsRef<[u8]>) {
        let revision = self.next_revision();
        let name = name.as_ref();
        self.at(name).publish(Entry::deleted(name.to_vec(), revision));
    }

    /// Publishes that a key does not exist.
    pub fn set_missing(&self, name: impl AsRef<[u8]>) {
        let name = name.as_ref();
        self.at(name).publish(Entry::never_seen(name.to_vec()));
    }

    /// Sets the health of the store. That of a key is set at its [value](Self::at).
    pub fn set_health(&self, health: Health) {
        if let Some(value) = self.with(|state| state.health.clone()) {
            value.set(health);
        }
    }

    /// Ends the store: watchers take the last version, then get [`Closed`](crate::ErrorKind::Closed).
    pub fn close(&self) {
        let ended = self.with(|state| (std::mem::take(&mut state.keys), state.health.take()));
        drop(ended); // wakes tasks: not under the lock
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
