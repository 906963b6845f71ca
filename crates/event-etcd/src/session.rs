//! The rules of following keys of an etcd, as a state machine without I/O.
//!
//! It is told what the server said and what time it is, and says what to do next. It owns every rule
//! of resuming, and a test drives it without a server. The numbers (E1 …, C1 …) are those of the
//! table in `docs/etcd-facts.md`.
//!
//! The life of a key: *unread* → a linearizable read → a watch from that read's revision on is asked
//! for → *watched*. Not from the next revision: later servers give no sign of life on a stream while
//! a watch of it starts beyond the store's revision, as it would on an idle store (E7).
//!
//! Whatever goes wrong makes a key unread again. We never resume: a reader of the newest value needs
//! no history, and every way of resuming has a failure in which it is silent (E1, E2, E5, E8).

mod connecting;
mod health;
mod reading;
mod recalling;
mod watching;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_core::{Bytes, Cause, Entry, Health, HealthState};

use crate::bounds::Bounds;
use crate::endpoints::Endpoints;
use crate::key::{Key, KeyState};
pub(crate) use crate::key::{KeyId, ReadId, Ticket};
use crate::protocol::{CauseKind, Failure, ReadAnswer, Request, Response};

/// How many keys one transaction reads: etcd's default for `--max-txn-ops`.
const BATCH: usize = 128;
/// How many reads are under way at once.
const READS: usize = 8;
/// How far a watch may lie behind, in revisions, before it is quicker to read (E9).
const BEHIND: i64 = 5000;
/// When keys that were refused are asked for again: after this, and once more this for each
/// [`REFUSED`] of them, so that many don't load the cluster.
const RETRY: Duration = Duration::from_millis(500);
const REFUSED: usize = 32;

/// What the session wants done.
pub(crate) use health::differs;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Connect to a member, and say [`Session::connected`] or [`Session::failed`].
    Connect(Arc<str>),
    /// Drop the connection and all that is under way on it.
    Disconnect,
    /// Read these keys, linearizable and in one transaction, and say [`Session::read`].
    Read(ReadId, Vec<Bytes>),
    /// Read the key of this version as it was at its revision, linearizable, and say
    /// [`Session::recalled`].
    Recall(Entry),
    /// Open the stream with this request, and say [`Session::opened`]; then
    /// [`Session::heard`] for each response.
    Open(Request),
    /// Send this on the stream, in order.
    Send(Request),
    /// Tell the watchers of a key its newest version.
    Tell(KeyId, Entry),
    /// Tell the watchers of the store's health.
    Health(Health),
    /// A refresh is done, or was refused.
    Refreshed(Ticket, Result<(), Failure>),
}

#[derive(Debug)]
pub(crate) struct Session {
    bounds: Bounds,
    endpoints: Endpoints,
    phase: Phase,
    /// In order, for a run to be repeatable; boxed, for the places that the tree keeps free to be small.
    keys: BTreeMap<KeyId, Box<Key>>,
    /// Keys to read: those that are unread, and those watched ones that a read shall overtake.
    to_read: VecDeque<KeyId>,
    /// Batches that were refused as a whole, halved.
    to_read_apart: Vec<Vec<KeyId>>,
    reads: BTreeMap<ReadId, Read>,
    watches: HashMap<i64, KeyId>,
    /// Creates in the order they were sent, which is the order of their answers (E3).
    creating: VecDeque<i64>,
    /// The keys that are refused, each with the reason.
    refused: BTreeMap<KeyId, Failure>,
    /// When they are asked for again.
    retry_at: Option<Instant>,
    /// How many keys are read at once: fewer where that took too long.
    batch: usize,
    /// The highest revision seen in this history.
    highest: i64,
    /// The newest version that an earlier connection gave out of this history.
    witness: Option<Entry>,
    /// It, while the store is asked whether it remembers it.
    recalling: Option<Entry>,
    next_read: ReadId,
    next_watch: i64,
    /// All that was to be read when the connection was made is, and the stream is open.
    live: bool,
    /// Why the last connection ended, and the member it was to, until the next one is live.
    failure: Option<Failure>,
    faulty: Option<Arc<str>>,
    last_heard: Option<Instant>,
    /// How it goes, and what was told of that.
    health: Health,
    told_health: Health,
    actions: VecDeque<Action>,
}

#[derive(Debug)]
enum Phase {
    /// Nothing to follow, so no connection yet.
    Idle,
    /// Until then the next endpoint is spared.
    Waiting { until: Instant, endpoint: Arc<str> },
    /// Asked to connect; the first answer proves it.
    Connecting { deadline: Instant },
    Connected {
        stream: Stream,
        /// Until its first answer, when that has to come, if it was asked for in time.
        prove_by: Option<Instant>,
    },
}

