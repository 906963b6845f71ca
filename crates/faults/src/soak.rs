//! A soak: three nodes, a thousand keys and a map, a random fault every few seconds, and nothing may be lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use etcd_client::{Client, CompactionOptions, Txn, TxnOp};
use etcd_harness::{Cluster, Node, Proxy, eventually};
use event_core::{
    Entry, MapReader, MemoryReader, MemoryValue, ValueReader, ValueWriter, WatcherExt,
};
use event_etcd::{EtcdStore, Options};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use crate::mirror::{self, Mirror};
use crate::volume::resident;
use crate::watches;

const KEYS: usize = 1000;
/// The folder of the keys that come and go.
const FOLDER: &str = "map/";

/// What the last writes of the map may take to arrive.
const SOON: Duration = Duration::from_secs(30);
const GROUPS: usize = 50;

#[derive(Default)]
struct Counts {
    writes: AtomicU64,
    refused: AtomicU64,
    taken: AtomicU64,
    backward: AtomicU64,
}

/// Runs for some minutes, and says whether nothing was lost and nothing went backward.
pub(crate) async fn soak(minutes: u64, seed: u64) -> bool {
    println!("seed {seed}, {minutes} minutes, {KEYS} keys");
    let cluster = Cluster::start(3).await;
    let proxies: Vec<Proxy> =
        cluster.nodes().iter().map(|node| Proxy::start(node.address())).collect();
    let store = EtcdStore::connect(proxies.iter().map(Proxy::endpoint), Options::new())
        .await
        .expect("well formed");
    let counts = Arc::new(Counts::default());
    let newest: Vec<MemoryReader<Entry>> =
        (0..KEYS).map(|key| follow(&store, key, &counts)).collect();
    let mirror = Mirror::start(store.map(FOLDER).watch());
    let until = Instant::now() + Duration::from_secs(60 * minutes);
    let writer = tokio::spawn(write(cluster.client().await, Arc::clone(&counts), until, seed));
    let (mut random, mut faults) = (fastrand::Rng::with_seed(seed), 0);
    let mut figures = vec![figure()];
    while Instant::now() < until {
        sleep(Duration::from_millis(random.u64(1000..4000))).await;
        break_something(&cluster, &proxies, &mut random).await;
        faults += 1;
        if faults % 20 == 0 {
            figures.push(figure());
        }
    }
    writer.await.expect("the writer ends");
    figures.push(figure());
    let client = cluster.client().await;
    final_round(&client).await;
    let lost = lost(&client, &newest).await;
    let differences = mirror.differences(&client, FOLDER, SOON).await;
    let map = mirror.figures();
    store.close();
    let servers: Vec<_> = cluster.nodes().iter().map(Node::address).collect();
    let left = watches::left_over(&servers, 0).await;
    figures.push(figure());
    let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let backward = count(&counts.backward);
    println!(
        "{faults} faults, {} writes and {} that were not acknowledged",
        count(&counts.writes),
        count(&counts.refused)
    );
    println!(
        "{} versions taken, {lost} final values lost, {backward} steps backward",
        count(&counts.taken)
    );
    println!(
        "map: {} changes taken in {} steps, {differences} keys differ, {} half transactions, {} steps backward",
        map.changes, map.steps, map.halves, map.backward
    );
    println!("{left} watches left on the servers");
    println!(
        "memory in kB and tasks, at the start, every 20 faults, at the end, after the watchers: {figures:?}"
    );
    let is_map_kept = differences == 0 && map.halves == 0 && map.backward == 0;
    lost == 0 && is_map_kept && backward == 0 && left == 0
}

/// Follows a key in a task of its own, and hands on what was taken last.
fn follow(store: &EtcdStore, key: usize, counts: &Arc<Counts>) -> MemoryReader<Entry> {
    let (newest, counts) = (MemoryValue::empty(), Arc::clone(counts));
    let (reader, mut watcher) = (newest.reader(), store.value(name(key)).watch());
    tokio::spawn(async move {
        let mut last: Option<Option<i64>> = None;
        while let Ok(entry) = watcher.get().await {
            counts.taken.fetch_add(1, Ordering::Relaxed);
            let is_backward = last.is_some_and(|last| entry.revision() <= last);
            counts.backward.fetch_add(u64::from(is_backward), Ordering::Relaxed);
            last = Some(entry.revision());
            newest.set(entry);
        }
    });
    reader
}

