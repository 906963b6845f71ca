//! A store that follows a key, and what it is told.

use std::fmt;
use std::time::{Duration, Instant};

use etcd_client::Client;
use etcd_harness::{Cluster, Node, eventually};
use event_core::{MemoryReader, MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt};
use event_etcd::{EtcdStore, Health, Options, State};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// What takes longer than this never comes.
pub(crate) const NEVER: Duration = Duration::from_mins(2);
pub(crate) const KEY: &str = "key";

/// What a fault came to.
pub(crate) struct Row {
    /// From the fault to the first health that says stalled.
    pub(crate) detected: Option<Duration>,
    /// From healing, or from the fault where another member could serve.
    pub(crate) took: Duration,
    pub(crate) bound: Duration,
    pub(crate) lost: u32,
    pub(crate) backward: u32,
    pub(crate) said: String,
}

impl Row {
    pub(crate) fn is_kept(&self) -> bool {
        self.took <= self.bound && self.lost == 0 && self.backward == 0
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detected =
            self.detected.map_or("–".to_owned(), |after| format!("{:.2} s", after.as_secs_f64()));
        let over = if self.took > self.bound { " **over**" } else { "" };
        let (took, bound) = (self.took.as_secs_f64(), self.bound.as_secs_f64());
        let Self { lost, backward, said, .. } = self;
        write!(f, "{detected} | {took:.3} s{over} | {bound:.1} s | {lost} | {backward} | {said}")
    }
}

/// What the watcher has taken: numbers, in rising order as they are written.
#[derive(Debug, Clone, Copy)]
struct Taken {
    number: u64,
    backward: u32,
    at: Instant,
}

pub(crate) struct Scenario {
    pub(crate) store: EtcdStore,
    taken: MemoryReader<Taken>,
    follower: JoinHandle<()>,
    log: MemoryReader<Vec<(Instant, Health)>>,
    logger: JoinHandle<()>,
    /// The number that was written last.
    pub(crate) last: u64,
}

impl Scenario {
    /// A store with the default options, which has taken a first value and is live.
    pub(crate) async fn start(endpoints: Vec<String>, options: Options, writer: &Client) -> Self {
        let store =
            EtcdStore::connect(endpoints, options).await.expect("the endpoints are well formed");
        let (taken, log) = (MemoryValue::empty(), MemoryValue::new(Vec::new()));
        let (taken_reader, log_reader) = (taken.reader(), log.reader());
        let mut watcher = store.value(KEY).decode(number).watch();
        let follower = tokio::spawn(async move {
            let (mut last, mut backward) = (0, 0);
            loop {
                match watcher.get().await {
                    Ok(number) => {
                        backward += u32::from(number < last);
                        last = number;
                        taken.set(Taken { number, backward, at: Instant::now() });
                    }
                    Err(error) if error.is_closed() => return,
                    Err(_) => {} // a deletion
                }
            }
        });
        let mut health = store.health().watch();
        let logger = tokio::spawn(async move {
            let mut said = Vec::new();
            while let Ok(health) = health.get().await {
                said.push((Instant::now(), health));
                log.set(said.clone());
            }
        });
        let mut scenario =
            Self { store, taken: taken_reader, follower, log: log_reader, logger, last: 0 };
        scenario.put(writer).await;
        scenario.take_last().await;
        timeout(NEVER, scenario.state(State::Live)).await.expect("the store is live");
        scenario
    }

    /// Writes the next number, as soon as the server takes it.
    pub(crate) async fn put(&mut self, writer: &Client) {
        self.last += 1;
        let number = self.last.to_string();
        eventually(NEVER, "a put is taken", async || {
            let put = writer.kv_client().put(KEY, number.clone(), None).await;
            put.is_ok()
        })
        .await;
    }

    /// Waits until the watcher has taken what was written last; `None` if that never comes.
    pub(crate) async fn take_last(&self) -> Option<Instant> {
        let mut watcher = self.taken.watch();
        let taken = watcher.get_if(|taken| taken.number == self.last);
        timeout(NEVER, taken).await.ok()?.ok().map(|taken| taken.at)
    }

    pub(crate) async fn state(&self, state: State) {
        let _ = self.store.health().watch().get_if(|health| health.state == state).await;
    }

    /// What came of it: `fault` when it began, `from` where the time to the new value is measured from.
    pub(crate) async fn end(self, fault: Instant, from: Instant, bound: Duration) -> Row {
        let taken = self.take_last().await;
        let backward = self.taken.get().await.map_or(0, |taken| taken.backward);
        // What the log ends with, unless the store is not live again.
        let mut log = self.log.watch();
        let live =
            log.get_if(|log| log.last().is_some_and(|(_, health)| health.state == State::Live));
        let _ = timeout(Duration::from_secs(15), live).await;
        let log = self.log.get().await.unwrap_or_default();
        let since: Vec<_> = log.iter().filter(|(at, _)| *at >= fault).collect();
        let stalled = since.iter().find(|(_, health)| health.state == State::Stalled);
        self.follower.abort();
        self.logger.abort();
        Row {
            detected: stalled.map(|(at, _)| *at - fault),
            took: taken.map_or(NEVER, |at| at.saturating_duration_since(from)),
            bound,
            lost: u32::from(taken.is_none()),
            backward,
            said: said(since.iter().map(|(_, health)| health)),
        }
    }

    /// The node that the store is connected to.
    pub(crate) async fn node_in_use<'a>(&self, cluster: &'a Cluster) -> &'a Node {
        let health = self.store.health().get().await.expect("the store goes on");
        let endpoint = health.endpoint.expect("a live store has an endpoint");
        cluster
            .nodes()
            .iter()
            .find(|node| node.endpoint() == *endpoint)
            .expect("one of the cluster's")
    }
}

/// The states in order, each with the sort of its cause.
fn said<'a>(healths: impl Iterator<Item = &'a Health>) -> String {
    let mut words: Vec<String> = Vec::new();
    for health in healths {
        let mut word = match &health.cause {
            Some(cause) => format!("{:?}", cause.kind()),
            None => health.state.to_string(),
        };
        if health.replaced > 0 {
            word.push_str(" (replaced)");
        }
        if words.last() != Some(&word) {
            words.push(word);
        }
    }
    words.join(" → ")
}

fn number(bytes: &[u8]) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    let text = std::str::from_utf8(bytes)?;
    Ok(text.trim_end_matches('x').parse()?)
}

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