#[derive(Debug, Clone, Copy)]
enum Stream {
    /// No key was read yet, so there is nothing to watch.
    Unasked,
    Opening {
        deadline: Instant,
    },
    /// `heard` is when it last said something: a read's answer does not prove that the stream lives.
    /// `asked` is since when a sign of life is waited for.
    Open {
        heard: Instant,
        asked: Option<Instant>,
    },
}

#[derive(Debug)]
struct Read {
    keys: Vec<KeyId>,
    tickets: Vec<(KeyId, Ticket)>,
    deadline: Instant,
    /// The highest revision seen when it was sent: an answer below it is of another history.
    floor: i64,
}

impl Session {
    pub(crate) fn new(endpoints: Endpoints, bounds: Bounds, now: Instant) -> Self {
        Self {
            bounds,
            endpoints,
            phase: Phase::Idle,
            keys: BTreeMap::new(),
            to_read: VecDeque::new(),
            to_read_apart: Vec::new(),
            reads: BTreeMap::new(),
            watches: HashMap::new(),
            creating: VecDeque::new(),
            refused: BTreeMap::new(),
            retry_at: None,
            batch: BATCH,
            highest: 0,
            witness: None,
            recalling: None,
            next_read: 0,
            next_watch: 0,
            live: false,
            failure: None,
            faulty: None,
            last_heard: None,
            health: Health::new(HealthState::Connecting).with_since(now),
            told_health: Health::new(HealthState::Connecting).with_since(now),
            actions: VecDeque::new(),
        }
    }

    // What the program wants.

    /// Follow a key. The id must not have been used before.
    pub(crate) fn follow(&mut self, id: KeyId, name: Bytes, now: Instant) {
        self.keys.insert(id, Box::new(Key::new(name)));
        self.queue(id);
        if matches!(self.phase, Phase::Idle) {
            self.next_endpoint(now);
        }
        self.go_on(now);
    }

    /// Stop following a key.
    pub(crate) fn leave(&mut self, id: KeyId, now: Instant) {
        let Some(key) = self.keys.remove(&id) else { return };
        self.refused.remove(&id);
        if key.queued {
            self.to_read.retain(|queued| *queued != id);
        }
        for ticket in key.tickets {
            self.actions.push_back(Action::Refreshed(ticket, Ok(())));
        }
        if let KeyState::Watched(watch_id) = key.state {
            self.watches.remove(&watch_id);
            self.actions.push_back(Action::Send(Request::Cancel { watch_id }));
        }
        self.go_on(now);
    }

    /// Read a key that is followed anew, from now on. [`Action::Refreshed`] says when it is told.
    pub(crate) fn refresh(&mut self, id: KeyId, ticket: Ticket, now: Instant) {
        match self.keys.get_mut(&id) {
            Some(key) => {
                key.tickets.push(ticket);
                self.queue(id);
            }
            None => self.actions.push_back(Action::Refreshed(ticket, Ok(()))),
        }
        self.go_on(now);
    }

    pub(crate) fn add_endpoint(&mut self, name: &str, now: Instant) {
        let waits = matches!(self.phase, Phase::Idle | Phase::Waiting { .. });
        if self.endpoints.add(name) && waits && !self.keys.is_empty() {
            self.next_endpoint(now);
        }
        self.go_on(now);
    }

    pub(crate) fn remove_endpoint(&mut self, name: &str, now: Instant) {
        if self.endpoints.remove(name) {
            match self.phase {
                Phase::Idle => {}
                Phase::Waiting { .. } => self.next_endpoint(now),
                Phase::Connecting { .. } | Phase::Connected { .. } => {
                    let message = format!("the endpoint {name} was removed");
                    self.fail(Failure::new(CauseKind::Unreachable, message), now);
                }
            }
        }
        self.go_on(now);
    }

    // What the server said.

    pub(crate) fn connected(&mut self, now: Instant) {
        if let Phase::Connecting { deadline } = self.phase {
            self.phase = Phase::Connected { stream: Stream::Unasked, prove_by: Some(deadline) };
            self.recall();
        }
        self.go_on(now);
    }

    /// A call failed, or the stream ended: all ends look alike (C3).
    pub(crate) fn failed(&mut self, failure: Failure, now: Instant) {
        self.fail(failure, now);
        self.go_on(now);
    }

    pub(crate) fn opened(&mut self, now: Instant) {
        if let Phase::Connected { stream, .. } = &mut self.phase {
            *stream = Stream::Open { heard: now, asked: None };
            self.proven(now);
        }
        self.go_on(now);
    }

