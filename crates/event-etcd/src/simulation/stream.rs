//! The server's end of a watch stream.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use event_core::CauseKind;

use crate::seam::{Events, Failure, WatchRequest, WatchResponse};
use crate::simulation::cluster::{Cluster, Member, ServedBy};
use crate::simulation::history::{History, KEYS, subject_of};

/// How many responses the server queues of a watch that it keeps up with, before the watch lags.
const QUEUE: usize = 128;
/// How many events a round of replaying has, and how often there is one (E9).
const ROUND: usize = 100;
const ROUNDS: Duration = Duration::from_millis(100);

/// A response with the watch that it is really about, which a refusal does not name (E3).
pub(super) type Sent = (WatchResponse, Option<u64>);

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
    /// By the numbers of their creates.
    pub(super) watches: BTreeMap<u64, Watch>,
    creates: u64,
    /// How far apart its ids may be.
    id_step: i64,
    /// The id that the next watch gets.
    next_id: i64,
    /// Watches that are created, and the client is not told yet.
    held: Vec<Sent>,
    /// What the server said, and the client did not hear yet. It stays in order.
    pub(super) sent: VecDeque<Sent>,
}

#[derive(Debug)]
pub(super) struct Watch {
    pub(super) subject: usize,
    id: i64,
    start: i64,
    /// The next revision to be sent.
    next: i64,
    /// It was canceled for a compaction, and is kept until the client cancels it too (E7).
    compacted: bool,
    /// It lags, and is replayed from then on.
    replayed_at: Option<Instant>,
}

