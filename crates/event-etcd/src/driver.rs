//! The loop between the session and etcd: does what the session says, and tells it what happened.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::pending;
use std::sync::Arc;
use std::time::Instant;

use event_core::{Bytes, Entry, EntryState, Health, KeyName, MemoryValue, ValueWriter};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant as TokioInstant, sleep_until};

use crate::protocol::{Failure, ReadAnswer, Request, Response};
use crate::registry::{Change, Registry};
use crate::session::{Action, KeyId, ReadId, Session};
use crate::source::{Link, Opened, Requests, Responses, Source};

/// How many requests are sent before the stream is looked at again.
const SENDS: usize = 256;
/// How many responses are heard before their news is told, and how much of it.
pub(crate) const RESPONSES: usize = 128;
const RESPONSE_BYTES: usize = 1 << 20;
/// How many keys one transaction looks below: etcd's default for `--max-txn-ops`.
const LOOKS: usize = 128;

pub(crate) struct Driver {
    source: Arc<dyn Source>,
    session: Session,
    registry: Arc<Registry>,
    health: MemoryValue<Health>,
    cells: HashMap<KeyId, MemoryValue<Entry>>,
    connection: Connection,
    /// Keys of which nothing was ever seen, and nobody looked yet whether they are folders.
    never_seen: BTreeMap<KeyId, Bytes>,
}

/// All that a connection holds. Dropping it ends what is under way.
#[derive(Default)]
struct Connection {
    link: Option<Arc<dyn Link>>,
    responses: Option<Box<dyn Responses>>,
    /// `None` while a call sends with it.
    requests: Option<Box<dyn Requests>>,
    to_send: VecDeque<Request>,
    looks_below: bool,
    calls: FuturesUnordered<BoxFuture<'static, Done>>,
}

/// A call that is done.
enum Done {
    Connected(Result<Arc<dyn Link>, Failure>),
    Read(ReadId, Result<ReadAnswer, Failure>),
    Recalled(Result<ReadAnswer, Failure>),
    Opened(Result<Opened, Failure>),
    Sent(Box<dyn Requests>, Result<(), Failure>),
    LookedBelow(Vec<Bytes>, Result<Vec<bool>, Failure>),
}

