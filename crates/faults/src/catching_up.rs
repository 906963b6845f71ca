//! A key that is written many times while its reader's stream stands still: how soon after that the
//! reader has the last value, and the next one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use etcd_client::Client;
use etcd_harness::{Cluster, Proxy};
use event_core::{Entry, ReaderExt, ValueReader, WatcherExt};
use event_core::{Health, HealthState};
use event_etcd::{EtcdStore, Options, UpstreamWatcher};
use tokio::runtime::{Builder, Handle};
use tokio::time::{sleep, sleep_until, timeout};

use crate::row::Row;
use crate::scenario::{KEY, NEVER, seconds};

/// How many puts are under way at once.
const UNDER_WAY: u64 = 128;
/// What the last value, and the next one, may take.
const SOON: Duration = Duration::from_millis(100);

/// Why the stream stands still.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pause {
    /// Its connection passes no bytes for this long, and until all is written.
    Held(Duration),
    /// The only thread of its runtime is blocked until all is written.
    Asleep,
}

impl Pause {
    /// The default options, but that a connection is kept where writing takes longer than the default
    /// bound, as it may on a busy machine.
    fn options(self) -> Options {
        match self {
            Self::Held(_) => Options::new().liveness_timeout(seconds(30)),
            Self::Asleep => Options::new(),
        }
    }
}

/// What one pause came to. All times count from its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) last: Duration,
    /// When the next value arrives, which is written as soon as the last one is there.
    pub(crate) next: Duration,
    /// From that put to its value's arrival.
    pub(crate) put_to_next: Duration,
    /// The store was live all the while, and kept its connection.
    pub(crate) live: bool,
    writing: Duration,
}

/// A server, and a store on a runtime of its own with one thread, behind a proxy.
pub(crate) struct Bench {
    cluster: Cluster,
    writer: Client,
    proxy: Proxy,
    store: EtcdStore,
    watcher: UpstreamWatcher,
    runtime: Handle,
    number: u64,
    /// Dropping it ends the runtime.
    _end: tokio::sync::oneshot::Sender<()>,
}

impl Bench {
    pub(crate) async fn start(options: Options) -> Self {
        let cluster = Cluster::start(1).await;
        let writer = cluster.client().await;
        let proxy = Proxy::start(cluster.node(0).address());
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let runtime = match std::env::var("THREADS").ok().and_then(|text| text.parse().ok()) {
            Some(threads) => {
                Builder::new_multi_thread().worker_threads(threads).enable_all().build()
            }
            None => Builder::new_current_thread().enable_all().build(),
        };
        let runtime = runtime.expect("a runtime");
        let handle = runtime.handle().clone();
        thread::spawn(move || {
            let _ = runtime.block_on(ended);
        });
        let connect = EtcdStore::connect([proxy.endpoint()], options);
        let store = handle.spawn(connect).await.expect("no panic").expect("a store");
        let watcher = store.value(KEY).watch();
        let mut bench =
            Self { cluster, writer, proxy, store, watcher, runtime: handle, number: 0, _end: end };
        bench.put().await;
        bench.take().await;
        let live = |health: &Health| health.state == HealthState::Live;
        let mut health = bench.store.health().watch();
        let _ = health.get_if(live).await;
        tokio::spawn(async move {
            while let Ok(health) = health.get().await {
                if let Some(cause) = health.cause {
                    eprintln!("{cause}");
                }
            }
        });
        bench
    }

    /// Writes `puts` values while the stream stands still, and measures what follows.
    pub(crate) async fn round(&mut self, puts: u64, pause: Pause) -> Round {
        let before = self.store.health().get().await.expect("the store goes on");
        let (wake, woken) = mpsc::channel::<()>();
        let begun = Instant::now();
        match pause {
            Pause::Held(_) => self.proxy.hold(),
            Pause::Asleep => {
                self.runtime.spawn(async move {
                    let _ = woken.recv(); // blocks the thread
                });
            }
        }
        self.put_many(puts - 1).await;
        self.put().await;
        let writing = begun.elapsed();
        if let Pause::Held(least) = pause {
            sleep_until((begun + least).into()).await;
        }
        let released = Instant::now();
        self.proxy.release();
        let _ = wake.send(());
        self.take().await;
        let last = released.elapsed();
        let put_at = Instant::now();
        tokio::join!(put(&self.writer, self.number + 1), take(&mut self.watcher, self.number + 1));
        self.number += 1;
        let (next, put_to_next) = (released.elapsed(), put_at.elapsed());
        let after = self.store.health().get().await.expect("the store goes on");
        let live = after.state == HealthState::Live && after.since == before.since;
        Round { last, next, put_to_next, live, writing }
    }

