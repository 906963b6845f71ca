//! The rules of watching keys of an etcd, as a state machine without I/O.
//!
//! The driver reports what the server said and what time it is; the session says what to do next. It
//! owns every rule of reading, watching and failing over, and a test drives it without a server. The
//! numbers (E1 …, C1 …) are those of the table in `docs/etcd-facts.md`.
//!
//! The life of a key: *unread* → a linearizable read → a watch from that read's revision on →
//! *watched*. Not from the next revision: later servers give no sign of life on a stream while a watch of
//! it starts beyond the store's revision, as it would on an idle store (E7). A key that changed while nobody
//! watched, or that was written at the read's own revision, is watched from now on (see `lag`): from the read's
//! revision on, a large value would be sent twice.
//!
//! While keys are watched, a read of one of them proves at short intervals that the member follows the cluster
//! (E12).
//!
//! A range of keys has the same life. It is read page by page, all pages at one revision, and what is published of it is
//! a *step*: the whole range as it was at some revision. If the program wants it, its keys are compared with the server's
//! now and then (see `audit`).
//!
//! Whatever goes wrong makes a key or a range unread again. The session never resumes a watch: a reader of the
//! newest value needs no history, and every way of resuming has a failure in which it is silent (E1, E2,
//! E5, E8).

mod audit;
mod connected;
mod endpoints;
mod health;
mod history_check;
mod key;
mod lag;
mod members;
mod proof;
mod range;
mod range_read;
mod range_reads;
mod range_watches;
mod reads;
mod stream;
mod subscription;
mod timers;
mod traffic;
mod version;
mod watch_ids;
mod watches;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_core::upstream::{KeyId, Slots};
use event_core::{Bytes, CauseKind, Entry, Health, KeyRange};

use crate::seam::{Failure, PageRequest, WatchRequest};
use connected::Connected;
use health::HealthLog;
use history_check::History;
use members::Members;
use range::Range;
use range_read::PAGE;
use reads::BATCH;
use stream::{Answers, Stream};
use subscription::Subscription;

#[cfg(test)]
pub(crate) use audit::PAGE as AUDIT_PAGE;
pub(crate) use endpoints::Endpoints;
pub(crate) use history_check::PublishedVersion;
pub(crate) use key::Key;
pub(crate) use timers::Timeouts;
#[cfg(test)]
pub(crate) use version::Version;

/// A read under way.
pub(crate) type ReadId = u64;
/// A refresh. Later ones have higher numbers.
pub(crate) type Ticket = u64;

/// What the session wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Find out the addresses of an endpoint, then call [`Session::handle_resolved`].
    Resolve(Arc<str>),
    /// Connect to an address of an endpoint, then call [`Session::handle_connected`] or
    /// [`Session::handle_failure`].
    Connect { endpoint: Arc<str>, address: Arc<str> },
    /// Drop the connection and all that is under way on it. The refusals of keys end with it.
    Disconnect,
    /// Read these keys, linearizable and in one transaction, then call [`Session::handle_read`].
    Read(ReadId, Vec<Bytes>),
    /// Read this page of a range, linearizable, then call [`Session::handle_page`].
    ReadPage(ReadId, PageRequest),
    /// Read these keys without their values, linearizable and in one transaction, then call
    /// [`Session::handle_probe`].
    Probe(Vec<Bytes>),
    /// Read the key of this version as it was at its revision, linearizable, and perhaps without its value, then call
    /// [`Session::handle_history_check`].
    CheckHistory(PublishedVersion),
    /// Open the stream with this request, then call [`Session::handle_open`], and
    /// [`Session::handle_response`] for each response.
    OpenStream(WatchRequest),
    /// Send this on the stream, in order.
    Send(WatchRequest),
    /// Read the list of members, then call [`Session::handle_members`].
    ListMembers,
    /// Publish the newest version of a key.
    Publish(KeyId, Entry),
    /// Publish a step of a range: the newest versions of the keys that changed. Then the range is as it was at some
    /// revision, if this says that it is synced. Else more steps make up the first one.
    PublishStep(KeyId, Vec<Entry>, bool),
    /// A key or a range can't be read, for this reason, or can be read again.
    PublishRefusal(KeyId, Option<Failure>),
    /// Publish the health of the store.
    PublishHealth(Health),
    /// The refreshes of a key up to this one are done, or were refused.
    Refreshed(KeyId, Ticket, Result<(), Failure>),
}

