//! A cluster, the proxies before it, and the stores; and what is done to them.

use std::time::{Duration, Instant};

use etcd_client::Client;
use etcd_harness::{Cluster, Node, Service, ServiceKind};
use measure::{median, percentile};
use tokio::time::sleep;

use super::KEYS;
use super::part::now;
use super::stores::{Stores, spread};
use super::table::Table;
use crate::keys;

const BYTES: usize = 100;
const IDLE: Duration = Duration::from_secs(60);
/// How long the cluster is down.
const DOWN: Duration = Duration::from_secs(3);
const SETTLED: Duration = Duration::from_secs(10);
const PUTS: u32 = 20;
/// Puts of a key that nobody watches.
const OTHER_PUTS: u32 = 500;
/// Stores that start after a proxy came back.
const NEW: usize = 400;

const STREAMS: &str = "etcd_debugging_mvcc_watch_stream_total";
const WATCHES: &str = "etcd_debugging_mvcc_watcher_total";
const RESIDENT: &str = "process_resident_memory_bytes";
/// Reads of one key, reads of several keys, messages on watch streams, CPU.
const COUNTERS: [&str; 4] = [
    "grpc_server_msg_received_total{grpc_method=\"Range\",grpc_service=\"etcdserverpb.KV\",grpc_type=\"unary\"}",
    "grpc_server_msg_received_total{grpc_method=\"Txn\",grpc_service=\"etcdserverpb.KV\",grpc_type=\"unary\"}",
    "grpc_server_msg_received_total{grpc_method=\"Watch\",grpc_service=\"etcdserverpb.Watch\",grpc_type=\"bidi_stream\"}",
    "process_cpu_seconds_total",
];

pub(crate) struct SetUp {
    cluster: Cluster,
    writer: Client,
    proxies: Vec<Service>,
    /// Of the proxies, or else of the nodes.
    addresses: Vec<String>,
    count: usize,
    liveness: Duration,
    stores: Stores,
    generation: u32,
}

impl SetUp {
    /// Starts all, and waits until all stores are live.
    pub(crate) async fn start(
        nodes: usize,
        proxies: usize,
        count: usize,
        liveness: Duration,
        table: &mut Table,
    ) -> Self {
        let cluster = Cluster::builder().nodes(nodes).arg("--enable-pprof").start().await;
        let writer = cluster.client().await;
        for key in KEYS {
            let value = keys::value(0, BYTES);
            writer.kv_client().put(key, value, None).await.expect("a put");
        }
        put_latency("a put, before the stores: median, p99", &writer, table).await;
        let memory = live_memory(&cluster).await;
        let targets: Vec<_> = cluster.nodes().iter().map(Node::address).collect();
        let (mut running, mut addresses) = (Vec::new(), Vec::new());
        for _ in 0..proxies {
            let program = cluster.binary().path();
            let proxy = Service::start(ServiceKind::GrpcProxy, program, &targets).await;
            addresses.push(proxy.address().to_string());
            running.push(proxy);
        }
        if proxies == 0 {
            addresses.extend(targets.iter().map(ToString::to_string));
        }
        let cpu = sum(&cluster, COUNTERS[3]).await;
        let mut stores = Stores::start(count, liveness, &addresses);
        let (proxies, all) = (running, stores.current(0).await);
        table.add("all start at once: all live after", seconds(stores.started, all.last()));
        let (tried, _, most) = all.attempts(stores.started);
        let holds = tried <= 2 * count as u64;
        table.check(
            "… connections tried (at most 2 a store), most in 1 s at one endpoint",
            format!("{tried}, {most}"),
            holds,
        );
        let cpu = (sum(&cluster, COUNTERS[3]).await - cpu) * 1e3 / f(count);
        table.add("… CPU of the cluster for each store", format!("{cpu:.1} ms"));
        let spread = all.spread(&addresses);
        table.check("… stores at each endpoint (even)", format!("{spread:?}"), is_even(&spread));
        let set_up =
            Self { cluster, writer, proxies, addresses, count, liveness, stores, generation: 0 };
        set_up.watches("", table).await;
        let grown = live_memory(&set_up.cluster).await - memory;
        table.add(
            "memory of the cluster: all, for each store",
            format!("{:.0} MB, {:.1} kB", grown / 1e6, grown / 1e3 / f(count)),
        );
        set_up
    }

