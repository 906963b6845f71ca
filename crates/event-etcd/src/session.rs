//! The rules of following keys of an etcd, as a state machine without I/O.
//!
//! It is told what the server said and what time it is, and says what to do next. It owns every rule
//! of resuming, and a test drives it without a server. The numbers (E1 …, C1 …) are those of the
//! table in `docs/etcd-facts.md`.
//!
//! The life of a key: *unread* → a linearizable read → a watch from that read's revision on is asked
//! for → *watched*. Not from the next revision: later servers give no sign of life on a stream while
//! a watch of it starts beyond the store's revision, as it would on an idle store (E7). Whatever goes wrong makes it unread again. We never
//! resume: a reader of the newest value needs no history, and every way of resuming has a fault in
//! which it is silent (E1, E2, E5, E8).

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_core::{Bytes, Entry};

use crate::endpoints::Endpoints;
use crate::health::{Cause, Health, State};
use crate::key::{Key, KeyState};
pub(crate) use crate::key::{KeyId, ReadId, Ticket};
use crate::protocol::{Fault, FaultKind, ReadAnswer, Request, Response};

/// How many keys one transaction reads: etcd's default for `--max-txn-ops`.
const BATCH: usize = 128;
/// How many reads are under way at once.
const READS: usize = 8;
/// How far a watch may lie behind, in revisions, before it is quicker to read (E9).
const BEHIND: i64 = 5000;
/// When keys that were refused are asked for again; where they are many, so much later.
const RETRY: Duration = Duration::from_millis(500);

/// What the session wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Connect to a member, and say [`Session::connected`] or [`Session::failed`].
    Connect(Arc<str>),
    /// Drop the connection and all that is under way on it.
    Disconnect,
    /// Read these keys, linearizable and in one transaction, and say [`Session::read`].
    Read(ReadId, Vec<Bytes>),
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
    Refreshed(Ticket, Result<(), Fault>),
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// From the connect to the first answer.
    pub(crate) connect: Duration,
    /// From the last sign of life to the fault.
    pub(crate) detection: Duration,
}

impl Bounds {
    /// An idle stream is asked for a sign of life after this long …
    fn idle(&self) -> Duration {
        self.detection * 2 / 5
    }

    /// … and has this long for the answer, as has every call.
    fn answer(&self) -> Duration {
        self.detection * 3 / 5
    }
}

