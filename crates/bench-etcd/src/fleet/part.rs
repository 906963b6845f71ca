//! A part of a fleet: a process with many stores, each as a process of its own would have it.
//!
//! The program runs itself again as `fleet-part STORES LIVENESS ENDPOINTS`. The part answers each line with
//! a report, and ends when its stdin does.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use event_core::{HealthState, ValueReader, WatcherExt};
use event_etcd::{EtcdStore, Options};
use serde::{Deserialize, Serialize};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use super::KEYS;
use crate::keys;

/// The first argument of a part.
pub(crate) const CHILD: &str = "fleet-part";

/// What a store has now. The times are microseconds of the system's clock, which all processes share.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct StoreState {
    pub(crate) live: bool,
    /// The endpoint in use.
    pub(crate) source: String,
    /// When it became live there.
    pub(crate) since: u64,
    /// The generation of its value.
    pub(crate) generation: u32,
    /// When it got that generation.
    pub(crate) taken: u64,
}

/// What the stores of a part have, and all connections that they tried: for each endpoint and second, how
/// many.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) stores: Vec<StoreState>,
    pub(crate) attempts: Vec<(String, u64, u64)>,
}

/// A process that has stores.
pub(crate) struct Part {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Part {
    pub(crate) fn start(stores: usize, liveness: Duration, endpoints: &[String]) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut process = Command::new(program)
            .args([CHILD, &stores.to_string(), &liveness.as_secs().to_string()])
            .args(endpoints)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program runs once more");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        Self { input: process.stdin.take(), process, output }
    }

    /// Asks for a report. It is read by [`read`](Self::read), so that all parts write theirs at once.
    pub(crate) fn ask(&mut self) {
        writeln!(self.input.as_mut().expect("a pipe")).expect("the part runs");
    }

    pub(crate) fn read(&mut self) -> Report {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a pipe");
        serde_json::from_str(&line).expect("the part runs")
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Both fail only where the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The time that all processes of the machine share, in microseconds.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(0)
}

/// What the part does.
pub(crate) async fn run(arguments: &[String]) {
    let [stores, liveness, endpoints @ ..] = arguments else { panic!("STORES LIVENESS ENDPOINTS") };
    let liveness = Duration::from_secs(liveness.parse().expect("seconds"));
    let attempts = Attempts::default();
    tracing::subscriber::set_global_default(attempts.clone()).expect("no other subscriber");
    let mut states = Vec::new();
    for _ in 0..stores.parse().expect("a number of stores") {
        let options = Options::new().liveness_timeout(liveness);
        let store = EtcdStore::connect(endpoints, options).await.expect("good endpoints");
        let state = Arc::new(Mutex::new(StoreState::default()));
        tokio::spawn(follow_health(store.clone(), Arc::clone(&state)));
        tokio::spawn(follow_values(store, Arc::clone(&state)));
        states.push(state);
    }
    // On this thread, which runs no task.
    for _ in std::io::stdin().lines().map_while(Result::ok) {
        let stores = states.iter().map(|state| state.lock().expect("no panic").clone()).collect();
        let attempts = attempts.0.lock().expect("no panic");
        let attempts = attempts.iter().map(|((at, second), n)| (at.clone(), *second, *n));
        let report = Report { stores, attempts: attempts.collect() };
        println!("{}", serde_json::to_string(&report).expect("always valid JSON"));
    }
}

async fn follow_health(store: EtcdStore, state: Arc<Mutex<StoreState>>) {
    let mut watcher = store.health().watch();
    while let Ok(health) = watcher.get().await {
        let mut state = state.lock().expect("no panic");
        let (live, source) = (health.state == HealthState::Live, health.source.unwrap_or_default());
        if live && (!state.live || state.source != *source) {
            state.since = now();
        }
        state.live = live;
        state.source = source.to_string();
    }
}

async fn follow_values(store: EtcdStore, state: Arc<Mutex<StoreState>>) {
    let mut watchers = KEYS.map(|key| store.value(key).watch());
    while let Ok(entry) = watchers[0].get().await {
        let generation = keys::generation(entry.value().map_or(&[], AsRef::as_ref));
        let mut state = state.lock().expect("no panic");
        (state.generation, state.taken) = (generation, now());
    }
}

/// Counts the connections that the stores try: each is an event of the log.
#[derive(Clone, Default)]
struct Attempts(Arc<Mutex<BTreeMap<(String, u64), u64>>>);

impl Subscriber for Attempts {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && *metadata.level() == Level::DEBUG
            && metadata.target() == "event_etcd::driver"
    }

    fn event(&self, event: &Event<'_>) {
        let mut endpoint = Endpoint(String::new());
        event.record(&mut endpoint);
        *self.0.lock().expect("no panic").entry((endpoint.0, now() / 1_000_000)).or_default() += 1;
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The endpoint of an event.
struct Endpoint(String);

impl Visit for Endpoint {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "address" {
            self.0 = format!("{value:?}");
        }
    }
}
