//! Each rule by a script: what happens, and what the session does about it.

mod audit;
mod health;
mod history;
mod key_health;
mod lag;
mod members;
mod proof;
mod range_proof;
mod range_reads;
mod range_watches;
mod reads;
mod subscriptions;
mod timeouts;
mod traffic;
mod watches;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_core::upstream::KeyId;
use event_core::{Bytes, CauseKind, Entry, Health, HealthState, KeyRange, Metadata};

use super::{Action, Endpoints, PublishedVersion, ReadId, Session, Ticket, Timeouts};
use crate::seam::{Event, Failure, KeyValue, Keys, ReadResponse, WatchRequest, WatchResponse};

const SECOND: Duration = Duration::from_secs(1);
const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(4),
    login: Duration::ZERO,
    liveness: Duration::from_secs(5),
};

/// What a read finds of each key: its `mod_revision` and its value, if it is there.
type Values<'a> = &'a [Option<(i64, &'a str)>];

/// A session, the time, and the last health that it published.
///
/// Its server numbers the watches of a stream 1, 2, … and its names are addresses.
struct Script {
    session: Session,
    now: Instant,
    health: Option<Health>,
    healths: usize,
    /// The keys that can't be read.
    refusals: BTreeMap<KeyId, CauseKind>,
    /// The revision of each key that was published last, if the key is there.
    published: BTreeMap<Bytes, Option<i64>>,
    /// The highest revision that the server mentioned.
    revision: i64,
    /// The server answers probes. Otherwise they are among the actions.
    answers_probes: bool,
}

impl Script {
    fn new(endpoints: &[&str]) -> Self {
        let now = Instant::now();
        let endpoints = Endpoints::new(endpoints.iter().map(ToString::to_string), Some(1));
        Self {
            session: Session::new(endpoints.in_order(), TIMEOUTS, None, now),
            now,
            health: None,
            healths: 0,
            refusals: BTreeMap::new(),
            published: BTreeMap::new(),
            revision: 1,
            answers_probes: true,
        }
    }

    /// A session that watches these keys, none of which is there, on a store at revision 10. The
    /// watch of the first has the id 1.
    fn live(keys: &[&str]) -> Self {
        let mut script = Self::new(&["one", "two"]);
        for (id, key) in (1..).zip(keys) {
            script.subscribe(id, key);
        }
        script.connect();
        script.respond(1, 10, &vec![None; keys.len()]);
        script.open();
        for id in (1..).take(keys.len()) {
            script.receive(created(id));
        }
        assert_eq!(script.state(), HealthState::Live);
        script
    }

    fn subscribe(&mut self, id: u32, key: &str) -> Vec<Action> {
        self.session.handle_subscribe(key_id(id), Bytes::copy_from_slice(key.as_bytes()), self.now);
        self.actions()
    }

    fn unsubscribe(&mut self, id: u32) -> Vec<Action> {
        self.session.handle_unsubscribe(key_id(id));
        self.actions()
    }

    fn refresh(&mut self, id: u32, ticket: Ticket) -> Vec<Action> {
        self.session.handle_refresh(key_id(id), ticket);
        self.actions()
    }

    fn connect(&mut self) -> Vec<Action> {
        self.session.handle_connected(self.now);
        self.actions()
    }

    fn open(&mut self) -> Vec<Action> {
        self.session.handle_open(self.now);
        self.actions()
    }

    fn respond(&mut self, id: ReadId, revision: i64, read: Values<'_>) -> Vec<Action> {
        self.revision = revision;
        self.session.handle_read(id, Ok(response(revision, found(read))), self.now);
        self.actions()
    }

    fn probed(&mut self, revision: i64, read: Values<'_>) -> Vec<Action> {
        self.session.handle_probe(Ok(response(revision, found(read))), self.now);
        self.actions()
    }

    fn refuse_probe(&mut self, kind: CauseKind) -> Vec<Action> {
        self.session.handle_probe(Err(Failure::new(kind, "refused")), self.now);
        self.actions()
    }

    /// What the store has at the revision of the version that it was asked for.
    fn history_check(&mut self, response: Result<(i64, Values<'_>), CauseKind>) {
        let response = response
            .map(|(revision, read)| self::response(revision, found(read)))
            .map_err(|kind| Failure::new(kind, "refused"));
        self.session.handle_history_check(response);
        self.actions();
    }

    fn refuse(&mut self, id: ReadId, kind: CauseKind) -> Vec<Action> {
        self.session.handle_read(id, Err(Failure::new(kind, "refused")), self.now);
        self.actions()
    }

    fn receive(&mut self, response: WatchResponse) -> Vec<Action> {
        if let WatchResponse::Events { revision, .. } = &response {
            self.revision = self.revision.max(*revision);
        }
        self.session.handle_response(response, self.now);
        self.actions()
    }

    fn fail(&mut self, kind: CauseKind) -> Vec<Action> {
        self.session.handle_failure(Failure::new(kind, "broken"), self.now);
        self.actions()
    }

    /// Lets time pass, to the deadline at most, and says what is done then.
    fn wait(&mut self, time: Duration) -> Vec<Action> {
        let deadline = self.session.poll_timeout().filter(|deadline| *deadline <= self.now + time);
        self.now = deadline.unwrap_or(self.now + time);
        if deadline.is_some() {
            self.session.handle_timeout(self.now);
        }
        self.actions()
    }

    /// Lets time pass until something is done.
    fn next_actions(&mut self) -> Vec<Action> {
        let mut waits = (0..100).map(|_| self.wait(SECOND));
        waits.find(|actions| !actions.is_empty()).expect("something is done")
    }

    /// How long it is until the deadline.
    fn patience(&self) -> Option<Duration> {
        self.session.poll_timeout().map(|deadline| deadline - self.now)
    }

    /// What is to be done, but for the health and the refusals, which are kept.
    fn actions(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        while let Some(action) = self.session.poll_action(self.now) {
            match action {
                Action::PublishHealth(health) => {
                    self.health = Some(health);
                    self.healths += 1;
                }
                Action::PublishRefusal(id, failure) => {
                    let kind = failure.map(|failure| failure.kind);
                    let before = match kind {
                        Some(kind) => self.refusals.insert(id, kind),
                        None => self.refusals.remove(&id),
                    };
                    assert_ne!(before, kind, "unchanged");
                }
                Action::Resolve(name) => {
                    let addresses = Ok(vec![Arc::clone(&name)]);
                    self.session.handle_resolved(&name, addresses, self.now);
                }
                Action::Probe(keys) if self.answers_probes => {
                    let found = keys.iter().map(|key| {
                        let mod_revision = self.published.get(key).copied().flatten()?;
                        Some(key_value(mod_revision, ""))
                    });
                    let response = response(self.revision, found.collect());
                    self.session.handle_probe(Ok(response), self.now);
                }
                action => {
                    if action == Action::Disconnect {
                        self.refusals.clear();
                    }
                    let published = match &action {
                        Action::Publish(_, entry) => std::slice::from_ref(entry),
                        Action::PublishStep(_, step, _) => step,
                        _ => &[],
                    };
                    for entry in published {
                        let revision = entry.revision().filter(|_| entry.value().is_some());
                        self.published.insert(entry.key.clone(), revision);
                    }
                    actions.push(action);
                }
            }
        }
        actions
    }

    /// Why the store is not live, as its program reads it.
    fn cause(&self) -> String {
        let cause = self.health.as_ref().and_then(|health| health.cause.as_ref());
        cause.map(ToString::to_string).unwrap_or_default()
    }

    fn state(&self) -> HealthState {
        self.health.as_ref().map_or(HealthState::Connecting, |health| health.state)
    }
}

fn connect(endpoint: &str) -> Action {
    Action::Connect { endpoint: endpoint.into(), address: endpoint.into() }
}

fn response(revision: i64, found: Vec<Option<KeyValue>>) -> ReadResponse {
    ReadResponse { revision, cluster: 0, found }
}

fn read(id: ReadId, keys: &[&str]) -> Action {
    Action::Read(id, keys.iter().map(|key| Bytes::copy_from_slice(key.as_bytes())).collect())
}

fn history_check(key: &str, revision: i64, value: &str) -> Action {
    let version = super::Version::of(&key_value(revision, value));
    let key = key.to_owned().into();
    Action::CheckHistory(PublishedVersion { key, version, keys_only: false })
}

fn entry(key: &str, revision: i64, value: &str) -> Entry {
    Entry::present(key.to_owned(), revision, value.to_owned())
}

fn found(found: Values<'_>) -> Vec<Option<KeyValue>> {
    found.iter().map(|found| found.map(|(revision, value)| key_value(revision, value))).collect()
}

fn key_value(mod_revision: i64, value: &str) -> KeyValue {
    let value = Bytes::copy_from_slice(value.as_bytes());
    KeyValue { mod_revision, metadata: Metadata::new(), value }
}

fn create(key: &str, start_revision: i64) -> WatchRequest {
    let keys = Keys::One(Bytes::copy_from_slice(key.as_bytes()));
    WatchRequest::Create { keys, start_revision }
}

fn cancel(watch_id: i64) -> Action {
    Action::Send(WatchRequest::Cancel { watch_id })
}

fn publish(id: u32, key: &str, revision: i64, value: &str) -> Action {
    Action::Publish(key_id(id), entry(key, revision, value))
}

fn refreshed(id: u32, ticket: Ticket) -> Action {
    Action::Refreshed(key_id(id), ticket, Ok(()))
}

/// A watch that was created when the member was at this revision.
fn created_at(watch_id: i64, revision: i64) -> WatchResponse {
    WatchResponse::Created { watch_id, revision }
}

fn created(watch_id: i64) -> WatchResponse {
    created_at(watch_id, 10)
}

fn canceled(watch_id: i64) -> WatchResponse {
    WatchResponse::Canceled { watch_id, failure: Failure::new(CauseKind::Unreachable, "busy") }
}

/// A response to the watch of one key, on a store at `revision`.
fn events(watch_id: i64, revision: i64, events: &[Event]) -> WatchResponse {
    WatchResponse::Events { watch_id, revision, events: events.into(), is_fragment: false }
}

fn put(key: &str, mod_revision: i64, value: &str) -> Event {
    let (key, value) = (Bytes::copy_from_slice(key.as_bytes()), value.to_owned().into());
    Event { key, mod_revision, metadata: Metadata::new(), value: Some(value) }
}

fn delete(key: &str, mod_revision: i64) -> Event {
    let key = Bytes::copy_from_slice(key.as_bytes());
    Event { key, mod_revision, metadata: Metadata::new(), value: None }
}

fn key_id(slot: u32) -> KeyId {
    later(slot, 0)
}

/// The id of a key that has the slot after so many others.
fn later(slot: u32, others: u32) -> KeyId {
    KeyId { slot, generation: NonZeroU32::MIN.saturating_add(others) }
}