    pub(crate) fn read(&mut self, id: ReadId, answer: Result<ReadAnswer, Failure>, now: Instant) {
        let Some(read) = self.reads.remove(&id) else { return };
        match answer {
            Ok(answer) => self.merge(id, read, answer, now),
            Err(failure) => self.read_failed(read, failure, now),
        }
        self.go_on(now);
    }

    pub(crate) fn heard(&mut self, response: Response, now: Instant) {
        self.proven(now);
        if let Phase::Connected { stream: Stream::Open { heard, asked }, .. } = &mut self.phase {
            *heard = now;
            *asked = None;
        }
        if response.created {
            self.created(&response, now);
        } else if response.canceled {
            self.canceled(&response, now);
        } else {
            self.changed(response);
        }
        self.go_on(now);
    }

    /// Time passed: call it at the [`deadline`](Self::deadline).
    pub(crate) fn tick(&mut self, now: Instant) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            for id in self.refused.keys().copied().collect::<Vec<_>>() {
                self.queue(id);
            }
        }
        let bounds = self.bounds;
        match &mut self.phase {
            Phase::Waiting { until, endpoint } if *until <= now => {
                let endpoint = Arc::clone(endpoint);
                self.connect(endpoint, now);
            }
            Phase::Connecting { deadline } if *deadline <= now => self.silent(bounds.connect, now),
            Phase::Connected { stream: Stream::Opening { deadline }, .. } if *deadline <= now => {
                self.silent(bounds.answer(), now);
            }
            Phase::Connected { stream: Stream::Open { heard, asked }, .. }
                if !self.watches.is_empty() =>
            {
                match *asked {
                    Some(since) if since + bounds.answer() <= now => {
                        self.silent(bounds.detection, now);
                    }
                    None if *heard + bounds.idle() <= now => {
                        *asked = Some(now);
                        self.actions.push_back(Action::Send(Request::Progress));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        self.reads_in_time(now);
        self.go_on(now);
    }

    // What follows.

    /// What to do next, until there is nothing.
    pub(crate) fn action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call [`tick`](Self::tick), if nothing else happens before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Idle | Phase::Connected { stream: Stream::Unasked, .. } => None,
            Phase::Waiting { until, .. } => Some(until),
            Phase::Connecting { deadline }
            | Phase::Connected { stream: Stream::Opening { deadline }, .. } => Some(deadline),
            Phase::Connected { stream: Stream::Open { .. }, .. } if self.watches.is_empty() => None,
            Phase::Connected { stream: Stream::Open { asked: Some(since), .. }, .. } => {
                Some(since + self.bounds.answer())
            }
            Phase::Connected { stream: Stream::Open { heard, asked: None }, .. } => {
                Some(heard + self.bounds.idle())
            }
        };
        let reads = self.reads.values().map(|read| read.deadline).min();
        [phase, reads, self.retry_at].into_iter().flatten().min()
    }

    /// Whether the stream is open: what comes on it is to be heard.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Connected { stream: Stream::Open { .. }, .. })
    }

    /// When the server last gave a sign of life.
    pub(crate) fn last_heard(&self) -> Option<Instant> {
        self.last_heard
    }

    // The rules.

    /// After each input: read what is to be read, and say how it goes.
    fn go_on(&mut self, now: Instant) {
        self.read_more(now);
        let Phase::Connected { stream: Stream::Open { .. }, .. } = self.phase else {
            return self.assess(now);
        };
        if !self.live
            && self.to_read.is_empty()
            && self.to_read_apart.is_empty()
            && self.reads.is_empty()
        {
            self.live = true;
            self.batch = (self.batch * 2).min(BATCH); // the link may be better by now
            (self.failure, self.faulty) = (None, None);
        }
        self.assess(now);
    }

    /// Tells how it goes, if that changed.
    fn assess(&mut self, now: Instant) {
        let (state, cause) = match self.refused.values().next().or(self.failure.as_ref()) {
            Some(failure) => (HealthState::Stalled, Some(Cause::from(failure))),
            None if self.live => (HealthState::Live, None),
            None => (HealthState::Connecting, None),
        };
        let since = if state == self.health.state { self.health.since } else { now };
        let mut health =
            Health::new(state).with_since(since).with_history_resets(self.health.history_resets);
        health.cause = cause;
        health.source = self.faulty.as_ref().or(self.endpoints.current()).cloned();
        if differs(&health, &self.told_health) {
            self.told_health = health.clone();
            self.actions.push_back(Action::Health(health.clone()));
        }
        self.health = health;
    }
}
