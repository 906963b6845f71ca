//! The rules of watching keys of an etcd, as a state machine without I/O.
//!
//! The driver reports what the server said and what time it is; the session says what to do next. It
//! owns every rule of reading, watching and failing over, and a test drives it without a server. The
//! numbers (E1 …, C1 …) are those of the table in `docs/etcd-facts.md`.
//!
//! The life of a key: *unread* → a linearizable read → a watch from that read's revision on →
//! *watched*. Not from the next revision: later servers give no sign of life on a stream while a watch of
//! it starts beyond the store's revision, as it would on an idle store (E7).
//!
//! Whatever goes wrong makes a key unread again. The session never resumes a watch: a reader of the
//! newest value needs no history, and every way of resuming has a failure in which it is silent (E1, E2,
//! E5, E8).

mod connected;
mod endpoints;
mod health;
mod history_check;
mod key;
mod lag;
mod reads;
mod timers;
mod watches;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_core::{Bytes, CauseKind, Entry, Health};

use crate::seam::{Failure, WatchRequest};
use crate::slots::{KeyId, Slots};
use connected::{Connected, Stream};
use health::HealthLog;
use history_check::History;
use reads::BATCH;

pub(crate) use endpoints::Endpoints;
pub(crate) use key::Key;
pub(crate) use timers::Timeouts;

/// A read under way.
pub(crate) type ReadId = u64;
/// A refresh. Later ones have higher numbers.
pub(crate) type Ticket = u64;

/// What the session wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Connect to a member, then call [`Session::handle_connected`] or [`Session::handle_failure`].
    Connect(Arc<str>),
    /// Drop the connection and all that is under way on it.
    Disconnect,
    /// Read these keys, linearizable and in one transaction, then call [`Session::handle_read`].
    Read(ReadId, Vec<Bytes>),
    /// Read the key of this version as it was at its revision, linearizable, then call
    /// [`Session::handle_history_check`].
    CheckHistory(Entry),
    /// Open the stream with this request, then call [`Session::handle_open`], and
    /// [`Session::handle_response`] for each response.
    OpenStream(WatchRequest),
    /// Send this on the stream, in order.
    Send(WatchRequest),
    /// Publish the newest version of a key.
    Publish(KeyId, Entry),
    /// Publish the health of the store.
    PublishHealth(Health),
    /// The refreshes of a key up to this one are done, or were refused.
    Refreshed(KeyId, Ticket, Result<(), Failure>),
}

#[derive(Debug)]
pub(crate) struct Session {
    timeouts: Timeouts,
    endpoints: Endpoints,
    keys: Slots<Key>,
    /// The newest refresh of each key that waits for a read which is not sent yet.
    refreshes: BTreeMap<KeyId, Ticket>,
    state: State,
    /// How many keys are read at once: fewer after a read took too long.
    batch: usize,
    history: History,
    health: HealthLog,
    last_response: Option<Instant>,
    next_read: ReadId,
    next_watch: i64,
    actions: VecDeque<Action>,
}

/// Each state owns what belongs to it: leaving the state drops it.
#[derive(Debug)]
enum State {
    /// No key is subscribed to yet, or no endpoint is left.
    Idle,
    /// The next endpoint is spared until then.
    Waiting {
        until: Instant,
        endpoint: Arc<str>,
    },
    /// The first response proves the connection.
    Connecting {
        deadline: Instant,
    },
    Connected(Box<Connected>),
}

impl Session {
    pub(crate) fn new(endpoints: Endpoints, timeouts: Timeouts, now: Instant) -> Self {
        Self {
            timeouts,
            endpoints,
            keys: Slots::default(),
            refreshes: BTreeMap::new(),
            state: State::Idle,
            batch: BATCH,
            history: History::default(),
            health: HealthLog::new(now),
            last_response: None,
            next_read: 0,
            next_watch: 0,
            actions: VecDeque::new(),
        }
    }

    // What the program wants.

    /// Subscribes to a key.
    pub(crate) fn handle_subscribe(&mut self, id: KeyId, name: Bytes, now: Instant) {
        self.keys.insert(id, Key::new(name));
        match &mut self.state {
            State::Idle => self.next_endpoint(now),
            State::Connected(connected) => connected.queue(id),
            State::Waiting { .. } | State::Connecting { .. } => {}
        }
        self.go_on(now);
    }

    /// Ends the subscription to a key.
    pub(crate) fn handle_unsubscribe(&mut self, id: KeyId, now: Instant) {
        if self.keys.remove(id).is_none() {
            return;
        }
        self.refreshes.remove(&id);
        if let State::Connected(connected) = &mut self.state
            && let Some(watch_id) = connected.forget(id)
        {
            self.actions.push_back(Action::Send(WatchRequest::Cancel { watch_id }));
        }
        self.go_on(now);
    }

