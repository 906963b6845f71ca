//! What a consumer of a map makes of its changes, compared with what the store holds.
//!
//! Some keys are written in groups: all keys of a group by one transaction, with one value. So whoever sees two values in
//! a group, or a group in part, has seen half a transaction. The keys of a group lie far apart, and so not on one page.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use etcd_client::{Client, GetOptions};
use etcd_harness::eventually;
use event_core::{Bytes, Change, Entry, MapWatcher, MapWatcherExt};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::health_log::ended_badly;

/// How many keys a group has.
pub(crate) const GROUP: usize = 4;
/// The key that marks a moment.
const MARK: &str = "mark";
const INTERVAL: Duration = Duration::from_millis(2);
/// What a read may take while the cluster recovers.
const READ: Duration = Duration::from_secs(60);

/// Keys with the revision and the value that each has.
pub(crate) type Contents = BTreeMap<Bytes, (i64, Bytes)>;

/// The names of the keys of a group.
pub(crate) fn group(number: usize) -> [String; GROUP] {
    std::array::from_fn(|one| format!("{one}-group-{number}"))
}

/// The group that a key is of.
fn group_of(key: &[u8]) -> Option<usize> {
    let (_, number) = std::str::from_utf8(key).ok()?.split_once("-group-")?;
    number.parse().ok()
}

/// A task that takes batch after batch of a map.
pub(crate) struct Mirror {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Seen {
    contents: Contents,
    /// The newest revision that each key had.
    newest: BTreeMap<Bytes, i64>,
    is_synced: bool,
    figures: Figures,
    /// The number that the mark has, and since when.
    mark: Option<(u64, Instant)>,
}

/// What a consumer has noticed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) changes: u64,
    /// Batches, after the map was synced.
    pub(crate) steps: u64,
    /// Batches after which a group was not whole.
    pub(crate) halves: u64,
    /// Changes to an older version of a key.
    pub(crate) backward: u32,
}

impl Mirror {
    pub(crate) fn start(watcher: impl MapWatcher<Bytes, Entry> + Send + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let task = tokio::spawn(follow(watcher, Arc::clone(&seen)));
        Self { seen, task }
    }

    pub(crate) fn figures(&self) -> Figures {
        self.lock().figures
    }

    /// Waits until the map is synced, within a timeout.
    pub(crate) async fn synced(&self, within: Duration) -> bool {
        self.reaches(within, |seen| seen.is_synced).await
    }

    /// Waits until the mark has this number, within a timeout. Says since when it has.
    pub(crate) async fn marked(&self, number: u64, within: Duration) -> Option<Instant> {
        let is_it = |seen: &Seen| seen.mark.is_some_and(|(mark, _)| mark == number);
        self.reaches(within, is_it).await;
        self.lock().mark.filter(|(mark, _)| *mark == number).map(|(_, at)| at)
    }

    /// Reads the folder with a plain client, and waits until the map has just that. Says how many keys differ after the
    /// timeout. A write that was not acknowledged may be applied late, so the folder is read again as long as they differ.
    pub(crate) async fn differences(
        &self,
        client: &Client,
        folder: &str,
        within: Duration,
    ) -> usize {
        let start = Instant::now();
        loop {
            let held = held(client, folder).await;
            let is_same = |seen: &Seen| seen.is_synced && seen.contents == held;
            if self.reaches(within.min(Duration::from_secs(1)), is_same).await {
                return 0;
            }
            if start.elapsed() > within {
                let seen = self.lock();
                return differences(&seen.contents, &held).max(usize::from(!seen.is_synced));
            }
        }
    }

    /// Drops the watcher. Says whether its task had panicked.
    pub(crate) async fn end(self) -> bool {
        ended_badly(self.task).await
    }

    async fn reaches(&self, within: Duration, reached: impl Fn(&Seen) -> bool) -> bool {
        let start = Instant::now();
        loop {
            if reached(&self.lock()) {
                return true;
            }
            if start.elapsed() > within {
                return false;
            }
            sleep(INTERVAL).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }
}

async fn follow(mut watcher: impl MapWatcher<Bytes, Entry>, seen: Arc<Mutex<Seen>>) {
    while let Ok(batch) = watcher.changes().await {
        lock(&seen).take(batch);
    }
}

impl Seen {
    /// Takes a batch: then the map is as it was at some revision.
    fn take(&mut self, batch: Vec<Change<Bytes, Entry>>) {
        let mut groups = BTreeSet::new();
        for change in batch {
            self.figures.changes += 1;
            match change {
                Change::Put { key, value } => {
                    groups.extend(group_of(&key));
                    self.put(key, &value);
                }
                Change::Delete { key } => {
                    groups.extend(group_of(&key));
                    self.contents.remove(&key);
                }
                Change::Synced => {
                    self.is_synced = true;
                    groups.extend(self.contents.keys().filter_map(|key| group_of(key)));
                }
                _ => {}
            }
        }
        if self.is_synced {
            self.figures.steps += 1;
            let is_half = groups.into_iter().any(|group| !self.is_whole(group));
            self.figures.halves += u64::from(is_half);
        }
    }

    fn put(&mut self, key: Bytes, entry: &Entry) {
        let (Some(revision), Some(value)) = (entry.revision(), entry.value()) else { return };
        if key == MARK {
            let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            self.mark = number.map(|number| (number, Instant::now()));
        }
        let newest = self.newest.insert(key.clone(), revision);
        self.figures.backward += u32::from(newest.is_some_and(|newest| revision < newest));
        self.contents.insert(key, (revision, value.clone()));
    }

    fn is_whole(&self, number: usize) -> bool {
        let mut values =
            group(number).map(|key| self.contents.get(key.as_bytes()).map(|(_, value)| value));
        values.sort_unstable();
        values.first() == values.last()
    }
}

/// What the store holds in a folder, at one revision.
async fn held(client: &Client, folder: &str) -> Contents {
    let found = eventually(READ, "a read is answered", async || {
        client.kv_client().get(folder, Some(GetOptions::new().with_prefix())).await
    })
    .await;
    let entry = |kv: &etcd_client::KeyValue| {
        let key = Bytes::copy_from_slice(&kv.key()[folder.len()..]);
        (key, (kv.mod_revision(), Bytes::copy_from_slice(kv.value())))
    };
    found.kvs().iter().map(entry).collect()
}

/// How many keys only one of them has, or both with another version.
fn differences(one: &Contents, other: &Contents) -> usize {
    let differs = |key: &&Bytes| one.get(*key) != other.get(*key);
    let keys: BTreeSet<&Bytes> = one.keys().chain(other.keys()).collect();
    keys.iter().filter(|key| differs(key)).count()
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The name of the key that marks a moment.
pub(crate) fn mark(folder: &str) -> String {
    format!("{folder}{MARK}")
}