impl Stream {
    pub(super) fn new(token: u64, first: WatchRequest, is_kine: bool) -> Self {
        Self {
            opened: false,
            token,
            refused: false,
            silent: false,
            requests: [first].into(),
            watches: BTreeMap::new(),
            creates: 0,
            id_step: if is_kine { 3 } else { 1 },
            next_id: if is_kine { 17 } else { 0 },
            held: Vec::new(),
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
        if !self.held.is_empty() && (self.requests.is_empty() || random.bool()) {
            let held = self.held.swap_remove(random.usize(..self.held.len()));
            self.sent.push_back(held);
            return true;
        }
        let Some(request) = self.requests.pop_front() else { return false };
        match request {
            WatchRequest::Create { keys, start_revision } => {
                let create = self.creates;
                self.creates += 1;
                let subject = subject_of(&keys).expect("a subject of ours");
                let is_outdated = self.token != cluster.token;
                self.refused |= is_outdated;
                if !is_outdated && cluster.may_read(subject) {
                    let is_from_now = start_revision == 0;
                    let id = self.next_id;
                    self.next_id += random.i64(1..=self.id_step);
                    let watch = Watch {
                        subject,
                        id,
                        start: start_revision,
                        next: if is_from_now { member.applied + 1 } else { start_revision },
                        compacted: false,
                        replayed_at: None,
                    };
                    self.watches.insert(create, watch);
                    let response =
                        WatchResponse::Created { watch_id: id, revision: member.applied };
                    // The first one opens the stream.
                    if cluster.served_by == ServedBy::GrpcProxy && create > 0 {
                        self.held.push((response, Some(create)));
                    } else {
                        self.sent.push_back((response, Some(create)));
                    }
                } else {
                    // Which one it is can be told by the order only.
                    self.sent.extend(self.held.drain(..));
                    self.sent.push_back((WatchResponse::Refused, Some(create)));
                }
            }
            WatchRequest::Cancel { watch_id } => {
                let watch = self.watches.iter().find(|(_, watch)| watch.id == watch_id);
                if let Some(create) = watch.map(|(create, _)| *create) {
                    self.watches.remove(&create);
                    self.sent.push_back((canceled(watch_id, "as asked"), Some(create)));
                }
            }
            WatchRequest::Progress if cluster.served_by == ServedBy::GrpcProxy => {}
            WatchRequest::Progress => {
                let refuses = |watch: &Watch| {
                    let history = cluster.history();
                    let lags = history.has_events(watch.subject, watch.next, member.applied)
                        || watch.start > member.applied;
                    watch.compacted || cluster.strict && lags
                };
                if !self.watches.values().any(refuses) {
                    self.sent.push_back((WatchResponse::Progress, None));
                }
            }
        }
        true
    }

    /// Whether the client lacks what a watch of it should send.
    pub(super) fn owes(&self, history: &History) -> bool {
        let lacks = |watch: &Watch| history.has_events(watch.subject, watch.next, history.revision);
        !self.sent.is_empty() || self.watches.values().any(lacks)
    }

    /// Tells a watch some of what it missed, if one did.
    pub(super) fn serve(
        &mut self,
        member: &Member,
        history: &History,
        random: &mut fastrand::Rng,
        now: Instant,
    ) -> bool {
        let held: Vec<u64> = self.held.iter().filter_map(|(_, create)| *create).collect();
        let is_due = |(create, watch): &(&u64, &Watch)| {
            !watch.compacted
                && !held.contains(create)
                && watch.next <= member.applied
                && watch.replayed_at.is_none_or(|at| at <= now)
        };
        let due: Vec<u64> = self.watches.iter().filter(is_due).map(|(create, _)| *create).collect();
        let Some(create) = random.choice(due) else { return false };
        let watch = self.watches.get_mut(&create).expect("one of them");
        let id = watch.id;
        if watch.next < history.compacted && history.compacted <= member.applied {
            watch.compacted = true;
            self.sent.push_back((WatchResponse::Compacted { watch_id: id }, Some(create)));
            return true;
        }
        let events = history.events(watch.subject, watch.next, member.applied);
        if watch.replayed_at.is_none() && events.len() > QUEUE {
            // They were written while nothing came through: some were queued as they came, each under its
            // own revision, and then the watch lags. A revision is never split.
            let (queued, replayed) = events.split_at(QUEUE);
            watch.next = replayed[0].mod_revision;
            for events in queued.chunk_by(|a, b| a.mod_revision == b.mod_revision) {
                let (watch_id, revision) = (id, events[0].mod_revision);
                // A revision that does not fit as a whole is replayed.
                if revision < watch.next {
                    let events = events.into();
                    let response =
                        WatchResponse::Events { watch_id, revision, events, is_fragment: false };
                    self.sent.push_back((response, Some(create)));
                }
            }
            watch.replayed_at = Some(now + ROUNDS);
            return true;
        }
        // One response holds a part only, under the revision of the store (E1), but whole revisions.
        let most = if watch.replayed_at.is_some() { ROUND } else { random.usize(1..=3) };
        let last = events.get(most - 1).or(events.last()).map(|event| event.mod_revision);
        let some = history.events(watch.subject, watch.next, last.unwrap_or(0));
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
        let mut rest = &some[..];
        while !rest.is_empty() {
            let (events, more) = rest.split_at(random.usize(1..=rest.len()));
            // The last one may be empty.
            let is_fragment = !more.is_empty() || random.u8(..8) == 0;
            let (watch_id, revision) = (id, member.applied);
            let response = |events, is_fragment| {
                (WatchResponse::Events { watch_id, revision, events, is_fragment }, Some(create))
            };
            self.sent.push_back(response(events.into(), is_fragment));
            if is_fragment && more.is_empty() {
                self.sent.push_back(response(Events::new(), false));
            }
            rest = more;
        }
        true
    }

    /// The server loses what it owes the watch of a range first, without a word (E16). Says of which range.
    pub(super) fn lose(
        &mut self,
        member: &Member,
        history: &History,
        random: &mut fastrand::Rng,
    ) -> Option<usize> {
        let owes = |(create, watch): (&u64, &Watch)| {
            let next = history.next_change(watch.subject, watch.next)?;
            (watch.subject >= KEYS && !watch.compacted && next <= member.applied)
                .then_some((*create, next))
        };
        let due: Vec<(u64, i64)> = self.watches.iter().filter_map(owes).collect();
        let (create, revision) = random.choice(due)?;
        let watch = self.watches.get_mut(&create)?;
        watch.next = revision + 1;
        Some(watch.subject)
    }

    /// The server ends a watch, for a reason of its own.
    pub(super) fn cancel(&mut self, random: &mut fastrand::Rng) {
        let held: Vec<u64> = self.held.iter().filter_map(|(_, create)| *create).collect();
        let is_live = |(create, watch): &(&u64, &Watch)| !watch.compacted && !held.contains(create);
        let live: Vec<u64> = self.watches.iter().filter(is_live).map(|(id, _)| *id).collect();
        if let Some(create) = random.choice(live)
            && let Some(watch) = self.watches.remove(&create)
        {
            self.sent.push_back((canceled(watch.id, "the server is busy"), Some(create)));
        }
    }
}

fn canceled(watch_id: i64, reason: &str) -> WatchResponse {
    WatchResponse::Canceled { watch_id, failure: Failure::new(CauseKind::Unreachable, reason) }
}
