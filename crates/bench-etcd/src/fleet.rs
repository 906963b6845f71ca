//! A fleet: thousands of stores on one cluster, behind four `etcd grpc-proxy` and without them.
//!
//! What holds on any machine is checked: how even, how many streams and connections. How long it takes is
//! only printed. docs/scale.md explains the figures.

mod behind_proxies;
mod direct;
pub(crate) mod part;
mod table;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use etcd_client::Client;
use etcd_harness::{Cluster, Node};
use tokio::time::sleep;

use self::part::{Part, StoreState, now};
use self::table::Table;
use crate::keys;

/// Each store watches both. Only the first one changes.
const KEYS: [&str; 2] = ["fleet/first", "fleet/second"];
const BYTES: usize = 100;
/// The default of the stores.
const LIVENESS: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_secs(60);
/// How long the cluster is down.
const DOWN: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(120);
/// Stores in one process.
const STORES_OF_PART: usize = 500;

const READS: &str = "grpc_server_started_total{grpc_method=\"Range\",grpc_service=\"etcdserverpb.KV\",grpc_type=\"unary\"}";
const STREAMS: &str = "etcd_debugging_mvcc_watch_stream_total";
const WATCHES: &str = "etcd_debugging_mvcc_watcher_total";
const CPU: &str = "process_cpu_seconds_total";
const RESIDENT: &str = "process_resident_memory_bytes";

/// Measures all, and returns whether every check holds.
pub(crate) async fn measure(arguments: &[String]) -> bool {
    let nodes = arguments.first().and_then(|nodes| nodes.parse().ok()).unwrap_or(1);
    let mut table = Table::start();
    behind_proxies::measure(nodes, &mut table).await;
    direct::measure(nodes, &mut table).await;
    table.is_kept()
}

/// Stores in several processes.
struct Fleet {
    parts: Vec<Part>,
    started: u64,
}

/// What all stores of a fleet have, and the connections that they tried: for each endpoint and second.
struct Fleets {
    stores: Vec<StoreState>,
    attempts: BTreeMap<(String, u64), u64>,
}

impl Fleet {
    fn start(stores: usize, liveness: Duration, endpoints: &[String]) -> Self {
        let started = now();
        let counts = (0..stores).step_by(STORES_OF_PART);
        let counts = counts.map(|start| STORES_OF_PART.min(stores - start));
        let parts = counts.map(|count| Part::start(count, liveness, endpoints)).collect();
        Self { parts, started }
    }

    fn report(&mut self) -> Fleets {
        let mut all = Fleets { stores: Vec::new(), attempts: BTreeMap::new() };
        self.parts.iter_mut().for_each(Part::ask);
        for part in &mut self.parts {
            let report = part.read();
            all.stores.extend(report.stores);
            for (endpoint, second, count) in report.attempts {
                *all.attempts.entry((endpoint, second)).or_default() += count;
            }
        }
        all
    }

    /// Waits until something holds for every store.
    async fn all(&mut self, what: &str, holds: impl Fn(&StoreState) -> bool) -> Fleets {
        let start = Instant::now();
        loop {
            let report = self.report();
            let missing = report.stores.iter().filter(|store| !holds(store)).count();
            if missing == 0 {
                return report;
            }
            assert!(start.elapsed() < TIMEOUT, "{missing} stores are not {what} after {TIMEOUT:?}");
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until every store is live and has a generation, and returns when the last one was.
    async fn current(&mut self, generation: u32) -> (u64, Fleets) {
        let is_current = |store: &StoreState| store.live && store.generation == generation;
        let report = self.all("live with the newest value", is_current).await;
        let last = report.stores.iter().map(|store| store.since.max(store.taken)).max();
        (last.unwrap_or(0), report)
    }
}

impl Fleets {
    /// How many stores are at each of these addresses.
    fn at(&self, addresses: &[String]) -> Vec<usize> {
        let of = |address| self.stores.iter().filter(|it| it.source.contains(address)).count();
        addresses.iter().map(|address| of(address.as_str())).collect()
    }

    /// How many connections were tried from a time on: of all, the most in one second; and the most in one
    /// second at one endpoint.
    fn attempts_since(&self, time: u64) -> (u64, u64, u64) {
        let mut seconds: BTreeMap<u64, u64> = BTreeMap::new();
        let (mut all, mut most_at_one) = (0, 0);
        for ((_, second), count) in &self.attempts {
            if *second >= time / 1_000_000 {
                all += count;
                most_at_one = most_at_one.max(*count);
                *seconds.entry(*second).or_default() += count;
            }
        }
        (all, seconds.values().max().copied().unwrap_or(0), most_at_one)
    }
}

/// Writes a generation of the first key, and returns when.
async fn put(writer: &Client, generation: u32) -> u64 {
    let at = now();
    let value = keys::value(generation, BYTES);
    writer.kv_client().put(KEYS[0], value, None).await.expect("a put");
    at
}

/// The sum of a metric over the nodes.
async fn sum(cluster: &Cluster, name: &str) -> f64 {
    let mut sum = 0.0;
    for node in cluster.nodes() {
        sum += node.metric(name).await;
    }
    sum
}

/// The memory in use of all nodes.
async fn live_memory(cluster: &Cluster) -> f64 {
    let mut sum = 0.0;
    for node in cluster.nodes() {
        sum += node.live_memory().await;
    }
    sum
}

/// Kills all nodes and starts them again after a while. Returns when the first one was killed, and when all
/// were healthy.
async fn restart(cluster: &Cluster) -> (u64, u64) {
    let killed = now();
    cluster.nodes().iter().for_each(Node::kill);
    sleep(DOWN).await;
    for node in cluster.nodes() {
        node.launch().await;
    }
    for node in cluster.nodes() {
        node.healthy().await;
    }
    (killed, now())
}

async fn start(nodes: usize) -> (Cluster, Client) {
    let cluster = Cluster::builder().nodes(nodes).arg("--enable-pprof").start().await;
    let writer = cluster.client().await;
    writer.kv_client().put(KEYS[1], "x", None).await.expect("a put");
    (cluster, writer)
}

fn seconds(from: u64, to: u64) -> f64 {
    Duration::from_micros(to.saturating_sub(from)).as_secs_f64()
}

/// A count, for arithmetic.
fn count(count: impl TryInto<u32>) -> f64 {
    f64::from(count.try_into().unwrap_or(u32::MAX))
}

/// Whether counts are as even as chance makes them: four standard deviations at most.
fn is_even(counts: &[usize]) -> bool {
    let (all, share) = (count(counts.iter().sum::<usize>()), 1.0 / count(counts.len()));
    let deviation = (all * share * (1.0 - share)).sqrt();
    counts.iter().all(|at| (count(*at) - all * share).abs() <= 4.0 * deviation)
}