    /// How long puts of a watched key take to reach all.
    pub(crate) async fn puts(&mut self, table: &mut Table) {
        let (mut medians, mut lasts) = (Vec::new(), Vec::new());
        for _ in 0..PUTS {
            let at = self.put().await;
            let all = self.stores.current(self.generation).await;
            let took = all.stores.iter().map(|store| store.taken.saturating_sub(at));
            let mut took: Vec<f64> =
                took.map(|it| Duration::from_micros(it).as_secs_f64() * 1e3).collect();
            medians.push(median(&mut took));
            lasts.push(percentile(&mut took, 100));
        }
        let (median_store, last) = (median(&mut medians), median(&mut lasts));
        let slowest = percentile(&mut lasts, 100);
        table.add(
            "a put reaches: the median store, the last one, the last one of the slowest put",
            format!("{median_store:.0}, {last:.0}, {slowest:.0} ms"),
        );
    }

    /// What idle stores cost.
    pub(crate) async fn idle(&mut self, table: &mut Table) {
        sleep(SETTLED).await;
        let (start, at) = (Instant::now(), now() + 1_000_000);
        let before = self.counters().await;
        sleep(IDLE).await;
        let minutes = start.elapsed().as_secs_f64() / 60.0;
        let after = self.counters().await;
        let rate =
            |who: usize, counter: usize| (after[who][counter] - before[who][counter]) / minutes;
        let each = |who, counter| rate(who, counter) / f(self.count);
        let expected = 60.0 / (self.liveness.as_secs_f64() * 0.4);
        // At liveness timeouts of 5 s and of 30 s, and 5 s behind proxies.
        let names = [
            ("idle, at the cluster", "at most 36 each at 5 s, 6 at 30 s"),
            ("idle, at the proxies", "at most 36 each"),
        ];
        for (who, (name, most)) in
            names.iter().enumerate().take(if self.proxies.is_empty() { 1 } else { 2 })
        {
            let (reads, messages) = (each(who, 0) + each(who, 1), each(who, 2));
            let what = format!("{name}: reads, watch messages a minute for each store ({most})");
            table.check(
                &what,
                format!("{reads:.1}, {messages:.1}"),
                reads.max(messages) <= expected * 1.2,
            );
            table.add(
                &format!("{name}: CPU"),
                format!("{:.0} % of a core", rate(who, 3) / 60.0 * 100.0),
            );
        }
        let resident = sum(&self.cluster, RESIDENT).await / 1e6;
        table.add("idle, memory of the cluster's processes", format!("{resident:.0} MB"));
        let mut resident = 0.0;
        for proxy in &self.proxies {
            resident += proxy.metric(RESIDENT).await / 1e6;
        }
        table.add("idle, memory of the proxies' processes", format!("{resident:.0} MB"));
        let (tried, ..) = self.stores.snapshot().attempts(at);
        table.check("idle: connections tried (none)", tried.to_string(), tried == 0);
        put_latency("a put, beside the idle stores: median, p99", &self.writer, table).await;
    }

    /// Kills one proxy, which comes back, and then another one.
    pub(crate) async fn kill_proxies(&mut self, table: &mut Table) {
        let (before, killed) = (self.stores.snapshot(), now());
        self.proxies[0].kill();
        let all = self.stores.left(&self.addresses[0]).await;
        sleep(SETTLED).await;
        let (tried, _, most) = self.stores.snapshot().attempts(killed);
        let pairs = before.stores.iter().zip(all.stores);
        let (moved, others): (Vec<_>, Vec<_>) =
            pairs.partition(|(old, _)| old.source.contains(&self.addresses[0]));
        let stayed =
            others.iter().all(|(old, new)| (&old.source, old.since) == (&new.source, new.since));
        let last = moved.iter().map(|(_, new)| new.since).max().unwrap_or(killed);
        table.add(
            "a proxy is killed: its stores, all live elsewhere after",
            format!("{}, {}", moved.len(), seconds(killed, last)),
        );
        table.check("… the other stores (stay)", if stayed { "stayed" } else { "moved" }, stayed);
        let holds = tried <= 2 * moved.len() as u64;
        table.check(
            "… connections tried (at most 2 each), most in 1 s at one proxy",
            format!("{tried}, {most}"),
            holds,
        );
        let moved: Vec<_> = moved.into_iter().map(|(_, new)| new).collect();
        let spread = spread(&moved, &self.addresses[1..]);
        table.check(
            "… they are now at each other proxy (even)",
            format!("{spread:?}"),
            is_even(&spread),
        );

        self.proxies[0].restart().await;
        let mut new = Stores::start(NEW, self.liveness, &self.addresses);
        let spread = new.current(self.generation).await.spread(&self.addresses);
        table.check(
            "it is restarted; then 400 new stores, which end again: how many chose each proxy (even)",
            format!("{spread:?}"),
            is_even(&spread),
        );
        drop(new);
        let (before, killed) = (self.stores.snapshot().spread(&self.addresses), now());
        self.proxies[1].kill();
        let all = self.stores.left(&self.addresses[1]).await;
        let spread = all.spread(&self.addresses);
        table.add("another proxy is killed: stores at each before", format!("{before:?}"));
        table.check(
            "… stores at each afterwards (some at the one that was restarted)",
            format!("{spread:?}"),
            spread[0] > before[0],
        );
        table.add("… all live after", seconds(killed, all.last()));
        self.proxies[1].restart().await;
    }