/// How long to wait where no address is known.
const NOTHING_TO_TRY: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub(crate) struct Session {
    timeouts: Timeouts,
    endpoints: Endpoints,
    keys: Slots<Subscription>,
    /// The newest refresh of each key that waits for a read which is not sent yet.
    refreshes: BTreeMap<KeyId, Ticket>,
    state: State,
    /// How many keys are read at once: fewer after a read took too long.
    batch: usize,
    /// How many bytes the page of a range aims at: the same.
    page: usize,
    history: History,
    members: Members,
    health: HealthLog,
    last_proof: Option<Instant>,
    /// How often each range is audited.
    audit_every: Option<Duration>,
    next_read: ReadId,
    actions: VecDeque<Action>,
}

/// Each state owns what belongs to it: leaving the state drops it.
#[derive(Debug)]
enum State {
    /// No key is subscribed to yet, or no endpoint is left.
    Idle,
    /// The endpoints are spared until then.
    Waiting {
        until: Instant,
    },
    /// Some names are not resolved yet.
    Resolving {
        names: BTreeSet<Arc<str>>,
        /// Then the addresses will do that are known.
        until: Instant,
        /// What went wrong, if it did.
        failure: Option<Failure>,
    },
    /// The first response proves the connection.
    Connecting {
        deadline: Instant,
    },
    Connected(Box<Connected>),
}

impl Session {
    /// `cluster` is the id of the only cluster that the program wants.
    pub(crate) fn new(
        endpoints: Endpoints,
        timeouts: Timeouts,
        cluster: Option<u64>,
        now: Instant,
    ) -> Self {
        Self {
            timeouts,
            endpoints,
            keys: Slots::default(),
            refreshes: BTreeMap::new(),
            state: State::Idle,
            batch: BATCH,
            page: PAGE,
            history: History::default(),
            members: Members::default(),
            health: HealthLog::new(cluster, now),
            last_proof: None,
            audit_every: None,
            next_read: 0,
            actions: VecDeque::new(),
        }
    }

    // What the program wants.

    /// Subscribes to a key.
    pub(crate) fn handle_subscribe(&mut self, id: KeyId, name: Bytes, now: Instant) {
        self.subscribe(id, Subscription::Key(Key::new(name)), now);
    }

    /// Subscribes to a range.
    pub(crate) fn handle_subscribe_range(&mut self, id: KeyId, keys: KeyRange, now: Instant) {
        self.subscribe(id, Subscription::Range(Box::new(Range::new(keys))), now);
    }

    fn subscribe(&mut self, id: KeyId, subscription: Subscription, now: Instant) {
        self.keys.insert(id, subscription);
        match &mut self.state {
            State::Idle => self.next_endpoint(now),
            State::Connected(connected) => connected.queue(id),
            State::Waiting { .. } | State::Resolving { .. } | State::Connecting { .. } => {}
        }
    }

    /// Ends the subscription to a key or a range.
    pub(crate) fn handle_unsubscribe(&mut self, id: KeyId) {
        if self.keys.remove(id).is_none() {
            return;
        }
        self.ask_for_version(id);
        self.refreshes.remove(&id);
        if let State::Connected(connected) = &mut self.state
            && let Some(watch_id) = connected.forget(id)
        {
            self.actions.push_back(Action::Send(WatchRequest::Cancel { watch_id }));
        }
    }

