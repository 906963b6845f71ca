//! The server's end of a watch stream.

use std::collections::{BTreeMap, VecDeque};

use crate::protocol::{Request, Response};
use crate::simulation::cluster::{Cluster, Member};
use crate::simulation::history::{History, key_of};

/// A response with the watch that it is really about, which a refusal does not tell (E3).
pub(super) type Sent = (Response, Option<i64>);

#[derive(Debug)]
pub(super) struct Stream {
    /// The client was told that it is open.
    pub(super) opened: bool,
    /// The credentials, which stay those of the open (E4).
    pub(super) token: u64,
    /// A watch was refused for the credentials.
    pub(super) refused: bool,
    /// The member says nothing on it any more.
    pub(super) silent: bool,
    /// What the client asked, and the server did not look at yet.
    pub(super) requests: VecDeque<Request>,
    pub(super) watches: BTreeMap<i64, Watch>,
    /// What the server said, and the client did not hear yet. It stays in order.
    pub(super) sent: VecDeque<Sent>,
}

#[derive(Debug)]
pub(super) struct Watch {
    pub(super) key: usize,
    start: i64,
    /// The next revision to be told.
    next: i64,
    /// It was canceled for a compaction, and is kept until the client cancels it too (E7).
    compacted: bool,
}

impl Stream {
    pub(super) fn new(token: u64, first: Request) -> Self {
        Self {
            opened: false,
            token,
            refused: false,
            silent: false,
            requests: [first].into(),
            watches: BTreeMap::new(),
            sent: VecDeque::new(),
        }
    }

    /// Answers the next request, if there is one.
    pub(super) fn answer(
        &mut self,
        cluster: &Cluster,
        member: &Member,
        random: &mut fastrand::Rng,
    ) -> bool {
        let Some(request) = self.requests.pop_front() else { return false };
        match request {
            Request::Create { watch_id, key, start_revision } => {
                let key = key_of(&key).expect("a key of ours");
                let reason = if self.token != cluster.token {
                    self.refused = true;
                    "invalid auth token"
                } else if cluster.readable[key] {
                    ""
                } else {
                    "permission denied"
                };
                let mut response = Response {
                    revision: member.applied,
                    watch_id,
                    created: true,
                    reason: reason.to_owned(),
                    ..Response::default()
                };
                if reason.is_empty() {
                    let watch = Watch {
                        key,
                        start: start_revision,
                        next: start_revision,
                        compacted: false,
                    };
                    self.watches.insert(watch_id, watch);
                } else {
                    response.canceled = true;
                    response.watch_id = self.refusal_id(watch_id, random);
                }
                self.sent.push_back((response, Some(watch_id)));
            }
            Request::Cancel { watch_id } => {
                if self.watches.remove(&watch_id).is_some() {
                    self.sent.push_back((ended(watch_id, member.applied), Some(watch_id)));
                }
            }
            Request::Progress => {
                let refuses = |watch: &Watch| {
                    let missed = cluster.history().events(watch.key, watch.next, member.applied);
                    let lags = !missed.is_empty() || watch.start > member.applied;
                    watch.compacted || cluster.strict && lags
                };
                if !self.watches.values().any(refuses) {
                    let progress =
                        Response { revision: member.applied, watch_id: -1, ..Response::default() };
                    self.sent.push_back((progress, None));
                }
            }
        }
        true
    }

    /// What a refusal says for the id of the watch: anything (E3).
    fn refusal_id(&self, asked: i64, random: &mut fastrand::Rng) -> i64 {
        let live = self.watches.keys().nth(random.usize(..=self.watches.len()));
        match random.u8(..4) {
            0 => -1,
            1 => 0,
            2 => asked,
            _ => live.copied().unwrap_or(0),
        }
    }

    /// Tells a watch some of what it missed, if one did.
    pub(super) fn serve(
        &mut self,
        member: &Member,
        history: &History,
        random: &mut fastrand::Rng,
    ) -> bool {
        let behind = self
            .watches
            .iter_mut()
            .filter(|(_, watch)| !watch.compacted && watch.next <= member.applied);
        let count = behind.count();
        if count == 0 {
            return false;
        }
        let (id, watch) = self
            .watches
            .iter_mut()
            .filter(|(_, watch)| !watch.compacted && watch.next <= member.applied)
            .nth(random.usize(..count))
            .expect("one of them");
        if watch.next < history.compacted && history.compacted <= member.applied {
            watch.compacted = true;
            let canceled = Response { compact_revision: history.compacted, ..ended(*id, 0) };
            self.sent.push_back((canceled, Some(*id)));
            return true;
        }
        // One response holds a part only, under the revision of the store (E1).
        let events = history.events(watch.key, watch.next, member.applied);
        let some = &events[..events.len().min(random.usize(1..=3))];
        watch.next = match some.last() {
            Some(last) if some.len() < events.len() => last.mod_revision + 1,
            _ => member.applied + 1,
        };
        if let Some(last) = some.last() {
            let response = Response {
                revision: member.applied,
                watch_id: *id,
                newest: Some(last.clone()),
                ..Response::default()
            };
            self.sent.push_back((response, Some(*id)));
        }
        true
    }

    /// The server ends a watch, for a reason of its own.
    pub(super) fn cancel(&mut self, member: &Member, random: &mut fastrand::Rng) {
        let live: Vec<i64> =
            self.watches.iter().filter(|(_, watch)| !watch.compacted).map(|(id, _)| *id).collect();
        if let Some(id) = random.choice(live) {
            self.watches.remove(&id);
            let canceled =
                Response { reason: "the server is busy".to_owned(), ..ended(id, member.applied) };
            self.sent.push_back((canceled, Some(id)));
        }
    }
}

fn ended(watch_id: i64, revision: i64) -> Response {
    Response { revision, watch_id, canceled: true, ..Response::default() }
}