    /// Restarts all nodes at once.
    pub(crate) async fn restart_cluster(&mut self, table: &mut Table) {
        let killed = now();
        self.cluster.nodes().iter().for_each(Node::kill);
        sleep(DOWN).await;
        for node in self.cluster.nodes() {
            node.launch().await;
        }
        for node in self.cluster.nodes() {
            node.healthy().await;
        }
        let healthy = now();
        self.put().await;
        let all = self.stores.current(self.generation).await;
        let last = all.last();
        table.add(
            "the cluster is restarted: down for, all live and current after",
            format!("{}, {}", seconds(killed, healthy), seconds(healthy, last)),
        );
        let cpu = sum(&self.cluster, COUNTERS[3]).await * 1e3 / f(self.count);
        table.add(
            "… CPU of the cluster for each store, its own start included",
            format!("{cpu:.1} ms"),
        );
        let (tried, most, _) = all.attempts(killed);
        let each = f(tried) / f(self.count) / Duration::from_micros(last - killed).as_secs_f64();
        table.add("… connections tried", tried.to_string());
        table.add("… most of them in 1 s", most.to_string());
        table.check(
            "… tried a second by each store (at most 4)",
            format!("{each:.2}"),
            each <= 4.0,
        );
        self.watches(", after that", table).await;
    }

    /// With proxies, their number does not depend on that of the stores.
    async fn watches(&self, when: &str, table: &mut Table) {
        let [streams, watches] =
            [sum(&self.cluster, STREAMS).await, sum(&self.cluster, WATCHES).await];
        let proxies = f(self.proxies.len());
        let holds =
            self.proxies.is_empty() || (streams <= 3.0 * proxies && watches <= 16.0 * proxies);
        let what = format!("streams, watches at the cluster{when} (at most 3 and 16 a proxy)");
        table.check(&what, format!("{streams}, {watches}"), holds);
    }

    /// Those of the cluster, and of the proxies.
    async fn counters(&self) -> [[f64; 4]; 2] {
        let mut all = [[0.0; 4]; 2];
        for (at, name) in COUNTERS.iter().enumerate() {
            all[0][at] = sum(&self.cluster, name).await;
            for proxy in &self.proxies {
                all[1][at] += proxy.metric(name).await;
            }
        }
        all
    }

    /// Writes the next generation, and returns when.
    async fn put(&mut self) -> u64 {
        self.generation += 1;
        let (at, value) = (now(), keys::value(self.generation, BYTES));
        self.writer.kv_client().put(KEYS[0], value, None).await.expect("a put");
        at
    }
}

async fn put_latency(what: &str, writer: &Client, table: &mut Table) {
    let mut took = Vec::new();
    for generation in 0..OTHER_PUTS {
        let (value, start) = (keys::value(generation, BYTES), Instant::now());
        writer.kv_client().put("another", value, None).await.expect("a put");
        took.push(start.elapsed().as_secs_f64() * 1e3);
        sleep(Duration::from_millis(10)).await;
    }
    table.add(what, format!("{:.2}, {:.2} ms", median(&mut took), percentile(&mut took, 99)));
}

/// The sum of a metric over the nodes.
async fn sum(cluster: &Cluster, name: &str) -> f64 {
    let mut sum = 0.0;
    for node in cluster.nodes() {
        sum += node.metric(name).await;
    }
    sum
}

async fn live_memory(cluster: &Cluster) -> f64 {
    let mut sum = 0.0;
    for node in cluster.nodes() {
        sum += node.live_memory().await;
    }
    sum
}

fn seconds(from: u64, to: u64) -> String {
    format!("{:.1} s", Duration::from_micros(to.saturating_sub(from)).as_secs_f64())
}

/// A count, for arithmetic.
fn f(count: impl TryInto<u32>) -> f64 {
    f64::from(count.try_into().unwrap_or(u32::MAX))
}

/// Whether counts are as even as chance makes them: four standard deviations at most.
fn is_even(counts: &[usize]) -> bool {
    let (all, share) = (f(counts.iter().sum::<usize>()), 1.0 / f(counts.len()));
    let deviation = (all * share * (1.0 - share)).sqrt();
    counts.iter().all(|at| (f(*at) - all * share).abs() <= 4.0 * deviation)
}
