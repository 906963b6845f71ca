//! Much at once, and long pauses.

use std::time::{Duration, Instant};

use etcd_client::PutOptions;
use etcd_harness::Cluster;
use event_core::{ValueReader, WatcherExt};
use event_etcd::Options;
use tokio::time::{sleep, timeout};

use crate::catching_up::{self, Pause};
use crate::row::Row;
use crate::scenario::{KEY, NEVER, Scenario, seconds};

/// What the memory of client and writer may grow by.
const ASLEEP_KB: u64 = 8 * 1024;
const LARGE_KB: u64 = 64 * 1024;

/// A watcher that does not look while its key changes 100,000 times.
pub(crate) async fn asleep() -> Row {
    let cluster = Cluster::start(1).await;
    let writer = cluster.client().await;
    let mut scenario =
        Scenario::start(&cluster, cluster.endpoints(), Options::new(), &writer).await;
    let mut asleep = scenario.store.value(KEY).watch();
    let _ = asleep.get().await;
    let (before, fault) = (resident(), Instant::now());
    for _ in 0..100 {
        // A transaction can't write a key twice: a thousand puts at once, 64 under way.
        let puts = (0..1000).map(|i| {
            let (mut kv, number) = (writer.kv_client(), scenario.last + 1 + i);
            async move { kv.put(KEY, number.to_string(), None).await.is_ok() }
        });
        let mut puts: Vec<_> = puts.collect();
        while !puts.is_empty() {
            let batch: Vec<_> = puts.drain(..puts.len().min(64)).map(tokio::spawn).collect();
            for put in batch {
                let _ = put.await;
            }
        }
        scenario.last += 1000;
    }
    scenario.put(&writer).await;
    let woken = Instant::now();
    let wanted = scenario.last.to_string();
    let last =
        asleep.get_if(|entry| entry.value().is_some_and(|value| value == wanted.as_bytes())).await;
    let took = woken.elapsed();
    drop(asleep);
    let grown = resident().saturating_sub(before);
    let mut row = scenario.end(fault, woken, seconds(1) / 5).await;
    row.took = took;
    row.lost += u32::from(last.is_err());
    row.backward = 0; // the puts of one batch race each other
    row.said = format!("client and writer grew by {grown} kB");
    row.require(grown < ASLEEP_KB, "memory grew")
}

/// A key that changes many times while no byte of the connection passes.
pub(crate) async fn held(puts: u64, seconds: f64) -> Row {
    Box::pin(catching_up::row(puts, Pause::Held(Duration::from_secs_f64(seconds)))).await
}

/// A key that changes many times while the store's whole runtime is blocked.
pub(crate) async fn blocked(puts: u64) -> Row {
    Box::pin(catching_up::row(puts, Pause::Asleep)).await
}

pub(crate) async fn large(values: u64, bytes: usize) -> Row {
    let cluster = Cluster::builder().arg("--max-request-bytes=10485760").start().await;
    let writer = cluster.client().await;
    let mut scenario =
        Scenario::start(&cluster, cluster.endpoints(), Options::new(), &writer).await;
    let (before, fault) = (resident(), Instant::now());
    for _ in 0..values {
        scenario.put_large(&writer, bytes).await;
    }
    let last = Instant::now();
    scenario.take_last().await;
    let grown = resident().saturating_sub(before);
    let mut row = scenario.end(fault, last, seconds(1)).await;
    row.said = format!("client and writer grew by {grown} kB");
    row.require(grown < LARGE_KB, "memory grew")
}

/// Deleted, and created again after a pause.
pub(crate) async fn deleted(pause: u64) -> Row {
    let cluster = Cluster::start(1).await;
    let writer = cluster.client().await;
    let mut scenario =
        Scenario::start(&cluster, cluster.endpoints(), Options::new(), &writer).await;
    let mut watcher = scenario.store.value(KEY).watch();
    let fault = Instant::now();
    writer.kv_client().delete(KEY, None).await.expect("a delete");
    let gone = timeout(NEVER, watcher.get_if(|entry| entry.value().is_none())).await;
    let published = fault.elapsed();
    drop(watcher);
    sleep(seconds(pause)).await;
    let created = Instant::now();
    scenario.put(&writer).await;
    let mut row = scenario.end(fault, created, seconds(1)).await;
    row.said = format!(
        "its absence published after {:.1} ms; {}",
        published.as_secs_f64() * 1e3,
        row.said
    );
    row.require(
        matches!(gone, Ok(Ok(_))) && published < seconds(1),
        "its absence was published late",
    )
}

/// The key goes with its lease, then is written again.
pub(crate) async fn lease_expired() -> Row {
    let cluster = Cluster::start(1).await;
    let writer = cluster.client().await;
    let mut scenario =
        Scenario::start(&cluster, cluster.endpoints(), Options::new(), &writer).await;
    let mut watcher = scenario.store.value(KEY).watch();
    let lease = writer.lease_client().grant(2, None).await.expect("a lease").id();
    let leased = PutOptions::new().with_lease(lease);
    scenario.last += 1;
    writer.kv_client().put(KEY, scenario.last.to_string(), Some(leased)).await.expect("a put");
    scenario.take_last().await;
    let fault = Instant::now();
    let expired = async {
        while writer.kv_client().get(KEY, None).await.is_ok_and(|got| got.count() > 0) {
            sleep(Duration::from_millis(5)).await;
        }
        Instant::now()
    };
    let absent = async {
        let gone = timeout(NEVER, watcher.get_if(|entry| entry.value().is_none())).await;
        (matches!(gone, Ok(Ok(_))), Instant::now())
    };
    let (expired, (gone, absent_at)) = tokio::join!(expired, absent);
    drop(watcher);
    let late = absent_at.saturating_duration_since(expired);
    let written = Instant::now();
    scenario.put(&writer).await;
    let mut row = scenario.end(fault, written, seconds(1)).await;
    let late_ms = late.as_secs_f64() * 1e3;
    row.said = format!("its absence published within {late_ms:.1} ms; {}", row.said);
    row.require(gone && late < seconds(1), "its absence was published late")
}

/// This process's memory, in kB.
pub(crate) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
