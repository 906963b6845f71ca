//! A map under faults, while somebody else writes a thousand keys a second.
//!
//! After each fault the map has to be what the store holds, and no step may show half a transaction. The faults are those
//! of the rows for a key that a range can take in another way: what ends a connection or a stream in the middle of
//! pages or of a revision, and what replaces the keys. The others end before a range is read: names, certificates, logins,
//! dead endpoints.

mod history;
mod scenario;
mod writer;

use std::time::{Duration, Instant};

use etcd_harness::{Cluster, Node, Proxy, Service, ServiceKind, auth, eventually};
use event_core::CauseKind;
use event_etcd::Options;
use tokio::time::{sleep, timeout};

use self::scenario::Scenario;
use crate::disk;
use crate::health_log;
use crate::row::Row;
use crate::scenario::{NEVER, seconds};

pub(crate) use self::history::{compacted, compacted_all_the_time, restored, wiped};

/// The folder of the map. All keys are in it.
const FOLDER: &str = "map/";
const PASSWORD: &str = "password";

async fn behind_proxy() -> (Cluster, Proxy, Scenario) {
    let cluster = Cluster::start(1).await;
    let proxy = Proxy::start(cluster.node(0).address());
    let scenario = Scenario::on(&cluster, vec![proxy.endpoint()]).await;
    (cluster, proxy, scenario)
}

/// The slowest of five.
pub(crate) async fn reset() -> Row {
    let (_cluster, proxy, mut scenario) = behind_proxy().await;
    let fault = Instant::now();
    let mut slowest = seconds(0);
    for _ in 0..5 {
        let reset = Instant::now();
        proxy.reset().await;
        slowest = slowest.max(scenario.catches_up(reset).await);
    }
    scenario.ended(fault, slowest, seconds(1), None).await
}

pub(crate) async fn half_open() -> Row {
    let (_cluster, proxy, scenario) = behind_proxy().await;
    let fault = Instant::now();
    proxy.hold();
    sleep(seconds(10)).await;
    let healed = Instant::now();
    proxy.release();
    scenario.end(fault, healed, seconds(1)).await.require_detected()
}

pub(crate) async fn server_killed() -> Row {
    let cluster = Cluster::start(1).await;
    let scenario = Scenario::on(&cluster, cluster.endpoints()).await;
    let fault = Instant::now();
    cluster.node(0).kill();
    sleep(seconds(2)).await;
    cluster.node(0).restart().await;
    scenario.end(fault, Instant::now(), seconds(1)).await.require_detected()
}

/// A store on a follower, so that the others have a leader all the time. The writer begins with the leader.
async fn on_a_follower(cluster: &Cluster) -> Scenario {
    let leader = cluster.leader().await;
    let (mut endpoints, mut clients) = (cluster.endpoints(), vec![leader.client().await]);
    endpoints.sort_by_key(|endpoint| *endpoint == leader.endpoint());
    for node in cluster.nodes().iter().filter(|node| node.name() != leader.name()) {
        clients.push(node.client().await);
    }
    let servers = cluster.nodes().iter().map(Node::address).collect();
    Scenario::start(servers, endpoints, Options::new(), clients).await
}

pub(crate) async fn in_use_killed() -> Row {
    let cluster = Cluster::start(3).await;
    let scenario = on_a_follower(&cluster).await;
    let fault = Instant::now();
    scenario.node_in_use(&cluster).await.kill();
    scenario.end(fault, fault, seconds(1)).await
}

/// The leader, which is in use too. What is measured begins with the election.
pub(crate) async fn leader_killed() -> Row {
    let cluster = Cluster::start(3).await;
    let leader = cluster.leader().await;
    let mut endpoints = cluster.endpoints();
    endpoints.sort_by_key(|endpoint| *endpoint != leader.endpoint());
    let mut scenario = Scenario::on(&cluster, endpoints).await;
    let fault = Instant::now();
    leader.kill();
    let successor = cluster.leader().await;
    let took = scenario.catches_up(Instant::now()).await;
    let reader = Some(successor.client().await);
    // A writer that has to find the new leader may wait for a second.
    scenario.ended(fault, took, seconds(3), reader).await.require_detected()
}

