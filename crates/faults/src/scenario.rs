//! A store that follows a key, and what its watcher takes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use etcd_client::Client;
use etcd_harness::{Cluster, Node, eventually};
use event_core::{CauseKind, HealthState};
use event_core::{MemoryReader, MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt};
use event_etcd::{EtcdStore, Options};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::health_log::{self, HealthLog, ended_badly};
use crate::row::Row;
use crate::watches;

/// What takes longer than this never comes.
pub(crate) const NEVER: Duration = Duration::from_secs(120);
pub(crate) const KEY: &str = "key";

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
    health: HealthLog,
    servers: Vec<SocketAddr>,
    /// How many watches the servers had before the store's.
    before: u64,
    /// The number that was written last.
    pub(crate) last: u64,
}

impl Scenario {
    /// A store with the default options, which has taken a first value and is live.
    pub(crate) async fn start(
        cluster: &Cluster,
        endpoints: Vec<String>,
        options: Options,
        writer: &Client,
    ) -> Self {
        let servers = cluster.nodes().iter().map(Node::address).collect();
        Self::start_at(servers, endpoints, options, writer).await
    }

    /// The same where the servers are not a cluster's.
    pub(crate) async fn start_at(
        servers: Vec<SocketAddr>,
        endpoints: Vec<String>,
        options: Options,
        writer: &Client,
    ) -> Self {
        let before = watches::count(&servers).await;
        // In order: the rows say which member is used first.
        let options = options.ordered_endpoints(true);
        let store =
            EtcdStore::connect(endpoints, options).await.expect("the endpoints are well formed");
        let taken = MemoryValue::empty();
        let taken_reader = taken.reader();
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
        let health = HealthLog::start(&store);
        let mut scenario =
            Self { store, taken: taken_reader, follower, health, servers, before, last: 0 };
        scenario.put(writer).await;
        scenario.take_last().await;
        timeout(NEVER, scenario.state(HealthState::Live)).await.expect("the store is live");
        scenario
    }

    /// Writes the next number, as soon as the server takes it.
    pub(crate) async fn put(&mut self, writer: &Client) {
        self.put_large(writer, 0).await;
    }

    /// The same, with so many bytes that the decoder passes over.
    pub(crate) async fn put_large(&mut self, writer: &Client, bytes: usize) {
        self.last += 1;
        let number = self.last.to_string() + &"x".repeat(bytes);
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

    /// Waits until the watcher went back to an older value, where history went back.
    pub(crate) async fn took_back(&self) {
        let mut watcher = self.taken.watch();
        let _ = timeout(seconds(5), watcher.get_if(|taken| taken.backward > 0)).await;
    }

    /// Waits until health says that the history was replaced, which it may after it is live.
    pub(crate) async fn replaced(&self) {
        health_log::replaced(&self.store).await;
    }

    pub(crate) async fn state(&self, state: HealthState) {
        health_log::state(&self.store, state).await;
    }

    pub(crate) async fn cause(&self, kind: CauseKind) {
        health_log::cause(&self.store, kind).await;
    }

    /// What came of it: `fault` when it began, `from` where the time to the new value is measured from.
    pub(crate) async fn end(self, fault: Instant, from: Instant, bound: Duration) -> Row {
        let taken = self.take_last().await;
        let backward = self.taken.get().await.map_or(0, |taken| taken.backward);
        let (detected, said) = self.health.since(fault).await;
        let mut panicked = ended_badly(self.follower).await;
        panicked |= self.health.end().await;
        // The store lives on: what is dropped is the watcher alone.
        let left = watches::left_over(&self.servers, self.before).await;
        let row = Row {
            detected,
            lost: u32::from(taken.is_none()),
            backward,
            said,
            ..Row::new(taken.map_or(NEVER, |at| at.saturating_duration_since(from)), bound)
        };
        row.require(left == 0, format!("{left} watches left")).require(!panicked, "a panic")
    }

    /// The node that the store is connected to.
    pub(crate) async fn node_in_use<'a>(&self, cluster: &'a Cluster) -> &'a Node {
        let health = self.store.health().get().await.expect("the store goes on");
        let endpoint = health.source.expect("a live store has an endpoint");
        cluster
            .nodes()
            .iter()
            .find(|node| node.endpoint() == *endpoint)
            .expect("one of the cluster's")
    }
}

fn number(bytes: &[u8]) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    let text = std::str::from_utf8(bytes)?;
    Ok(text.trim_end_matches('x').parse()?)
}

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
