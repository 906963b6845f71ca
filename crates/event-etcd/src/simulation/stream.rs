//! The server's end of a watch stream.

use std::collections::{BTreeMap, VecDeque};

use event_core::CauseKind;

use crate::seam::{Event, Failure, WatchRequest, WatchResponse};
use crate::simulation::cluster::{Cluster, Member};
use crate::simulation::history::{History, key_of};

/// A response with the watch that it is really about, which a refusal does not name (E3).
pub(super) type Sent = (WatchResponse, Option<i64>);

#[derive(Debug)]
pub(super) struct Stream {
    /// The client knows that it is open.
    pub(super) opened: bool,
    /// The credentials, which stay those of the open (E4).
    pub(super) token: u64,
    /// A watch was refused for the credentials.
    pub(super) refused: bool,
    /// The member says nothing on it any more.
    pub(super) silent: bool,
    /// What the client asked, and the server did not look at yet.
    pub(super) requests: VecDeque<WatchRequest>,
    pub(super) watches: BTreeMap<i64, Watch>,
    /// What the server said, and the client did not hear yet. It stays in order.
    pub(super) sent: VecDeque<Sent>,
}

#[derive(Debug)]
pub(super) struct Watch {
    pub(super) key: usize,
    start: i64,
    /// The next revision to be sent.
    next: i64,
    /// It was canceled for a compaction, and is kept until the client cancels it too (E7).
    compacted: bool,
}

impl Stream {
    pub(super) fn new(token: u64, first: WatchRequest) -> Self {
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
    pub(super) fn answer(&mut self, cluster: &Cluster, member: &Member) -> bool {
        let Some(request) = self.requests.pop_front() else { return false };
        match request {
            WatchRequest::Create { watch_id, key, start_revision } => {
                let key = key_of(&key).expect("a key of ours");
                let is_outdated = self.token != cluster.token;
                self.refused |= is_outdated;
                let mut response = WatchResponse::Created { watch_id };
                if !is_outdated && cluster.readable[key] {
                    let watch = Watch {
                        key,
                        start: start_revision,
                        next: start_revision,
                        compacted: false,
                    };
                    self.watches.insert(watch_id, watch);
                } else {
                    response = WatchResponse::Refused;
                }
                self.sent.push_back((response, Some(watch_id)));
            }
            WatchRequest::Cancel { watch_id } => {
                if self.watches.remove(&watch_id).is_some() {
                    self.sent.push_back((canceled(watch_id, "as asked"), Some(watch_id)));
                }
            }
            WatchRequest::Progress => {
                let refuses = |watch: &Watch| {
                    let missed = cluster.history().events(watch.key, watch.next, member.applied);
                    let lags = !missed.is_empty() || watch.start > member.applied;
                    watch.compacted || cluster.strict && lags
                };
                if !self.watches.values().any(refuses) {
                    self.sent.push_back((WatchResponse::Progress, None));
                }
            }
        }
        true
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
            self.sent.push_back((WatchResponse::Compacted { watch_id: *id }, Some(*id)));
            return true;
        }
        // One response holds a part only, under the revision of the store (E1), but whole revisions.
        let events = history.events(watch.key, watch.next, member.applied);
        let last = events.get(random.usize(..3)).or(events.last()).map(|event| event.mod_revision);
        let some = history.events(watch.key, watch.next, last.unwrap_or(0));
        watch.next = match last {
            Some(last) if some.len() < events.len() => last + 1,
            _ => member.applied + 1,
        };
        if some.is_empty() {
            return true;
        }
        // A large one comes in fragments, and those don't care for revisions (E8).
        let (first, rest) = some.split_at(random.usize(..some.len()));
        for (events, is_fragment) in [(first, true), (rest, false)] {
            if !events.is_empty() {
                let events = events.iter().map(Event::clone).collect();
                let (watch_id, revision) = (*id, member.applied);
                let response = WatchResponse::Events { watch_id, revision, events, is_fragment };
                self.sent.push_back((response, Some(watch_id)));
            }
        }
        true
    }

    /// The server ends a watch, for a reason of its own.
    pub(super) fn cancel(&mut self, random: &mut fastrand::Rng) {
        let live: Vec<i64> =
            self.watches.iter().filter(|(_, watch)| !watch.compacted).map(|(id, _)| *id).collect();
        if let Some(id) = random.choice(live) {
            self.watches.remove(&id);
            self.sent.push_back((canceled(id, "the server is busy"), Some(id)));
        }
    }
}

fn canceled(watch_id: i64, reason: &str) -> WatchResponse {
    WatchResponse::Canceled { watch_id, failure: Failure::new(CauseKind::Unreachable, reason) }
}
