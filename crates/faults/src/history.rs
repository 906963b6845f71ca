//! History that is taken away, or replaced by another.

use std::time::Instant;

use etcd_client::{Client, CompactionOptions};
use etcd_harness::{Cluster, Proxy};
use event_etcd::Options;

use crate::row::Row;
use crate::scenario::{KEY, Scenario, seconds};

pub(crate) async fn compacted(connected: bool) -> Row {
    let cluster = Cluster::start(1).await;
    let (proxy, writer) = (Proxy::start(cluster.node(0).address()), cluster.client().await);
    let mut scenario =
        Scenario::start(&cluster, vec![proxy.endpoint()], Options::new(), &writer).await;
    let fault = Instant::now();
    if !connected {
        proxy.refuse().await;
    }
    for _ in 0..100 {
        scenario.put(&writer).await;
    }
    compact(&writer).await;
    let healed = Instant::now();
    if !connected {
        proxy.accept();
    }
    scenario.put(&writer).await;
    scenario.end(fault, healed, seconds(1)).await
}

/// The server has 30 MB to send that the store has not read, and is compacted under way.
pub(crate) async fn compacted_behind() -> Row {
    let cluster = Cluster::start(1).await;
    let (proxy, writer) = (Proxy::start(cluster.node(0).address()), cluster.client().await);
    let endpoints = vec![proxy.endpoint()];
    let mut scenario = Scenario::start(&cluster, endpoints, Options::new(), &writer).await;
    let fault = Instant::now();
    proxy.hold();
    for _ in 0..300 {
        scenario.put_large(&writer, 100_000).await;
    }
    compact(&writer).await;
    let healed = Instant::now();
    proxy.release();
    scenario.put(&writer).await;
    let behind = healed - fault;
    let mut row = scenario.end(fault, healed, seconds(1)).await;
    row.said = format!("held for {:.1} s; {}", behind.as_secs_f64(), row.said);
    row
}

async fn compact(client: &Client) {
    let put = client.kv_client().put("other", "x", None).await.expect("a put");
    let revision = put.header().expect("a header").revision();
    let options = CompactionOptions::new().with_physical();
    client.kv_client().compact(revision, Some(options)).await.expect("a compaction");
}

/// Wiped; with `past`, the new history has as many revisions as the old one before it is looked at.
pub(crate) async fn wiped(past: bool) -> Row {
    let cluster = Cluster::start(1).await;
    let node = cluster.node(0);
    let proxy = Proxy::start(node.address());
    let mut scenario =
        Scenario::start(&cluster, vec![proxy.endpoint()], Options::new(), &cluster.client().await)
            .await;
    for _ in 0..10 {
        scenario.put(&cluster.client().await).await;
    }
    let fault = Instant::now();
    if past {
        proxy.refuse().await;
    }
    node.kill();
    node.wipe();
    node.restart().await;
    let writer = cluster.client().await;
    for _ in 0..if past { 50 } else { 0 } {
        scenario.put(&writer).await;
    }
    let ready = Instant::now();
    proxy.accept();
    scenario.put(&writer).await;
    scenario.replaced().await;
    scenario.end(fault, ready, seconds(1)).await.require_said("replaced")
}

/// A snapshot from before the last ten values: the store comes to it before there is a new one.
pub(crate) async fn restored_older() -> Row {
    let cluster = Cluster::start(1).await;
    let node = cluster.node(0);
    let writer = cluster.client().await;
    let mut scenario =
        Scenario::start(&cluster, cluster.endpoints(), Options::new(), &writer).await;
    node.terminate().await;
    let copy = node.save_data();
    node.restart().await;
    let writer = cluster.client().await;
    for _ in 0..10 {
        scenario.put(&writer).await;
    }
    scenario.take_last().await;
    let fault = Instant::now();
    node.kill();
    node.restore_data(&copy);
    node.restart().await;
    scenario.took_back().await;
    let ready = Instant::now();
    scenario.put(&cluster.client().await).await;
    let row = scenario.end(fault, ready, seconds(1)).await;
    let is_published = row.backward == 1;
    row.require(is_published, "the snapshot's value was not published")
        .history_went_back()
        .require_said("replaced")
}

/// The other history's next value has the revision that the old one's had.
pub(crate) async fn restored_at_same_revision() -> Row {
    let cluster = Cluster::start(1).await;
    let node = cluster.node(0);
    let proxy = Proxy::start(node.address());
    let writer = cluster.client().await;
    writer.kv_client().put(KEY, "0", None).await.expect("a put");
    node.terminate().await;
    let copy = node.save_data();
    node.restart().await;
    let mut scenario =
        Scenario::start(&cluster, vec![proxy.endpoint()], Options::new(), &cluster.client().await)
            .await;
    let fault = Instant::now();
    proxy.refuse().await;
    node.kill();
    node.restore_data(&copy);
    node.restart().await;
    // The first put of the other history has the revision that the old one's first put had.
    scenario.put(&cluster.client().await).await;
    let ready = Instant::now();
    proxy.accept();
    scenario.replaced().await;
    scenario.end(fault, ready, seconds(1)).await.history_went_back().require_said("replaced")
}