async fn write(client: Client, counts: Arc<Counts>, until: Instant, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed + 1);
    while Instant::now() < until {
        let (mut kv, value) = (client.kv_client(), random.u64(..).to_string());
        let key = random.usize(..KEYS);
        let write = async {
            match random.u8(..6) {
                0 => kv.put(format!("{FOLDER}{key}"), value, None).await.map(drop),
                1 => kv.clone().delete(format!("{FOLDER}{key}"), None).await.map(drop),
                2 => {
                    let put = random.bool();
                    let operations = mirror::group(key % GROUPS).map(|key| {
                        let key = format!("{FOLDER}{key}");
                        if put {
                            TxnOp::put(key, value.clone(), None)
                        } else {
                            TxnOp::delete(key, None)
                        }
                    });
                    kv.txn(Txn::new().and_then(operations)).await.map(drop)
                }
                _ => kv.put(name(key), value, None).await.map(drop),
            }
        };
        let done = matches!(timeout(Duration::from_secs(2), write).await, Ok(Ok(())));
        let count = if done { &counts.writes } else { &counts.refused };
        count.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(2)).await;
    }
}

/// One fault and its end; the cluster is whole when this returns.
async fn break_something(cluster: &Cluster, proxies: &[Proxy], random: &mut fastrand::Rng) {
    let at = random.usize(..3);
    let (node, proxy) = (cluster.node(at), &proxies[at]);
    let lasts = Duration::from_millis(random.u64(500..8000));
    match random.u8(..7) {
        0 => {
            node.kill();
            sleep(lasts).await;
            node.restart().await;
        }
        1 => {
            node.stop();
            sleep(lasts).await;
            node.cont();
        }
        2 => {
            node.cut_from_peers().await;
            sleep(lasts).await;
            node.rejoin_peers();
        }
        3 => proxy.reset().await,
        4 => {
            proxy.hold();
            sleep(lasts).await;
            proxy.release();
        }
        5 => {
            proxy.refuse().await;
            sleep(lasts).await;
            proxy.accept();
        }
        _ => {
            let client = cluster.client().await;
            if let Ok(put) = client.kv_client().put("other", "x", None).await {
                let revision = put.header().map_or(0, etcd_client::ResponseHeader::revision);
                let options = CompactionOptions::new().with_physical();
                let _ = client.kv_client().compact(revision, Some(options)).await;
            }
        }
    }
}

/// Each key once more: a watcher that died on the way would not notice otherwise.
async fn final_round(client: &Client) {
    for key in 0..KEYS {
        eventually(Duration::from_secs(60), "a last put is taken", async || {
            client.kv_client().put(name(key), "last", None).await
        })
        .await;
    }
}

/// How many watchers do not come to hold what the store holds.
async fn lost(client: &Client, newest: &[MemoryReader<Entry>]) -> usize {
    let mut lost = 0;
    for (key, newest) in newest.iter().enumerate() {
        let held = eventually(Duration::from_secs(60), "a read is answered", async || {
            client.kv_client().get(name(key), None).await
        })
        .await;
        let Some(held) = held.kvs().first() else { continue };
        // A put that was not acknowledged may be applied late: what is newer will do.
        let same = |entry: &Entry| {
            let revision = Some(held.mod_revision());
            entry.revision() > revision
                || (entry.revision() == revision
                    && entry.value().is_some_and(|value| value == held.value()))
        };
        let taken = async { newest.watch().get_if(same).await.is_ok() };
        lost += usize::from(!timeout(Duration::from_secs(30), taken).await.unwrap_or(false));
    }
    lost
}

fn name(key: usize) -> String {
    format!("key-{key}")
}

fn figure() -> (u64, usize) {
    (resident(), Handle::current().metrics().num_alive_tasks())
}