    /// Reads a key with a read that is sent from now on, then says [`Action::Refreshed`].
    pub(crate) fn handle_refresh(&mut self, id: KeyId, ticket: Ticket, now: Instant) {
        if self.keys.get(id).is_some() {
            self.refreshes.insert(id, ticket);
            if let State::Connected(connected) = &mut self.state {
                connected.queue(id);
            }
        }
        self.go_on(now);
    }

    pub(crate) fn handle_add_endpoint(&mut self, name: &str, now: Instant) {
        let waits = matches!(self.state, State::Idle | State::Waiting { .. });
        if self.endpoints.add(name) && waits {
            self.next_endpoint(now);
        }
        self.go_on(now);
    }

    pub(crate) fn handle_remove_endpoint(&mut self, name: &str, now: Instant) {
        if self.endpoints.remove(name) {
            match self.state {
                State::Idle => {}
                State::Waiting { .. } => self.next_endpoint(now),
                State::Connecting { .. } | State::Connected(_) => {
                    let message = format!("the program removed the endpoint {name}");
                    self.fail(Failure::new(CauseKind::EndpointRemoved, message), now);
                }
            }
        }
        self.go_on(now);
    }

    // What happened to the connection.

    pub(crate) fn handle_connected(&mut self, now: Instant) {
        if let State::Connecting { deadline } = self.state {
            self.state = State::Connected(Box::new(Connected::new(deadline, &self.keys)));
            self.check_history();
        }
        self.go_on(now);
    }

    /// A call failed, or the stream ended: all ends look alike (C3).
    pub(crate) fn handle_failure(&mut self, failure: Failure, now: Instant) {
        self.fail(failure, now);
        self.go_on(now);
    }

    /// The stream is open.
    pub(crate) fn handle_open(&mut self, now: Instant) {
        if let State::Connected(connected) = &mut self.state {
            connected.stream = Stream::Open { last_response: now, asked: None };
            self.proven(now);
        }
        self.go_on(now);
    }

    // What follows.

    /// What to do next, until there is nothing.
    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Whether the stream is open, so that its responses are to be handled.
    pub(crate) fn is_open(&self) -> bool {
        matches!(&self.state, State::Connected(connected) if connected.stream.is_open())
    }

    /// When the server last gave a sign of life.
    pub(crate) fn last_response(&self) -> Option<Instant> {
        self.last_response
    }

    // The rules.

    /// After each input: reads what is to be read, and assesses the health.
    fn go_on(&mut self, now: Instant) {
        self.read_more(now);
        if let State::Connected(connected) = &mut self.state
            && connected.stream.is_open()
            && !connected.is_live
            && !connected.has_more_to_read()
            && connected.reads.is_empty()
        {
            connected.is_live = true;
            self.batch = (self.batch * 2).min(BATCH); // the network may be better by now
            self.health.recovered();
        }
        self.assess_health(now);
    }

    fn connect(&mut self, endpoint: Arc<str>, now: Instant) {
        self.state = State::Connecting { deadline: now + self.timeouts.connect };
        self.actions.push_back(Action::Connect(endpoint));
    }

    fn next_endpoint(&mut self, now: Instant) {
        self.state = State::Idle;
        if self.keys.is_empty() {
            return;
        }
        match self.endpoints.next() {
            None => {
                let message = "the program removed the last endpoint";
                let failure = Failure::new(CauseKind::EndpointRemoved, message);
                self.health.failed(failure, self.endpoints.current().cloned());
            }
            Some((endpoint, Duration::ZERO)) => self.connect(endpoint, now),
            Some((endpoint, wait)) => self.state = State::Waiting { until: now + wait, endpoint },
        }
    }

    /// Gives the connection up: every key is unread again.
    fn fail(&mut self, failure: Failure, now: Instant) {
        if matches!(self.state, State::Idle | State::Waiting { .. }) {
            return;
        }
        self.actions.push_back(Action::Disconnect);
        self.keep_version_to_check();
        if let State::Connected(connected) = mem::replace(&mut self.state, State::Idle) {
            for (_, read) in connected.reads {
                self.put_back(read.refreshes);
            }
        }
        self.health.failed(failure, self.endpoints.current().cloned());
        self.endpoints.failed(now);
        self.next_endpoint(now);
    }

    /// The server gave a sign of life.
    fn proven(&mut self, now: Instant) {
        self.last_response = Some(now);
        self.endpoints.good(now);
        if let State::Connected(connected) = &mut self.state {
            connected.first_response_by = None;
        }
    }
}
