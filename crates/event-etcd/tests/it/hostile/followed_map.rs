//! A map that a store follows while a server contradicts itself, compared with what was written.
//!
//! Its folder has keys that never change, enough for two pages. Each round of writes is one transaction: it puts a pair of
//! keys, which have one value at all times, puts one key more, and deletes the one of the round before.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use event_core::upstream::UpstreamMapWatcher;
use event_core::{Bytes, Change, Entry, MapWatcherExt};
use event_etcd::{EtcdMap, EtcdStore};
use hostile_etcd::Cluster;

use super::trial::Seen;

pub(super) const FOLDER: &str = "map/";
/// The first page of a range has a thousand keys.
pub(super) const BASE: usize = 1200;
/// How many keys the folder has after each round.
pub(super) const KEYS: usize = BASE + PAIR.len() + 1;
const PAIR: [&str; 2] = ["pair-a", "pair-b"];

pub(super) fn map_of(store: &EtcdStore) -> EtcdMap {
    store.map(FOLDER)
}

/// What is in the folder after so many rounds.
fn contents(round: u64) -> BTreeMap<String, String> {
    let base = (0..BASE).map(|key| (format!("base-{key:04}"), "base".to_owned()));
    let pair = PAIR.map(|key| (key.to_owned(), round.to_string()));
    base.chain(pair).chain([(format!("round-{round}"), round.to_string())]).collect()
}

/// Writes the next round. The first one has all keys.
pub(super) fn write_map(cluster: &Cluster, round: u64) {
    let key = |key: String| format!("{FOLDER}{key}").into_bytes();
    let all = contents(round).into_iter();
    let new = all.filter(|(name, _)| round == 1 || !name.starts_with("base"));
    let puts = new.map(|(name, value)| (key(name), Some(value.into_bytes())));
    let gone = (round > 1).then(|| (key(format!("round-{}", round - 1)), None));
    cluster.write(puts.chain(gone));
}

/// What was published of the map.
#[derive(Debug, Default)]
pub(super) struct FollowedMap {
    published: BTreeMap<String, String>,
    is_synced: bool,
}

impl FollowedMap {
    /// Whether it is synced and has what was written last.
    pub(super) fn is_as_written(&self, round: u64) -> bool {
        // The number of keys spares the comparison, mostly.
        self.is_synced
            && self.published.len() == KEYS
            && self.published.get(PAIR[0]) == Some(&round.to_string())
            && self.published == contents(round)
    }

    /// What is not as it was written, for a message.
    pub(super) fn differs_from(&self, round: u64) -> String {
        let written = contents(round);
        let missing = written.iter().filter(|(key, value)| self.published.get(*key) != Some(value));
        let more = self.published.iter().filter(|(key, _)| !written.contains_key(*key));
        let (is_synced, missing, more) = (self.is_synced, missing.count(), more.count());
        format!(", synced: {is_synced}, {missing} keys are not as written, {more} are gone")
    }

    /// Takes a step. Returns what must not be published.
    fn take(&mut self, step: Vec<Change<Bytes, Entry>>, round: u64) -> Vec<String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut wrong = Vec::new();
        for change in step {
            match change {
                Change::Put { key, value } => {
                    let (key, value) = (text(&key), value.value().map(|value| text(value)));
                    let value = value.unwrap_or_default();
                    if !self.may_be_put(&key, &value, round) {
                        wrong.push(format!("{key} = {value} in round {round}"));
                    }
                    self.published.insert(key, value);
                }
                Change::Delete { key } => {
                    let key = text(&key);
                    let is_gone = key
                        .strip_prefix("round-")
                        .and_then(|one| one.parse::<u64>().ok())
                        .is_some_and(|one| one < round);
                    if !is_gone {
                        wrong.push(format!("{key} was deleted in round {round}"));
                    }
                    self.published.remove(&key);
                }
                Change::Synced => self.is_synced = true,
                other => wrong.push(format!("{other:?}")),
            }
        }
        if self.is_synced && self.published.get(PAIR[0]) != self.published.get(PAIR[1]) {
            let pair = PAIR.map(|key| self.published.get(key));
            wrong.push(format!("half a transaction: {pair:?}"));
        }
        wrong
    }

    /// Only what was written, and nothing older than before.
    fn may_be_put(&self, key: &str, value: &str, round: u64) -> bool {
        if key.starts_with("base-") {
            return value == "base";
        }
        let before = self.published.get(key).and_then(|value| value.parse::<u64>().ok());
        let is_name = PAIR.contains(&key) || key == format!("round-{value}");
        let number = value.parse::<u64>().ok();
        is_name
            && number.is_some_and(|number| number <= round && before.is_none_or(|it| it <= number))
    }
}

/// Takes step after step, and notes what must not be published.
pub(super) async fn follow_map(mut watcher: UpstreamMapWatcher, seen: Arc<Mutex<Seen>>) {
    while let Ok(step) = watcher.changes().await {
        let mut seen = seen.lock().unwrap();
        let round = seen.truth;
        let Some(map) = &mut seen.map else { return };
        let wrong = map.take(step, round);
        seen.wrong.extend(wrong);
        seen.look();
    }
}
