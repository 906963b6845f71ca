//! Much at once, and long pauses.

use std::time::Instant;

use etcd_harness::Cluster;
use event_core::{ValueReader, WatcherExt};
use event_etcd::Options;
use tokio::time::sleep;

use crate::scenario::{KEY, Row, Scenario, seconds};

/// A watcher that does not look while its key changes 100,000 times.
pub(crate) async fn asleep() -> Row {
    let cluster = Cluster::start(1).await;
    let writer = cluster.client().await;
    let mut scenario = Scenario::start(cluster.endpoints(), Options::new(), &writer).await;
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
    let last = asleep.get_if(|entry| entry.value.as_deref() == Some(wanted.as_bytes())).await;
    let took = woken.elapsed();
    let grown = resident().saturating_sub(before);
    let mut row = scenario.end(fault, woken, seconds(1) / 5).await;
    row.took = took;
    row.lost += u32::from(last.is_err());
    row.backward = 0; // the puts of one batch race each other
    row.said = format!("client and writer grew by {grown} kB");
    row
}

pub(crate) async fn large() -> Row {
    let cluster = Cluster::start(1).await;
    let writer = cluster.client().await;
    let mut scenario = Scenario::start(cluster.endpoints(), Options::new(), &writer).await;
    let (before, fault) = (resident(), Instant::now());
    for _ in 0..200 {
        scenario.last += 1;
        // `x` is passed over by the decoder.
        let value = format!("{}{}", scenario.last, "x".repeat(1 << 20));
        writer.kv_client().put(KEY, value, None).await.expect("a put");
    }
    let last = Instant::now();
    let mut row = scenario.end(fault, last, seconds(1)).await;
    row.said =
        format!("client and writer grew by {} kB; {}", resident().saturating_sub(before), row.said);
    row
}

pub(crate) async fn deleted() -> Row {
    let cluster = Cluster::start(1).await;
    let writer = cluster.client().await;
    let mut scenario = Scenario::start(cluster.endpoints(), Options::new(), &writer).await;
    let fault = Instant::now();
    writer.kv_client().delete(KEY, None).await.expect("a delete");
    sleep(seconds(10)).await;
    let created = Instant::now();
    scenario.put(&writer).await;
    scenario.end(fault, created, seconds(1)).await
}

/// This process's memory, in kB.
pub(crate) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