pub(crate) async fn cut_from_peers() -> Row {
    let cluster = Cluster::start(3).await;
    let scenario = on_a_follower(&cluster).await;
    let cut = scenario.node_in_use(&cluster).await;
    let fault = Instant::now();
    cut.cut_from_peers().await;
    let row = scenario.end(fault, fault, seconds(6)).await.require_detected();
    cut.rejoin_peers();
    row
}

pub(crate) async fn disk_stalled() -> Row {
    let cluster = disk::cluster(3).await;
    let mut scenario = on_a_follower(&cluster).await;
    let in_use = scenario.node_in_use(&cluster).await;
    let fault = Instant::now();
    let stalled = match in_use.stall_disk().await {
        Ok(stalled) => stalled,
        Err(error) => return Row::not_run(format!("strace ({error})")),
    };
    let took = scenario.catches_up(fault).await;
    drop(stalled);
    scenario.ended(fault, took, seconds(disk::BOUND), None).await.require_detected()
}

/// All keys take a second over this link, and the writer needs a quarter of it.
pub(crate) async fn slow_link() -> Row {
    let (_cluster, proxy, mut scenario) = behind_proxy().await;
    proxy.throttle(Some(500_000));
    let fault = Instant::now();
    let behind = scenario.catches_up(fault).await;
    let reset = Instant::now();
    proxy.reset().await;
    let took = scenario.catches_up(reset).await;
    let mut row = scenario.ended(fault, took.max(behind), seconds(5), None).await;
    row.said =
        format!("{:.1} s, and {:.1} s after a reset; {}", secs(behind), secs(took), row.said);
    row
}

fn secs(time: Duration) -> f64 {
    time.as_secs_f64()
}

pub(crate) async fn grpc_proxy() -> Row {
    let cluster = Cluster::start(1).await;
    let targets = [cluster.node(0).address()];
    let service = Service::start(ServiceKind::GrpcProxy, cluster.binary().path(), &targets).await;
    let clients = vec![cluster.client().await];
    // The proxy has a watch of its own.
    let endpoints = vec![service.endpoint()];
    let scenario = Scenario::start(Vec::new(), endpoints, Options::new(), clients).await;
    let fault = Instant::now();
    service.kill();
    sleep(seconds(2)).await;
    service.restart().await;
    scenario.end(fault, Instant::now(), seconds(3)).await.require_detected()
}

async fn with_auth(cluster: &Cluster) -> (Proxy, etcd_client::Client, Scenario) {
    let client = cluster.client().await;
    auth::add_reader(&client, "reader", PASSWORD, "role", FOLDER).await;
    auth::enable(&client, "root").await;
    let root = cluster.client_as("root", "root").await;
    let proxy = Proxy::start(cluster.node(0).address());
    let options = Options::new().user("reader", PASSWORD);
    let servers = vec![cluster.node(0).address()];
    let scenario =
        Scenario::start(servers, vec![proxy.endpoint()], options, vec![root.clone()]).await;
    (proxy, root, scenario)
}

pub(crate) async fn permission() -> Row {
    let cluster = Cluster::start(1).await;
    let (proxy, root, scenario) = with_auth(&cluster).await;
    let fault = Instant::now();
    auth::revoke_read(&root, "role", FOLDER).await;
    proxy.reset().await;
    let _ = timeout(NEVER, health_log::cause(&scenario.store, CauseKind::PermissionDenied)).await;
    sleep(seconds(2)).await;
    auth::grant_read(&root, "role", FOLDER).await;
    scenario.end(fault, Instant::now(), seconds(1)).await.require_said("PermissionDenied")
}

pub(crate) async fn token() -> Row {
    let cluster = Cluster::builder().arg("--auth-token-ttl=1").start().await;
    let (proxy, _, scenario) = with_auth(&cluster).await;
    let witness = cluster.client_as("reader", PASSWORD).await;
    eventually(NEVER, "a token expires", async || {
        sleep(Duration::from_millis(1500)).await;
        witness.kv_client().get(FOLDER, None).await.is_err()
    })
    .await;
    let fault = Instant::now();
    proxy.reset().await;
    scenario.end(fault, fault, seconds(1)).await
}
