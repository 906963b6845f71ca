//! A consumer of a map, which takes batch after batch.

use std::collections::BTreeMap;

use event_core::upstream::UpstreamMapWatcher;
use event_core::{Bytes, Change, Entry, MapReader, MapWatcherExt};
use event_etcd::EtcdMap;
use tokio::time::timeout;

use crate::support::BOUND;

pub(crate) struct Mirror {
    watcher: UpstreamMapWatcher,
    map: BTreeMap<Bytes, String>,
    /// The same as text.
    shown: Vec<(String, String)>,
    is_synced: bool,
    pub(crate) puts: usize,
    pub(crate) deleted: Vec<String>,
}

impl Mirror {
    #[allow(clippy::needless_pass_by_value)] // a handle, made for this
    pub(crate) fn new(map: EtcdMap) -> Self {
        Self {
            watcher: map.watch(),
            map: BTreeMap::new(),
            shown: Vec::new(),
            is_synced: false,
            puts: 0,
            deleted: Vec::new(),
        }
    }

    /// What the map has once it is synced.
    pub(crate) async fn synced(&mut self) -> Vec<(&str, &str)> {
        while !self.is_synced {
            self.next().await;
        }
        self.show()
    }

    /// What the map has after the next batch.
    pub(crate) async fn next(&mut self) -> Vec<(&str, &str)> {
        let changes = timeout(BOUND, self.watcher.changes()).await;
        let changes = changes.expect("a change comes within the bound").expect("the store goes on");
        for change in changes {
            self.take(change);
        }
        self.show()
    }

    /// What the map has now.
    pub(crate) fn now(&mut self) -> Vec<(&str, &str)> {
        while let Some(change) = self.watcher.try_change() {
            self.take(change.expect("the store goes on"));
        }
        self.show()
    }

    /// Takes batches until the map has this.
    pub(crate) async fn until(&mut self, expected: &[(&str, &str)]) {
        let reached = async { while self.next().await != expected {} };
        let is_reached = timeout(BOUND, reached).await.is_ok();
        assert!(is_reached, "the map has {:?} after the bound, and not {expected:?}", self.shown);
    }

    pub(crate) fn names(&self) -> Vec<&[u8]> {
        self.map.keys().map(|key| &key[..]).collect()
    }

    fn take(&mut self, change: Change<Bytes, Entry>) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match change {
            Change::Put { key, value } => {
                self.puts += 1;
                self.map.insert(key, text(value.value().expect("a map has what is there")));
            }
            Change::Delete { key } => {
                assert!(self.map.remove(&key).is_some() || self.is_synced);
                self.deleted.push(text(&key));
            }
            Change::Synced => {
                assert!(!self.is_synced, "once");
                self.is_synced = true;
            }
            other => panic!("{other:?}"),
        }
    }

    fn show(&mut self) -> Vec<(&str, &str)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.shown = self.map.iter().map(|(key, value)| (text(key), value.clone())).collect();
        self.shown.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
    }
}
