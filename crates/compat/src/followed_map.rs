//! A map that a store follows, and what a consumer made of its changes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use event_core::{Bytes, Change, Entry, HealthState, MapReader, MapWatcherExt, ReaderExt};
use event_etcd::EtcdStore;
use tokio::time::sleep;

const INTERVAL: Duration = Duration::from_millis(2);

/// Keys with the revision and the value that each has.
pub(crate) type Contents = BTreeMap<Bytes, (i64, Bytes)>;

pub(crate) struct FollowedMap {
    store: EtcdStore,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    contents: Contents,
    is_synced: bool,
    /// How many keys there were after each batch, since this was asked last.
    sizes: Vec<usize>,
}

impl FollowedMap {
    pub(crate) fn start(store: &EtcdStore, folder: &str) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (mut watcher, shared) = (store.map(folder).watch(), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok(batch) = watcher.changes().await {
                lock(&shared).take(batch);
            }
        });
        Self { store: store.clone(), seen }
    }

    /// Waits until the map is just this, synced, and health is live. An error says what is not.
    pub(crate) async fn becomes(&self, held: &Contents, within: Duration) -> Result<(), String> {
        let start = Instant::now();
        loop {
            let state = self.store.health().get().await.map(|health| health.state);
            let is_live = state.is_ok_and(|state| state == HealthState::Live);
            {
                let seen = lock(&self.seen);
                if is_live && seen.is_synced && seen.contents == *held {
                    return Ok(());
                }
                if start.elapsed() > within {
                    return Err(seen.differs_from(held, is_live));
                }
            }
            sleep(INTERVAL).await;
        }
    }

    /// How many keys there were after each batch, since this was asked last.
    pub(crate) fn take_sizes(&self) -> Vec<usize> {
        std::mem::take(&mut lock(&self.seen).sizes)
    }
}

impl Seen {
    fn take(&mut self, batch: Vec<Change<Bytes, Entry>>) {
        for change in batch {
            match change {
                Change::Put { key, value } => {
                    let version = value.revision().zip(value.value().cloned());
                    self.contents.extend(version.map(|version| (key, version)));
                }
                Change::Delete { key } => drop(self.contents.remove(&key)),
                Change::Synced => self.is_synced = true,
                _ => {}
            }
        }
        self.sizes.push(self.contents.len());
    }

    fn differs_from(&self, held: &Contents, is_live: bool) -> String {
        let (has, holds) = (self.contents.len(), held.len());
        let missing = held.keys().filter(|key| !self.contents.contains_key(*key)).count();
        let gone = self.contents.keys().filter(|key| !held.contains_key(*key)).count();
        let other = held
            .iter()
            .filter(|(key, version)| self.contents.get(*key).is_some_and(|has| has != *version));
        let other = other.count();
        let (live, synced) =
            (if is_live { "" } else { "not " }, if self.is_synced { "" } else { "not " });
        format!(
            "{live}live, {synced}synced, {has} keys of {holds}: {missing} missing, {gone} gone, {other} old"
        )
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
