//! The data of a cluster.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use etcd_client::EventType;
use etcd_client::proto::{
    PbEvent, PbKeyValue, PbMember, PbRangeResponse, PbResponseHeader, PbWatchResponse,
};
use tokio::sync::watch;

use crate::messages::RangeRequest;

/// The keys of a cluster, with their history. Clones are the same cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    state: Arc<Mutex<State>>,
    /// The newest revision, for the streams.
    revision: watch::Sender<i64>,
}

#[derive(Debug)]
struct State {
    id: u64,
    revision: i64,
    /// Every version of every key, oldest first. A deletion has version 0.
    versions: BTreeMap<Vec<u8>, Vec<PbKeyValue>>,
    members: Vec<PbMember>,
}

impl Cluster {
    /// A cluster without keys. Its revision is 1, as that of a new etcd.
    #[must_use]
    pub fn new() -> Self {
        Self::with_id(0x0c1a_57e2)
    }

    /// A cluster with this id.
    #[must_use]
    pub fn with_id(id: u64) -> Self {
        let state = State { id, revision: 1, versions: BTreeMap::new(), members: Vec::new() };
        Self { state: Arc::new(Mutex::new(state)), revision: watch::Sender::new(1) }
    }

    /// Writes a key, and returns the new revision. Every member has it at once.
    pub fn put(&self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> i64 {
        self.write([(key.into(), Some(value.into()))])
    }

    /// Deletes a key, and returns the new revision.
    pub fn delete(&self, key: impl Into<Vec<u8>>) -> i64 {
        self.write([(key.into(), None)])
    }

    /// Writes several keys, or deletes those without a value, as one transaction. Returns the new revision.
    pub fn write(&self, changes: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>) -> i64 {
        let revision = {
            let mut state = self.lock();
            state.revision += 1;
            for (key, value) in changes {
                state.change(key, value);
            }
            state.revision
        };
        self.revision.send_replace(revision);
        revision
    }

    /// The newest revision.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.lock().revision
    }

    /// Adds a member to the list of members.
    pub(crate) fn join(&self, endpoint: &str) -> u64 {
        let mut state = self.lock();
        let id = state.members.len() as u64 + 1;
        state.members.push(PbMember {
            id,
            name: format!("member-{id}"),
            client_ur_ls: vec![endpoint.to_owned()],
            ..PbMember::default()
        });
        id
    }

    /// Removes a member from the list of members.
    pub(crate) fn leave(&self, id: u64) {
        self.lock().members.retain(|member| member.id != id);
    }

    pub(crate) fn members(&self) -> Vec<PbMember> {
        self.lock().members.clone()
    }

    /// The newest revision, as it changes.
    pub(crate) fn revisions(&self) -> watch::Receiver<i64> {
        self.revision.subscribe()
    }

    pub(crate) fn header(&self, member_id: u64) -> PbResponseHeader {
        let state = self.lock();
        PbResponseHeader { cluster_id: state.id, member_id, revision: state.revision, raft_term: 2 }
    }

    /// What etcd finds for a range.
    #[must_use]
    pub fn range(&self, request: &RangeRequest) -> PbRangeResponse {
        let state = self.lock();
        let at = if request.revision > 0 { request.revision } else { state.revision };
        let found = state.of(&request.key, &request.range_end).filter_map(|versions| {
            let version = versions.iter().rfind(|kv| kv.mod_revision <= at)?;
            (version.version > 0).then(|| version.clone())
        });
        let mut kvs: Vec<PbKeyValue> = found.collect();
        let count = i64::try_from(kvs.len()).unwrap_or(i64::MAX);
        let limit = usize::try_from(request.limit).unwrap_or(0);
        let more = limit > 0 && kvs.len() > limit;
        if more {
            kvs.truncate(limit);
        }
        if request.keys_only {
            for kv in &mut kvs {
                kv.value.clear();
            }
        }
        PbRangeResponse { header: None, kvs, more, count }
    }

    /// The events of a range from a revision on, as one response.
    pub(crate) fn events(&self, key: &[u8], range_end: &[u8], from: i64) -> PbWatchResponse {
        let state = self.lock();
        let mut events: Vec<PbEvent> = state
            .of(key, range_end)
            .flat_map(|versions| versions.iter().filter(|kv| kv.mod_revision >= from))
            .map(|kv| {
                let kind = if kv.version > 0 { EventType::Put } else { EventType::Delete };
                PbEvent { r#type: kind as i32, kv: Some(kv.clone()), prev_kv: None }
            })
            .collect();
        events.sort_by_key(|event| event.kv.as_ref().map_or(0, |kv| kv.mod_revision));
        PbWatchResponse { events, ..PbWatchResponse::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Adds a version of a key, at the newest revision.
    fn change(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let revision = self.revision;
        let versions = self.versions.entry(key.clone()).or_default();
        let last = versions.last().filter(|last| last.version > 0);
        let kv = match value {
            Some(value) => PbKeyValue {
                create_revision: last.map_or(revision, |last| last.create_revision),
                version: last.map_or(1, |last| last.version + 1),
                value,
                ..deleted(key, revision)
            },
            None => deleted(key, revision),
        };
        versions.push(kv);
    }

    /// The versions of each key of a range.
    fn of(&self, first: &[u8], end: &[u8]) -> impl Iterator<Item = &Vec<PbKeyValue>> {
        let first = Bound::Included(first);
        let end = match end {
            [] => first,
            [0] => Bound::Unbounded,
            end => Bound::Excluded(end),
        };
        self.versions.range::<[u8], _>((first, end)).map(|(_, versions)| versions)
    }
}

impl Default for Cluster {
    fn default() -> Self {
        Self::new()
    }
}

fn deleted(key: Vec<u8>, revision: i64) -> PbKeyValue {
    PbKeyValue { key, mod_revision: revision, ..PbKeyValue::default() }
}
