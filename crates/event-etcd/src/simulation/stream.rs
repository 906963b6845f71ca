//! The server's end of a watch stream.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use event_core::CauseKind;

use crate::seam::{Event, Failure, WatchRequest, WatchResponse};
use crate::simulation::cluster::{Cluster, Member};
use crate::simulation::history::{History, key_of};

/// How many responses the server queues of a watch that it keeps up with, before the watch lags.
const QUEUE: usize = 128;
/// How many events a round of replaying has, and how often there is one (E9).
const ROUND: usize = 100;
const ROUNDS: Duration = Duration::from_millis(100);

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
    /// It lags, and is replayed from then on.
    replayed_at: Option<Instant>,
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
                let mut response = WatchResponse::Created { watch_id, revision: member.applied };
                if !is_outdated && cluster.readable[key] {
                    let is_from_now = start_revision == 0;
                    let watch = Watch {
                        key,
                        start: start_revision,
                        next: if is_from_now { member.applied + 1 } else { start_revision },
                        compacted: false,
                        replayed_at: None,
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
        now: Instant,
    ) -> bool {
        let is_due = |watch: &Watch| {
            !watch.compacted
                && watch.next <= member.applied
                && watch.replayed_at.is_none_or(|at| at <= now)
        };
        let count = self.watches.values().filter(|watch| is_due(watch)).count();
        if count == 0 {
            return false;
        }
        let (id, watch) = self
            .watches
            .iter_mut()
            .filter(|(_, watch)| is_due(watch))
            .nth(random.usize(..count))
            .expect("one of them");
        if watch.next < history.compacted && history.compacted <= member.applied {
            watch.compacted = true;
            self.sent.push_back((WatchResponse::Compacted { watch_id: *id }, Some(*id)));
            return true;
        }
        let events = history.events(watch.key, watch.next, member.applied);
        if watch.replayed_at.is_none() && events.len() > QUEUE {
            // They were written while nothing came through: some were queued as they came, each under its
            // own revision, and then the watch lags. A revision is never split.
            let (queued, replayed) = events.split_at(QUEUE);
            watch.next = replayed[0].mod_revision;
            for events in queued.chunk_by(|a, b| a.mod_revision == b.mod_revision) {
                let (watch_id, revision) = (*id, events[0].mod_revision);
                // A revision that does not fit as a whole is replayed.
                if revision < watch.next {
                    let events = events.into();
                    let response =
                        WatchResponse::Events { watch_id, revision, events, is_fragment: false };
                    self.sent.push_back((response, Some(watch_id)));
                }
            }
            watch.replayed_at = Some(now + ROUNDS);
            return true;
        }
        // One response holds a part only, under the revision of the store (E1), but whole revisions.
        let most = if watch.replayed_at.is_some() { ROUND } else { random.usize(1..=3) };
        let last = events.get(most - 1).or(events.last()).map(|event| event.mod_revision);
        let some = history.events(watch.key, watch.next, last.unwrap_or(0));
        let lags = watch.replayed_at.is_some() && some.len() < events.len();
        watch.replayed_at = lags.then_some(now + ROUNDS);
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
