//! Members that die, stop, or lose their peers.

use std::time::{Duration, Instant};

use etcd_harness::{Cluster, Node};
use event_etcd::Options;
use tokio::time::sleep;

use crate::row::Row;
use crate::scenario::{Scenario, seconds};

pub(crate) async fn killed(down: Duration) -> Row {
    let cluster = Cluster::start(1).await;
    let mut scenario =
        Scenario::start(&cluster, cluster.endpoints(), Options::new(), &cluster.client().await)
            .await;
    let fault = Instant::now();
    cluster.node(0).kill();
    sleep(down).await;
    cluster.node(0).restart().await;
    let ready = Instant::now();
    scenario.put(&cluster.client().await).await;
    scenario.end(fault, ready, seconds(1)).await.require_detected()
}

/// A server that ends in order keeps its streams for a while, and until then they serve.
pub(crate) async fn terminated() -> Row {
    let cluster = Cluster::start(1).await;
    let mut scenario =
        Scenario::start(&cluster, cluster.endpoints(), Options::new(), &cluster.client().await)
            .await;
    let fault = Instant::now();
    cluster.node(0).terminate().await;
    cluster.node(0).restart().await;
    let ready = Instant::now();
    scenario.put(&cluster.client().await).await;
    scenario.end(fault, ready, seconds(1) * 3 / 10).await
}

/// A store on a follower, so that the others have a leader all the time.
async fn on_a_follower(cluster: &Cluster, leader: &Node) -> Scenario {
    let mut endpoints = cluster.endpoints();
    endpoints.sort_by_key(|endpoint| *endpoint == leader.endpoint());
    Scenario::start(cluster, endpoints, Options::new(), &cluster.client().await).await
}

pub(crate) async fn in_use_killed() -> Row {
    let cluster = Cluster::start(3).await;
    let leader = cluster.leader().await;
    let mut scenario = on_a_follower(&cluster, leader).await;
    let dead = scenario.node_in_use(&cluster).await;
    let fault = Instant::now();
    dead.kill();
    scenario.put(&leader.client().await).await;
    scenario.end(fault, fault, seconds(1)).await
}

/// The leader, which is in use too.
pub(crate) async fn leader_killed() -> Row {
    let cluster = Cluster::start(3).await;
    let leader = cluster.leader().await;
    let mut endpoints = cluster.endpoints();
    endpoints.sort_by_key(|endpoint| *endpoint != leader.endpoint());
    let mut scenario =
        Scenario::start(&cluster, endpoints, Options::new(), &cluster.client().await).await;
    let fault = Instant::now();
    leader.kill();
    let successor = cluster.leader().await;
    let elected = Instant::now();
    scenario.put(&successor.client().await).await;
    scenario.end(fault, elected, seconds(1)).await.require_detected()
}

pub(crate) async fn in_use_stopped() -> Row {
    let cluster = Cluster::start(3).await;
    let leader = cluster.leader().await;
    let mut scenario = on_a_follower(&cluster, leader).await;
    let stopped = scenario.node_in_use(&cluster).await;
    let fault = Instant::now();
    stopped.stop();
    scenario.put(&leader.client().await).await;
    let taken = scenario.take_last().await;
    sleep(seconds(30).saturating_sub(fault.elapsed())).await;
    stopped.cont();
    let mut row = scenario.end(fault, fault, seconds(6)).await;
    row.took = taken.map_or(row.took, |at| at - fault);
    row.require_detected()
}

pub(crate) async fn cut_from_peers() -> Row {
    let cluster = Cluster::start(3).await;
    let leader = cluster.leader().await;
    let mut scenario = on_a_follower(&cluster, leader).await;
    let cut = scenario.node_in_use(&cluster).await;
    let fault = Instant::now();
    cut.cut_from_peers().await;
    scenario.put(&leader.client().await).await;
    let row = scenario.end(fault, fault, seconds(5)).await.require_said("NoLeader");
    cut.rejoin_peers();
    row
}

pub(crate) async fn two_stopped() -> Row {
    let cluster = Cluster::start(3).await;
    let mut scenario =
        Scenario::start(&cluster, cluster.endpoints(), Options::new(), &cluster.client().await)
            .await;
    let in_use = scenario.node_in_use(&cluster).await;
    let others: Vec<_> =
        cluster.nodes().iter().filter(|node| node.name() != in_use.name()).collect();
    let fault = Instant::now();
    for node in &others {
        node.stop();
    }
    sleep(seconds(10)).await;
    for node in &others {
        node.cont();
    }
    // The cluster elects a leader first: what is measured begins with the first put that is taken.
    scenario.put(&cluster.client().await).await;
    let healed = Instant::now();
    scenario.end(fault, healed, seconds(1)).await.require_detected()
}
