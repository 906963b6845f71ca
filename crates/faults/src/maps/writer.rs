//! A writer that knows nothing of the store, and writes a thousand keys a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use etcd_client::{Client, Error, Txn, TxnOp};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::FOLDER;
use crate::health_log::ended_badly;
use crate::mirror::{GROUP, group, mark};

/// Keys that nobody writes after the start: a range of several pages.
const BASE: usize = 3000;
/// Keys that are put and deleted one by one, and groups that are written as a whole.
const SINGLE: usize = 500;
const GROUPS: usize = 100;
/// So many keys are written each time.
const AT_ONCE: usize = 10;
const EVERY: Duration = Duration::from_millis(10);
/// What a write may take, before another member is asked.
const WRITE: Duration = Duration::from_secs(1);
/// What a server takes in one transaction.
const OPERATIONS: usize = 128;

pub(super) struct Writer {
    clients: Vec<Client>,
    counts: Arc<Counts>,
    started: Instant,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Keys whose write was acknowledged, and writes that were not.
    keys: AtomicU64,
    refused: AtomicU64,
    is_over: AtomicBool,
}

impl Writer {
    /// Writes all keys once, and goes on until it is stopped. Each client is of one member.
    pub(super) async fn start(clients: Vec<Client>) -> Self {
        let counts = Arc::new(Counts::default());
        let base: Vec<_> =
            (0..BASE).map(|key| format!("{FOLDER}{}-base-{key:04}", key % GROUP)).collect();
        for keys in base.chunks(OPERATIONS) {
            let puts: Vec<_> =
                keys.iter().map(|key| TxnOp::put(key.as_str(), value(0), None)).collect();
            let written = clients[0].kv_client().txn(Txn::new().and_then(puts)).await;
            written.expect("the first keys are taken");
        }
        let task = tokio::spawn(write(clients.clone(), Arc::clone(&counts)));
        Self { clients, counts, started: Instant::now(), task }
    }

    /// Marks a moment, as soon as a server takes it.
    pub(super) async fn mark(&self, number: u64) {
        let mut clients = self.clients.iter().cycle();
        loop {
            let Some(client) = clients.next() else { return };
            let mut kv = client.kv_client();
            let put = kv.put(mark(FOLDER), number.to_string(), None);
            if matches!(timeout(WRITE, put).await, Ok(Ok(_))) {
                return;
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Ends the writer when its last write is answered. Returns what it did, and whether it panicked.
    pub(super) async fn stop(self) -> (String, bool) {
        self.counts.is_over.store(true, Ordering::Relaxed);
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let is_over = timeout(WRITE * 20, async {
            while !self.task.is_finished() {
                tokio::time::sleep(EVERY).await;
            }
        });
        let is_late = is_over.await.is_err();
        let keys = count(&self.counts.keys);
        let lasted = self.started.elapsed().as_secs_f64();
        let panicked = ended_badly(self.task).await;
        let refused = count(&self.counts.refused);
        (
            format!("{keys} keys written in {lasted:.1} s, {refused} writes refused"),
            panicked || is_late,
        )
    }
}

async fn write(clients: Vec<Client>, counts: Arc<Counts>) {
    let mut random = fastrand::Rng::new();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut at, mut number) = (0, 0);
    while !counts.is_over.load(Ordering::Relaxed) {
        ticks.tick().await;
        let mut written = 0;
        while written < AT_ONCE {
            number += 1;
            let client = &clients[at % clients.len()];
            if let Ok(Ok(keys)) = timeout(WRITE, write_some(client, &mut random, number)).await {
                counts.keys.fetch_add(keys as u64, Ordering::Relaxed);
                written += keys;
            } else {
                counts.refused.fetch_add(1, Ordering::Relaxed);
                at += 1; // another member may serve
                break;
            }
        }
    }
}

/// One write, of one key or of several. Says of how many.
async fn write_some(
    client: &Client,
    random: &mut fastrand::Rng,
    number: u64,
) -> Result<usize, Error> {
    let mut kv = client.kv_client();
    let single = format!("{FOLDER}single-{}", random.usize(..SINGLE));
    let keys = group(random.usize(..GROUPS)).map(|key| format!("{FOLDER}{key}"));
    match random.u8(..8) {
        0..3 => kv.put(single, value(number), None).await.map(|_| 1),
        3..5 => kv.delete(single, None).await.map(|_| 1),
        other => {
            let operation = |key: &String| match other {
                5 => TxnOp::delete(key.as_str(), None),
                _ => TxnOp::put(key.as_str(), value(number), None),
            };
            let operations: Vec<_> = keys.iter().map(operation).collect();
            kv.txn(Txn::new().and_then(operations)).await.map(|_| keys.len())
        }
    }
}

/// 60 bytes.
fn value(number: u64) -> String {
    format!("{number:060}")
}
