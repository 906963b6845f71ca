//! Each rule by a script: what the server says, and what the session does about it.

mod bounds;
mod reads;
mod watches;

use std::time::{Duration, Instant};

use event_core::{Bytes, Entry};

use super::{Action, Bounds, KeyId, ReadId, Session, Ticket};
use crate::endpoints::Endpoints;
use crate::protocol::{CauseKind, Event, Failure, KeyValue, ReadAnswer, Request, Response};
use event_core::{Health, HealthState};

const SECOND: Duration = Duration::from_secs(1);
const BOUNDS: Bounds =
    Bounds { connect: Duration::from_secs(4), detection: Duration::from_secs(5) };

/// What a read finds of each key: its `mod_revision` and its value, if it is there.
type Values<'a> = &'a [Option<(i64, &'a str)>];

/// A session, the time, and the last health that it told.
struct Script {
    session: Session,
    now: Instant,
    health: Option<Health>,
    healths: usize,
}

impl Script {
    fn new(endpoints: &[&str]) -> Self {
        let now = Instant::now();
        let endpoints = Endpoints::new(endpoints.iter().map(ToString::to_string), Some(1));
        Self { session: Session::new(endpoints, BOUNDS, now), now, health: None, healths: 0 }
    }

    /// A session that watches these keys, none of which is there, on a store at revision 10. The
    /// watch of the first has the id 1.
    fn live(keys: &[&str]) -> Self {
        let mut script = Self::new(&["one", "two"]);
        for (id, key) in (1..).zip(keys) {
            script.follow(id, key);
        }
        script.connect();
        script.answer(1, 10, &vec![None; keys.len()]);
        script.session.opened(script.now);
        for id in (1..).take(keys.len()) {
            script.hear(created(id));
        }
        assert_eq!(script.state(), HealthState::Live);
        script
    }

    fn follow(&mut self, id: KeyId, key: &str) -> Vec<Action> {
        self.session.follow(id, Bytes::copy_from_slice(key.as_bytes()), self.now);
        self.actions()
    }

    fn leave(&mut self, id: KeyId) -> Vec<Action> {
        self.session.leave(id, self.now);
        self.actions()
    }

    fn refresh(&mut self, id: KeyId, ticket: Ticket) -> Vec<Action> {
        self.session.refresh(id, ticket, self.now);
        self.actions()
    }

    fn connect(&mut self) -> Vec<Action> {
        self.session.connected(self.now);
        self.actions()
    }

    fn answer(&mut self, id: ReadId, revision: i64, read: Values<'_>) -> Vec<Action> {
        self.session.read(id, Ok(ReadAnswer { revision, found: found(read) }), self.now);
        self.actions()
    }

    /// What the store remembers of the version that it was asked for.
    fn recalled(&mut self, answer: Result<(i64, Values<'_>), CauseKind>) {
        let answer = answer
            .map(|(revision, remembered)| ReadAnswer { revision, found: found(remembered) })
            .map_err(|kind| Failure::new(kind, "refused"));
        self.session.recalled(answer, self.now);
        self.actions();
    }

    fn refuse(&mut self, id: ReadId, kind: CauseKind) -> Vec<Action> {
        self.session.read(id, Err(Failure::new(kind, "refused")), self.now);
        self.actions()
    }

    fn hear(&mut self, response: Response) -> Vec<Action> {
        self.session.heard(response, self.now);
        self.actions()
    }

    fn fail(&mut self, kind: CauseKind) -> Vec<Action> {
        self.session.failed(Failure::new(kind, "broken"), self.now);
        self.actions()
    }

    /// Lets time pass, to the deadline at most, and says what is done then.
    fn wait(&mut self, time: Duration) -> Vec<Action> {
        let deadline = self.session.deadline().filter(|deadline| *deadline <= self.now + time);
        self.now = deadline.unwrap_or(self.now + time);
        if deadline.is_some() {
            self.session.tick(self.now);
        }
        self.actions()
    }

    /// How long it is until the deadline.
    fn patience(&self) -> Option<Duration> {
        self.session.deadline().map(|deadline| deadline - self.now)
    }

    /// What is to be done, but for the health, which is kept.
    fn actions(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        while let Some(action) = self.session.action() {
            if let Action::Health(health) = action {
                self.health = Some(health);
                self.healths += 1;
            } else {
                actions.push(action);
            }
        }
        actions
    }

    fn state(&self) -> HealthState {
        self.health.as_ref().map_or(HealthState::Connecting, |health| health.state)
    }
}

fn connect(endpoint: &str) -> Action {
    Action::Connect(endpoint.into())
}

fn read(id: ReadId, keys: &[&str]) -> Action {
    Action::Read(id, keys.iter().map(|key| Bytes::copy_from_slice(key.as_bytes())).collect())
}

fn recall(key: &str, revision: i64, value: &str) -> Action {
    let (key, value) = (key.to_owned().into_bytes(), value.to_owned().into_bytes());
    Action::Recall(Entry::present(key, revision, value))
}

fn found(found: Values<'_>) -> Vec<Option<KeyValue>> {
    let one = |(mod_revision, value): (i64, &str)| KeyValue {
        mod_revision,
        value: Bytes::copy_from_slice(value.as_bytes()),
    };
    found.iter().map(|found| found.map(one)).collect()
}

fn create(watch_id: i64, key: &str, start_revision: i64) -> Request {
    Request::Create { watch_id, key: Bytes::copy_from_slice(key.as_bytes()), start_revision }
}

fn cancel(watch_id: i64) -> Action {
    Action::Send(Request::Cancel { watch_id })
}

fn tell(id: KeyId, key: &str, revision: i64, value: &str) -> Action {
    let (key, value) = (key.to_owned().into_bytes(), value.to_owned().into_bytes());
    Action::Tell(id, Entry::present(key, revision, value))
}

fn created(watch_id: i64) -> Response {
    Response { revision: 10, watch_id, created: true, ..Response::default() }
}

fn canceled(watch_id: i64) -> Response {
    Response { watch_id, canceled: true, ..Response::default() }
}

/// A watch that is refused: `watch_id` is what the server says for it.
fn refused(watch_id: i64) -> Response {
    Response { created: true, reason: "permission denied".to_owned(), ..canceled(watch_id) }
}

fn events(watch_id: i64, header: i64, changes: &[(i64, &str)]) -> Response {
    let newest = changes.last().map(|(mod_revision, value)| Event {
        mod_revision: *mod_revision,
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
    });
    Response { revision: header, watch_id, newest, ..Response::default() }
}

fn progress() -> Response {
    Response { revision: 10, watch_id: -1, ..Response::default() }
}