#[derive(Debug)]
pub(crate) struct Session {
    bounds: Bounds,
    endpoints: Endpoints,
    phase: Phase,
    /// In order, for a run to be repeatable.
    keys: BTreeMap<KeyId, Key>,
    /// Keys to read: those that are unread, and those watched ones that a read shall overtake.
    to_read: VecDeque<KeyId>,
    /// Batches that were refused as a whole, halved.
    to_read_apart: Vec<Vec<KeyId>>,
    reads: BTreeMap<ReadId, Read>,
    watches: HashMap<i64, KeyId>,
    /// Creates in the order they were sent, which is the order of their answers (E3).
    creating: VecDeque<i64>,
    /// The keys that are refused, each with the reason.
    refused: BTreeMap<KeyId, Fault>,
    /// When they are asked for again.
    retry_at: Option<Instant>,
    /// How many keys are read at once: fewer where that took too long.
    batch: usize,
    /// The highest revision seen in this history.
    highest: i64,
    next_read: ReadId,
    next_watch: i64,
    /// All that was to be read when the connection was made is, and the stream is open.
    live: bool,
    /// Why the last connection ended, and the member it was to, until the next one is live.
    fault: Option<Fault>,
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
            next_read: 0,
            next_watch: 0,
            live: false,
            fault: None,
            faulty: None,
            last_heard: None,
            health: Health::connecting(now),
            told_health: Health::connecting(now),
            actions: VecDeque::new(),
        }
    }

    // What the program wants.

    /// Follow a key. The id must not have been used before.
    pub(crate) fn follow(&mut self, id: KeyId, name: Bytes, now: Instant) {
        self.keys.insert(id, Key::new(name));
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
                    self.fail(Fault::new(FaultKind::Unreachable, message), now);
                }
            }
        }
        self.go_on(now);
    }

    // What the server said.

    pub(crate) fn connected(&mut self, now: Instant) {
        if let Phase::Connecting { deadline } = self.phase {
            self.phase = Phase::Connected { stream: Stream::Unasked, prove_by: Some(deadline) };
        }
        self.go_on(now);
    }

    /// A call failed, or the stream ended: all ends look alike (C3).
    pub(crate) fn failed(&mut self, fault: Fault, now: Instant) {
        self.fail(fault, now);
        self.go_on(now);
    }

    pub(crate) fn opened(&mut self, now: Instant) {
        if let Phase::Connected { stream, .. } = &mut self.phase {
            *stream = Stream::Open { heard: now, asked: None };
            self.proven(now);
        }
        self.go_on(now);
    }

    pub(crate) fn read(&mut self, id: ReadId, answer: Result<ReadAnswer, Fault>, now: Instant) {
        let Some(read) = self.reads.remove(&id) else { return };
        match answer {
            Ok(answer) => self.merge(id, read, answer, now),
            Err(fault) => self.read_failed(read, fault, now),
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
            (self.fault, self.faulty) = (None, None);
        }
        self.assess(now);
    }

    fn connect(&mut self, endpoint: Arc<str>, now: Instant) {
        self.phase = Phase::Connecting { deadline: now + self.bounds.connect };
        self.actions.push_back(Action::Connect(endpoint));
    }

    fn next_endpoint(&mut self, now: Instant) {
        self.phase = Phase::Idle;
        if self.keys.is_empty() {
            return;
        }
        match self.endpoints.next() {
            None => self.fault = Some(Fault::new(FaultKind::Unreachable, "no endpoint is left")),
            Some((endpoint, Duration::ZERO)) => self.connect(endpoint, now),
            Some((endpoint, wait)) => self.phase = Phase::Waiting { until: now + wait, endpoint },
        }
    }

    /// Gives the connection up: every key is unread again.
    fn fail(&mut self, fault: Fault, now: Instant) {
        if matches!(self.phase, Phase::Idle | Phase::Waiting { .. }) {
            return;
        }
        self.actions.push_back(Action::Disconnect);
        self.live = false;
        self.fault = Some(fault);
        self.faulty = self.endpoints.current().cloned();
        self.endpoints.failed(now);
        self.watches.clear();
        self.creating.clear();
        self.to_read_apart.clear();
        self.to_read.clear();
        self.refused.clear();
        self.retry_at = None;
        for (_, read) in mem::take(&mut self.reads) {
            self.requeue_tickets(read.tickets);
        }
        for (id, key) in &mut self.keys {
            key.start_over();
            self.to_read.push_back(*id);
        }
        self.next_endpoint(now);
    }

    /// A read that takes too long ends the connection. Perhaps it was too much for the link: the
    /// next ones ask for half as many keys, and for one at last.
    fn reads_in_time(&mut self, now: Instant) {
        let Some(late) = self.reads.values().find(|read| read.deadline <= now) else { return };
        if late.keys.len() > 1 {
            self.batch = (self.batch / 2).max(1);
        }
        let proven = matches!(self.phase, Phase::Connected { prove_by: None, .. });
        self.silent(if proven { self.bounds.answer() } else { self.bounds.connect }, now);
    }

    fn silent(&mut self, bound: Duration, now: Instant) {
        self.fail(Fault::new(FaultKind::Unreachable, format!("no answer within {bound:?}")), now);
    }

    /// The server gave a sign of life.
    fn proven(&mut self, now: Instant) {
        self.last_heard = Some(now);
        self.endpoints.good(now);
        if let Phase::Connected { prove_by, .. } = &mut self.phase {
            *prove_by = None;
        }
    }

    /// Puts a key in the line to be read, once.
    fn queue(&mut self, id: KeyId) {
        if let Some(key) = self.keys.get_mut(&id)
            && !mem::replace(&mut key.queued, true)
        {
            self.to_read.push_back(id);
        }
    }

    fn read_more(&mut self, now: Instant) {
        let Phase::Connected { prove_by, .. } = self.phase else { return };
        let answer_by = now + self.bounds.answer();
        let deadline = prove_by.map_or(answer_by, |by| by.max(answer_by));
        while self.reads.len() < READS {
            let batch = self.to_read_apart.pop().unwrap_or_else(|| {
                let size = self.to_read.len().min(self.batch);
                self.to_read.drain(..size).collect()
            });
            if batch.is_empty() {
                return;
            }
            self.next_read += 1;
            let id = self.next_read;
            let (mut keys, mut names, mut tickets) = (Vec::new(), Vec::new(), Vec::new());
            for key_id in batch {
                let Some(key) = self.keys.get_mut(&key_id) else { continue };
                key.queued = false;
                if matches!(key.state, KeyState::Unread) {
                    key.state = KeyState::Reading(id);
                }
                keys.push(key_id);
                names.push(key.name.clone());
                tickets.extend(key.tickets.drain(..).map(|ticket| (key_id, ticket)));
            }
            if !keys.is_empty() {
                self.reads.insert(id, Read { keys, tickets, deadline, floor: self.highest });
                self.actions.push_back(Action::Read(id, names));
            }
        }
    }

    /// A read is the truth: tells what differs, and watches on from there (E5).
    fn merge(&mut self, id: ReadId, read: Read, answer: ReadAnswer, now: Instant) {
        self.proven(now);
        if answer.found.len() != read.keys.len() {
            self.requeue_tickets(read.tickets);
            return self.fail(
                Fault::new(FaultKind::Unreachable, "an answer to other keys than were asked for"),
                now,
            );
        }
        if answer.revision < read.floor {
            self.history_was_replaced(answer.revision);
            if !self.watches.is_empty() {
                // Another server answers than the one that the stream is with.
                self.requeue_tickets(read.tickets);
                return self.fail(
                    Fault::new(FaultKind::Unreachable, "the store's history was replaced"),
                    now,
                );
            }
        }
        self.highest = self.highest.max(answer.revision);
        let mut stream_is_stale = false;
        for (key_id, found) in read.keys.into_iter().zip(answer.found) {
            let Some(key) = self.keys.get_mut(&key_id) else { continue };
            key.overtaking = false;
            if let Some(entry) = key.read(found, answer.revision) {
                self.actions.push_back(Action::Tell(key_id, entry));
            }
            if matches!(key.state, KeyState::Reading(reading) if reading == id) {
                self.refused.remove(&key_id);
                stream_is_stale |= key.watch_refused;
                self.watch(key_id, answer.revision, now);
            }
        }
        for (_, ticket) in read.tickets {
            self.actions.push_back(Action::Refreshed(ticket, Ok(())));
        }
        if stream_is_stale {
            self.fail(Fault::new(FaultKind::Auth, "the stream's credentials are out of date"), now);
        }
    }

    /// A lower revision than one already seen: the store was wiped or restored (E5).
    fn history_was_replaced(&mut self, revision: i64) {
        self.highest = revision;
        self.health.replaced += 1;
        self.reads.values_mut().for_each(|read| read.floor = 0);
        self.keys.values_mut().for_each(|key| key.known_at = 0);
    }

    fn read_failed(&mut self, mut read: Read, fault: Fault, now: Instant) {
        match fault.kind {
            FaultKind::Unreachable | FaultKind::NoLeader | FaultKind::Auth => {
                self.requeue_tickets(read.tickets);
                self.fail(fault, now);
            }
            // Of many keys one is to blame: halve until it stands alone.
            FaultKind::Permission | FaultKind::Rejected | FaultKind::TooLarge
                if read.keys.len() > 1 =>
            {
                self.proven(now);
                self.requeue_tickets(mem::take(&mut read.tickets));
                for key_id in &read.keys {
                    self.unread(*key_id);
                }
                let half = read.keys.split_off(read.keys.len() / 2);
                self.to_read_apart.extend([read.keys, half]);
            }
            FaultKind::Permission | FaultKind::Rejected | FaultKind::TooLarge => {
                self.proven(now);
                for (_, ticket) in read.tickets {
                    self.actions.push_back(Action::Refreshed(ticket, Err(fault.clone())));
                }
                for key_id in read.keys {
                    self.refuse(key_id, fault.clone(), now);
                }
            }
        }
    }

    fn requeue_tickets(&mut self, tickets: Vec<(KeyId, Ticket)>) {
        for (key_id, ticket) in tickets {
            match self.keys.get_mut(&key_id) {
                Some(key) => key.tickets.push(ticket),
                None => self.actions.push_back(Action::Refreshed(ticket, Ok(()))),
            }
        }
    }

    /// A key that was being read is unread again.
    fn unread(&mut self, id: KeyId) {
        if let Some(key) = self.keys.get_mut(&id)
            && matches!(key.state, KeyState::Reading(_))
        {
            key.state = KeyState::Unread;
        }
    }

    /// A key can't be followed for now: it is asked for again after a while, its neighbours are not
    /// concerned.
    fn refuse(&mut self, id: KeyId, mut fault: Fault, now: Instant) {
        let Some(key) = self.keys.get_mut(&id) else { return };
        if let KeyState::Watched(watch_id) = mem::replace(&mut key.state, KeyState::Unread) {
            self.watches.remove(&watch_id);
            self.actions.push_back(Action::Send(Request::Cancel { watch_id }));
        }
        key.overtaking = false;
        key.watch_refused = false; // this is why
        fault.message = format!(
            "key `{}`: {}",
            String::from_utf8_lossy(&key.name).escape_debug(),
            fault.message
        );
        self.refused.insert(id, fault);
        let batches = u32::try_from(self.refused.len() / 32).unwrap_or(u32::MAX);
        self.retry_at = Some(now + RETRY.saturating_mul(batches.saturating_add(1)));
    }

    fn watch(&mut self, id: KeyId, start_revision: i64, now: Instant) {
        let (Some(key), Phase::Connected { stream, .. }) =
            (self.keys.get_mut(&id), &mut self.phase)
        else {
            return;
        };
        self.next_watch += 1;
        let watch_id = self.next_watch;
        key.state = KeyState::Watched(watch_id);
        self.watches.insert(watch_id, id);
        self.creating.push_back(watch_id);
        let request = Request::Create { watch_id, key: key.name.clone(), start_revision };
        if let Stream::Unasked = stream {
            *stream = Stream::Opening { deadline: now + self.bounds.answer() };
            self.actions.push_back(Action::Open(request));
        } else {
            self.actions.push_back(Action::Send(request));
        }
    }

    /// Answers come in the order of the creates. A refusal's own id is worth nothing (E3).
    fn created(&mut self, response: &Response, now: Instant) {
        let expected = self.creating.pop_front();
        if !response.canceled {
            if expected != Some(response.watch_id) {
                let message = "a watch was created that was not asked for";
                self.fail(Fault::new(FaultKind::Unreachable, message), now);
            }
            return;
        }
        let Some(id) = expected.and_then(|watch_id| self.watches.remove(&watch_id)) else { return };
        if let Some(key) = self.keys.get_mut(&id) {
            key.state = KeyState::Unread;
            key.watch_refused = true;
        }
        // A unary call first, which refreshes the token and tells whether it was that (E4).
        self.queue(id);
    }

    fn canceled(&mut self, response: &Response, now: Instant) {
        let Some(id) = self.watches.remove(&response.watch_id) else { return };
        if let Some(key) = self.keys.get_mut(&id) {
            key.state = KeyState::Unread;
        }
        if response.compact_revision == 0 {
            let reason = format!("the server canceled the watch: {}", response.reason);
            return self.refuse(id, Fault::new(FaultKind::Unreachable, reason), now);
        }
        // Compacted (E2). The server keeps such a watch until it is canceled, and gives no sign of
        // life on its stream so long (E7).
        self.actions.push_back(Action::Send(Request::Cancel { watch_id: response.watch_id }));
        self.queue(id);
    }

    /// Tells the newest of the events.
    fn changed(&mut self, mut response: Response) {
        let Some(id) = self.watches.get(&response.watch_id).copied() else { return };
        let (Some(key), Some(event)) = (self.keys.get_mut(&id), response.events.pop()) else {
            return;
        };
        let behind = response.revision.saturating_sub(event.mod_revision);
        self.highest = self.highest.max(event.mod_revision);
        if let Some(entry) = key.event(event) {
            self.actions.push_back(Action::Tell(id, entry));
        }
        if behind >= BEHIND && !mem::replace(&mut key.overtaking, true) {
            self.queue(id);
        }
    }

    /// Tells how it goes, if that changed.
    fn assess(&mut self, now: Instant) {
        let (state, cause) = match self.refused.values().next().or(self.fault.as_ref()) {
            Some(fault) => (State::Stalled, Some(Cause::from(fault))),
            None if self.live => (State::Live, None),
            None => (State::Connecting, None),
        };
        let since = if state == self.health.state { self.health.since } else { now };
        let endpoint = self.faulty.as_ref().or(self.endpoints.current()).cloned();
        let health = Health {
            state,
            since,
            cause,
            endpoint,
            revision: self.highest,
            replaced: self.health.replaced,
        };
        if health.differs(&self.told_health) {
            self.told_health = health.clone();
            self.actions.push_back(Action::Health(health.clone()));
        }
        self.health = health;
    }
}