    /// Reads a key or a range with a read that is sent from now on, then says [`Action::Refreshed`].
    pub(crate) fn handle_refresh(&mut self, id: KeyId, ticket: Ticket) {
        if self.keys.get(id).is_some() {
            self.refreshes.insert(id, ticket);
            if let State::Connected(connected) = &mut self.state {
                connected.queue(id);
            }
        }
    }

    pub(crate) fn handle_add_endpoint(&mut self, name: &str, now: Instant) {
        let waits =
            matches!(self.state, State::Idle | State::Waiting { .. } | State::Resolving { .. });
        if self.endpoints.add(name) && waits {
            self.next_endpoint(now);
        }
    }

    pub(crate) fn handle_remove_endpoint(&mut self, name: &str, now: Instant) {
        if self.endpoints.remove(name) {
            match self.state {
                State::Idle => {}
                State::Waiting { .. } | State::Resolving { .. } => self.next_endpoint(now),
                State::Connecting { .. } | State::Connected(_) => {
                    let message = format!("the program removed the endpoint {name}");
                    self.fail(Failure::new(CauseKind::EndpointRemoved, message), now);
                }
            }
        }
    }

    // What happened to the connection.

    /// The addresses of an endpoint are known, or can't be found out.
    pub(crate) fn handle_resolved(
        &mut self,
        endpoint: &Arc<str>,
        addresses: Result<Vec<Arc<str>>, Failure>,
        now: Instant,
    ) {
        let failed = match addresses {
            Ok(addresses) => {
                self.endpoints.resolved(endpoint, addresses);
                None
            }
            Err(failure) => Some(failure),
        };
        if let State::Resolving { names, failure, .. } = &mut self.state
            && names.remove(endpoint)
        {
            *failure = failed.or(failure.take());
            if names.is_empty() {
                self.connect(now);
            }
        }
    }

    pub(crate) fn handle_connected(&mut self, now: Instant) {
        if let State::Connecting { deadline } = self.state {
            let deadline = deadline.min(now + self.timeouts.connect);
            self.state = State::Connected(Box::new(Connected::new(deadline, &self.keys, now)));
            self.check_history();
            self.plan_first_audit(now);
        }
    }

    /// A call failed, or the stream ended: all ends look alike (C3).
    pub(crate) fn handle_failure(&mut self, failure: Failure, now: Instant) {
        self.fail(failure, now);
    }

    /// The stream is open.
    pub(crate) fn handle_open(&mut self, now: Instant) {
        if let State::Connected(connected) = &mut self.state {
            connected.stream =
                Stream::Open { last_response: now, asked: None, answers: Answers::Unknown };
            self.proven();
        }
    }

    // What follows.

    /// What to do next, until there is nothing. Ask after the inputs: after one, or after many that came at
    /// once.
    pub(crate) fn poll_action(&mut self, now: Instant) -> Option<Action> {
        if self.actions.is_empty() {
            self.go_on(now);
        }
        self.actions.pop_front()
    }

    /// Whether the stream is open, so that its responses are to be handled.
    pub(crate) fn is_open(&self) -> bool {
        matches!(&self.state, State::Connected(connected) if connected.stream.is_open())
    }

    /// The endpoints, in the order of their names.
    pub(crate) fn endpoint_names(&self) -> String {
        let mut names = self.endpoints.names().to_vec();
        names.sort_unstable();
        names.join(",")
    }

    /// When a linearizable read was last answered.
    pub(crate) fn last_proof(&self) -> Option<Instant> {
        self.last_proof
    }

    // The rules.

    /// After the inputs: reads and watches what is to be, and assesses the health.
    fn go_on(&mut self, now: Instant) {
        self.read_more(now);
        self.watch_more(now);
        if let State::Connected(connected) = &mut self.state
            && !connected.is_live
            && connected.is_settled()
            && connected.overload.is_none()
        {
            connected.is_live = true;
            connected.list_members_at = self.members.are_followed.then_some(now);
            self.endpoints.good(now);
            self.batch = (self.batch * 2).min(BATCH); // the network may be better by now
            self.page = (self.page * 2).min(PAGE);
            self.health.recovered();
        }
        self.assess_health(now);
    }

