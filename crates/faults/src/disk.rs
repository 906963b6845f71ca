//! A disk that stops answering. The member answers progress requests and pings, names a leader, and applies
//! nothing.

use std::time::{Duration, Instant};

use etcd_harness::Cluster;
use event_core::HealthState;
use event_etcd::Options;
use tokio::time::{sleep, timeout};

use crate::row::Row;
use crate::scenario::{NEVER, Scenario, seconds};

/// Twice the liveness timeout, and a second for what is measured around it.
pub(crate) const BOUND: u64 = 11;

/// A node commits what it applied within 100 ms. After that, the next sync is that of its log, and it goes on
/// answering progress requests. If the commit hangs, it answers nothing, which is noticed sooner.
const COMMITTED: Duration = Duration::from_secs(1);

/// A cluster whose nodes sync, as nodes do outside of tests.
pub(crate) async fn cluster(nodes: usize) -> Cluster {
    let mut builder = Cluster::builder().nodes(nodes);
    // An older etcd knows no such flag, and syncs.
    if etcd_harness::Binary::find().version() >= (3, 5, 0) {
        builder = builder.arg("--unsafe-no-fsync=false");
    }
    builder.start().await
}

pub(crate) async fn in_use_stalled() -> Row {
    let cluster = cluster(3).await;
    let leader = cluster.leader().await;
    let follower = cluster.follower().await;
    // The only member there is, at first. The store is then sure to be on it.
    let endpoints = vec![follower.endpoint()];
    let writer = leader.client().await;
    let mut scenario = Scenario::start(&cluster, endpoints, Options::new(), &writer).await;
    for node in cluster.nodes().iter().filter(|node| node.name() != follower.name()) {
        scenario.store.add_endpoint(node.endpoint()).expect("the endpoint is well formed");
    }
    sleep(COMMITTED).await;
    let fault = Instant::now();
    let stalled = match follower.stall_disk().await {
        Ok(stalled) => stalled,
        Err(error) => return Row::not_run(format!("strace ({error})")),
    };
    scenario.put(&writer).await;
    scenario.take_last().await;
    drop(stalled);
    scenario.end(fault, fault, seconds(BOUND)).await
}

pub(crate) async fn only_one_stalled() -> Row {
    let cluster = cluster(1).await;
    let writer = cluster.client().await;
    let endpoints = cluster.endpoints();
    let mut scenario = Scenario::start(&cluster, endpoints, Options::new(), &writer).await;
    sleep(COMMITTED).await;
    let fault = Instant::now();
    let stalled = match cluster.node(0).stall_disk().await {
        Ok(stalled) => stalled,
        Err(error) => return Row::not_run(format!("strace ({error})")),
    };
    // What makes the server sync. It is not applied before the disk answers again.
    let hangs = writer.clone();
    let hanging =
        tokio::spawn(async move { hangs.kv_client().put("another key", "x", None).await });
    let detected = timeout(seconds(BOUND), scenario.state(HealthState::Stalled)).await.is_ok();
    sleep(seconds(BOUND).saturating_sub(fault.elapsed())).await;
    drop(stalled);
    hanging.abort();
    let healed = Instant::now();
    let put = timeout(NEVER, scenario.put(&writer)).await;
    let row = scenario.end(fault, healed, seconds(5)).await;
    row.require(detected, "health did not say stalled within the bound")
        .require(put.is_ok(), "a put was not taken")
}