impl Driver {
    pub(crate) fn new(
        source: Arc<dyn Source>,
        session: Session,
        registry: Arc<Registry>,
        health: MemoryValue<Health>,
    ) -> Self {
        Self {
            source,
            session,
            registry,
            health,
            cells: HashMap::new(),
            connection: Connection::default(),
            never_seen: BTreeMap::new(),
        }
    }

    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            self.registry.heard(self.session.last_heard());
            while let Some(action) = self.session.action() {
                self.act(action);
            }
            self.connection.send_more();
            self.look_below();
            let deadline = self.session.deadline();
            let Connection { responses, calls, .. } = &mut self.connection;
            tokio::select! {
                change = self.registry.change() => self.follow(change),
                response = next(responses) => self.hear(response),
                Some(done) = calls.next() => self.done(done),
                () = sleep(deadline) => self.session.tick(now()),
            }
        }
    }

    /// Hears a response, and those that are there already: watchers are then woken in one go, where
    /// the threads that run them would go to sleep in between.
    fn hear(&mut self, first: Result<Response, Failure>) {
        let now = now();
        let (mut next_one, mut heard, mut bytes) = (Some(first), 0, 0);
        while let Some(response) = next_one {
            match response {
                Ok(response) => {
                    heard += 1;
                    bytes += response.bytes();
                    self.session.heard(response, now);
                }
                Err(failure) => return self.session.failed(failure, now),
            }
            let goes_on = heard < RESPONSES && bytes < RESPONSE_BYTES && self.session.is_open();
            // Where there is none yet, the next turn polls the stream with a waker that counts.
            next_one = match &mut self.connection.responses {
                Some(responses) if goes_on => responses.ready(),
                _ => None,
            };
        }
    }

    fn follow(&mut self, change: Change) {
        let now = now();
        for id in change.left {
            self.cells.remove(&id);
            self.never_seen.remove(&id);
            self.session.leave(id, now);
        }
        for (id, (key, cell)) in change.followed {
            self.cells.insert(id, cell);
            self.session.follow(id, key, now);
        }
        for (endpoint, add) in change.endpoints {
            if add {
                self.session.add_endpoint(&endpoint, now);
            } else {
                self.session.remove_endpoint(&endpoint, now);
            }
        }
        for id in change.refreshes {
            self.session.refresh(id, id, now); // one at a time for each key, so its id will do
        }
    }

    fn act(&mut self, action: Action) {
        let connection = &mut self.connection;
        match action {
            Action::Connect(endpoint) => {
                tracing::debug!(%endpoint, "connecting");
                let source = Arc::clone(&self.source);
                connection.calls.push(Box::pin(async move {
                    Done::Connected(source.connect(&endpoint).await)
                }));
            }
            Action::Disconnect => *connection = Connection::default(),
            Action::Read(id, keys) => {
                connection.call(|link| async move { Done::Read(id, link.read(keys).await) });
            }
            Action::Recall(entry) => {
                let (key, revision) = (entry.key.clone(), entry.revision().unwrap_or_default());
                connection
                    .call(|link| async move { Done::Recalled(link.recall(key, revision).await) });
            }
            Action::Open(first) => {
                connection.call(|link| async move { Done::Opened(link.open(first).await) });
            }
            Action::Send(request) => connection.to_send.push_back(request),
            Action::Tell(id, entry) => {
                if entry.state == EntryState::NeverSeen {
                    self.never_seen.insert(id, entry.key.clone());
                } else {
                    self.never_seen.remove(&id);
                }
                if let Some(cell) = self.cells.get(&id) {
                    cell.set(entry);
                }
            }
            Action::Health(health) => {
                tracing::info!(state = %health.state, cause = ?health.cause, source = ?health.source, "health");
                self.health.set(health);
            }
            Action::Refreshed(id, result) => self.registry.refreshed(id, &result),
        }
    }

    /// etcd has no folders: who names one by mistake would wait for ever, and nothing would tell.
    fn look_below(&mut self) {
        if self.never_seen.is_empty()
            || self.connection.link.is_none()
            || self.connection.looks_below
        {
            return;
        }
        let mut keys = Vec::new();
        while keys.len() < LOOKS
            && let Some((_, key)) = self.never_seen.pop_first()
        {
            keys.push(key);
        }
        self.connection.looks_below = true;
        self.connection.call(|link| async move {
            let below = link.look_below(keys.clone()).await;
            Done::LookedBelow(keys, below)
        });
    }

    fn done(&mut self, done: Done) {
        let now = now();
        match done {
            Done::Connected(Ok(link)) => {
                self.connection.link = Some(link);
                self.session.connected(now);
            }
            Done::Read(id, answer) => self.session.read(id, answer, now),
            Done::Recalled(answer) => self.session.recalled(answer, now),
            Done::Opened(Ok((requests, responses))) => {
                self.connection.requests = Some(requests);
                self.connection.responses = Some(responses);
                self.session.opened(now);
            }
            Done::Sent(requests, Ok(())) => self.connection.requests = Some(requests),
            Done::LookedBelow(keys, below) => {
                self.connection.looks_below = false;
                // A user who may not list them is told nothing.
                for (key, _) in
                    keys.iter().zip(below.unwrap_or_default()).filter(|(_, below)| *below)
                {
                    let folder = [key.strip_suffix(b"/").unwrap_or(key), b"/"].concat();
                    let (key, folder) = (KeyName(key), KeyName(&folder));
                    tracing::warn!(
                        "the key `{key}` is not there, but keys below `{folder}` are: watch one of those"
                    );
                }
            }
            Done::Connected(Err(failure))
            | Done::Opened(Err(failure))
            | Done::Sent(_, Err(failure)) => {
                self.session.failed(failure, now);
            }
        }
    }
}

impl Connection {
    fn call<F>(&mut self, call: impl FnOnce(Arc<dyn Link>) -> F)
    where
        F: Future<Output = Done> + Send + 'static,
    {
        if let Some(link) = &self.link {
            self.calls.push(Box::pin(call(Arc::clone(link))));
        }
    }

    /// Sends what waits, unless a call does so already: the stream is read meanwhile (C6).
    fn send_more(&mut self) {
        if self.to_send.is_empty() {
            return;
        }
        let Some(mut requests) = self.requests.take() else { return };
        let batch: Vec<_> = self.to_send.drain(..self.to_send.len().min(SENDS)).collect();
        self.calls.push(Box::pin(async move {
            for request in batch {
                if let Err(failure) = requests.send(request).await {
                    return Done::Sent(requests, Err(failure));
                }
            }
            Done::Sent(requests, Ok(()))
        }));
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.registry.close();
    }
}

async fn next(responses: &mut Option<Box<dyn Responses>>) -> Result<Response, Failure> {
    match responses {
        Some(responses) => responses.next().await,
        None => pending().await,
    }
}

/// The runtime's clock, which a test may hold.
fn now() -> Instant {
    TokioInstant::now().into_std()
}

async fn sleep(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(TokioInstant::from_std(deadline)).await,
        None => pending().await,
    }
}