    fn next_endpoint(&mut self, now: Instant) {
        self.state = State::Idle;
        if self.keys.is_empty() {
            return self.health.recovered(); // nobody waits for anything
        }
        if self.endpoints.names().is_empty() {
            let message = "the program removed the last endpoint";
            let failure = Failure::new(CauseKind::EndpointRemoved, message);
            return self.health.failed(failure, self.endpoints.current());
        }
        match self.endpoints.wait() {
            Duration::ZERO => self.resolve(now),
            wait => self.state = State::Waiting { until: now + wait },
        }
    }

    /// Finds out the addresses anew: they may have changed (C13).
    fn resolve(&mut self, now: Instant) {
        let names: BTreeSet<_> = self.endpoints.names().iter().cloned().collect();
        self.actions.extend(names.iter().cloned().map(Action::Resolve));
        let until = if self.endpoints.has_addresses() {
            now + self.timeouts.resolve()
        } else {
            now + self.timeouts.connect
        };
        self.state = State::Resolving { names, until, failure: None };
    }

    /// A name is not resolved in time.
    fn resolved_late(&mut self, now: Instant) {
        if let State::Resolving { names, failure, .. } = &mut self.state
            && let Some(name) = names.first()
        {
            let message = format!("the addresses of {name} are not found out in time");
            failure.get_or_insert(Failure::new(CauseKind::Unreachable, message));
        }
        self.connect(now);
    }

    /// Connects to the next address that is known.
    fn connect(&mut self, now: Instant) {
        let State::Resolving { failure, .. } = mem::replace(&mut self.state, State::Idle) else {
            return;
        };
        if let Some((endpoint, address)) = self.endpoints.next(now) {
            let deadline = now + self.timeouts.connect + self.timeouts.login;
            self.state = State::Connecting { deadline };
            self.actions.push_back(Action::Connect { endpoint, address });
            return;
        }
        let unknown = || Failure::new(CauseKind::Unreachable, "no endpoint has an address");
        let failure = failure.unwrap_or_else(unknown);
        tracing::debug!(cause = failure.message, "no endpoint can be resolved");
        self.health.failed(failure, self.endpoints.names().first().cloned());
        self.endpoints.failed(now);
        self.state = State::Waiting { until: now + self.endpoints.wait().max(NOTHING_TO_TRY) };
    }

    /// Gives the connection up: every key is unread again.
    fn fail(&mut self, failure: Failure, now: Instant) {
        if !matches!(self.state, State::Connecting { .. } | State::Connected(_)) {
            return;
        }
        let endpoint = self.endpoints.current();
        tracing::debug!(?endpoint, kind = %failure.kind, cause = failure.message, "connection ended");
        self.actions.push_back(Action::Disconnect);
        if failure.kind == CauseKind::HistoryReset {
            self.keys.iter_mut().for_each(Subscription::history_was_reset);
        }
        self.keep_version_to_check();
        if let State::Connected(connected) = mem::replace(&mut self.state, State::Idle) {
            let keys = connected.reads.into_values().map(|read| read.refreshes);
            let ranges = connected.range_reads.into_values().map(|read| read.refreshes);
            keys.chain(ranges).for_each(|refreshes| self.put_back(refreshes));
        }
        self.endpoints.failed(now);
        if failure.is_overload() {
            self.endpoints.overloaded();
        }
        self.health.failed(failure, endpoint);
        self.next_endpoint(now);
    }

    /// The server gave a sign of life.
    fn proven(&mut self) {
        if let State::Connected(connected) = &mut self.state {
            connected.first_response_by = None;
        }
    }
}