    async fn put_many(&mut self, puts: u64) {
        let next = Arc::new(AtomicU64::new(self.number));
        self.number += puts;
        let end = self.number;
        let writers: Vec<_> = (0..UNDER_WAY)
            .map(|_| {
                let (writer, next) = (self.writer.clone(), Arc::clone(&next));
                tokio::spawn(async move {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed) + 1;
                        if number > end {
                            return;
                        }
                        put(&writer, number).await;
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.expect("no panic");
        }
    }

    async fn put(&mut self) {
        self.number += 1;
        put(&self.writer, self.number).await;
    }

    async fn take(&mut self) {
        take(&mut self.watcher, self.number).await;
    }
}

async fn put(writer: &Client, number: u64) {
    writer.kv_client().put(KEY, number.to_string(), None).await.expect("a put");
}

async fn take(watcher: &mut UpstreamWatcher, number: u64) {
    let wanted = number.to_string();
    let is_it = |entry: &Entry| entry.value().map(|value| &value[..]) == Some(wanted.as_bytes());
    let taken = timeout(NEVER, watcher.get_if(is_it)).await;
    taken.expect("the value arrives").expect("the store goes on");
}

/// A row: a few rounds of one size, and the slowest of them.
pub(crate) async fn row(puts: u64, pause: Pause) -> Row {
    let mut bench = Bench::start(pause.options()).await;
    let mut rounds = Vec::new();
    for _ in 0..3 {
        rounds.push(bench.round(puts, pause).await);
    }
    let slowest = |time: fn(&Round) -> Duration| rounds.iter().map(time).max().unwrap_or(NEVER);
    let (last, next) = (slowest(|round| round.last), slowest(|round| round.put_to_next));
    let mut row = Row::new(last, SOON);
    row.said = format!("the next put after {:.0} ms", next.as_secs_f64() * 1e3);
    row.require(next <= SOON, "the next value was late")
}

/// Measures many rounds of each size, and prints the median and the slowest.
pub(crate) async fn experiment(rounds: usize, only: Option<&str>) {
    let held = |seconds| Pause::Held(Duration::from_secs_f64(seconds));
    let sizes = [
        (3000, held(0.3)),
        (5000, held(0.6)),
        (15_000, held(1.0)),
        (40_000, held(2.3)),
        (60_000, held(2.5)),
        (100_000, Pause::Asleep),
    ];
    println!(
        "| puts | pause | rounds live | last: median, max ms | next, from the end of the pause | next, from its put | writing |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (puts, pause) in sizes {
        if only.is_some_and(|only| !only.split(',').any(|one| one == puts.to_string())) {
            continue;
        }
        let mut bench = Bench::start(pause.options()).await;
        let mut all = Vec::new();
        for _ in 0..rounds {
            sleep(Duration::from_millis(fastrand::u64(300..500))).await;
            all.push(bench.round(puts, pause).await);
        }
        let show = |time: fn(&Round) -> Duration| {
            let mut times: Vec<_> = all.iter().map(|one| time(one).as_secs_f64() * 1e3).collect();
            times.sort_by(f64::total_cmp);
            format!("{:.1}, {:.1}", times[times.len() / 2], times[times.len() - 1])
        };
        let live = all.iter().filter(|round| round.live).count();
        println!(
            "| {puts} | {pause:?} | {live} of {rounds} | {} | {} | {} | {} |",
            show(|one| one.last),
            show(|one| one.next),
            show(|one| one.put_to_next),
            show(|one| one.writing),
        );
        let _ = bench.cluster;
    }
}

/// What a store asks of a server whose keys are written all the time: 10,000 keys are followed.
#[allow(clippy::cast_precision_loss)] // a rate
pub(crate) async fn busy(lasting: Duration) {
    const KEYS: u64 = 10_000;
    let cluster = Cluster::start(1).await;
    let store = EtcdStore::connect(cluster.endpoints(), Options::new()).await.expect("a store");
    let mut watchers: Vec<_> =
        (0..KEYS).map(|key| store.value(format!("k/{key}")).watch()).collect();
    for watcher in &mut watchers {
        let _ = watcher.get().await;
    }
    sleep(seconds(2)).await;
    let node = cluster.node(0);
    let asked = async || {
        let mut counts = Vec::new();
        for name in [
            "grpc_server_msg_received_total{grpc_method=\"Watch\",grpc_service=\"etcdserverpb.Watch\",grpc_type=\"bidi_stream\"}",
            "grpc_server_started_total{grpc_method=\"Txn\",grpc_service=\"etcdserverpb.KV\",grpc_type=\"unary\"}",
        ] {
            counts.push(node.metric(name).await);
        }
        counts
    };
    for (what, prefix) in [("the followed keys", "k"), ("other keys", "other")] {
        let before = asked().await;
        let (begun, puts) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let mut writers = Vec::new();
        for _ in 0..2 {
            let writer = cluster.client().await;
            for _ in 0..UNDER_WAY {
                let (mut kv, puts) = (writer.kv_client(), Arc::clone(&puts));
                writers.push(tokio::spawn(async move {
                    while begun.elapsed() < lasting {
                        let key = format!("{prefix}/{}", fastrand::u64(..KEYS));
                        let number = puts.fetch_add(1, Ordering::Relaxed);
                        kv.put(key, number.to_string(), None).await.expect("a put");
                    }
                }));
            }
        }
        for writer in writers {
            writer.await.expect("no panic");
        }
        let (after, took) = (asked().await, begun.elapsed().as_secs_f64());
        let puts = puts.load(Ordering::Relaxed) as f64 / took;
        println!(
            "{puts:.0} puts/s on {what} for {took:.1} s: {} requests on the stream, {} reads",
            after[0] - before[0],
            after[1] - before[1]
        );
    }
}
