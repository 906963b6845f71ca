//! What the tests share.

use std::time::{Duration, Instant};

use etcd_client::Client;
use etcd_harness::{Cluster, Node};
use event_core::{Entry, Error, Watcher, WatcherExt};
use event_etcd::{EtcdStore, Options};
use tokio::time::timeout;

/// A test that waits longer than this has found a bug: no wait of ours is near it.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// Faults are to be found in a second here, where a round trip takes less than a millisecond.
pub(crate) const DETECTION: Duration = Duration::from_secs(1);

pub(crate) fn options() -> Options {
    // In order: tests say which member is used first.
    Options::new().liveness_timeout(DETECTION).connect_timeout(DETECTION).ordered_endpoints(true)
}

/// A store on some endpoints.
pub(crate) async fn store(endpoints: impl IntoIterator<Item = String>) -> EtcdStore {
    EtcdStore::connect(endpoints, options()).await.expect("the endpoints are well formed")
}

/// One node, a client to write with, and a store.
pub(crate) async fn one_node() -> (Cluster, Client, EtcdStore) {
    let cluster = Cluster::start(1).await;
    let (client, store) = (cluster.client().await, store(cluster.endpoints()).await);
    (cluster, client, store)
}

pub(crate) async fn put(client: &Client, key: &str, value: impl Into<Vec<u8>>) -> i64 {
    let answer = client.kv_client().put(key, value, None).await.expect("the put is taken");
    answer.header().expect("an answer has a header").revision()
}

pub(crate) async fn delete(client: &Client, key: &str) -> i64 {
    let answer = client.kv_client().delete(key, None).await.expect("the delete is taken");
    answer.header().expect("an answer has a header").revision()
}

/// The next version, within the bound.
pub(crate) async fn next<T>(watcher: &mut impl Watcher<T>) -> Result<T, Error> {
    timeout(BOUND, watcher.get()).await.expect("a version comes within the bound")
}

/// The next entry's value, within the bound.
pub(crate) async fn text(watcher: &mut impl Watcher<Entry>) -> Option<String> {
    let value = next(watcher).await.expect("an entry").value()?.clone();
    Some(String::from_utf8(value.to_vec()).expect("text"))
}

/// Gets until the value is `wanted`, within the bound; says how long it took.
pub(crate) async fn until(watcher: &mut impl Watcher<Entry>, wanted: &str) -> Duration {
    let start = Instant::now();
    let mut last = None;
    let reached = async {
        while last.as_deref() != Some(wanted) {
            last = text(watcher).await;
        }
    };
    assert!(timeout(BOUND, reached).await.is_ok(), "{wanted} did not come within the bound");
    start.elapsed()
}

/// The node of a cluster that a store is connected to.
pub(crate) async fn node_in_use<'a>(store: &EtcdStore, cluster: &'a Cluster) -> &'a Node {
    let health = timeout(BOUND, store.health_live()).await.expect("live within the bound");
    let endpoint = health.source.expect("a live store has an endpoint");
    cluster.nodes().iter().find(|node| node.endpoint() == *endpoint).expect("one of the cluster's")
}

/// How many watches a server has.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a count
pub(crate) async fn watches(node: &Node) -> usize {
    node.metric("etcd_debugging_mvcc_watcher_total").await as usize
}

pub(crate) trait HealthExt {
    /// Waits until the store is live.
    async fn health_live(&self) -> event_core::Health;

    /// Waits until the store is stalled for this kind of cause.
    async fn health_stalled(&self, kind: event_core::CauseKind) -> event_core::Cause;
}

impl HealthExt for EtcdStore {
    async fn health_live(&self) -> event_core::Health {
        use event_core::ValueReader;
        let live = |health: &event_core::Health| health.state == event_core::HealthState::Live;
        self.health().watch().get_if(live).await.expect("the store goes on")
    }

    async fn health_stalled(&self, kind: event_core::CauseKind) -> event_core::Cause {
        use event_core::ValueReader;
        let is_it = |health: &event_core::Health| {
            health.cause.as_ref().is_some_and(|cause| cause.kind() == kind)
        };
        let health = self.health().watch().get_if(is_it).await.expect("the store goes on");
        health.cause.expect("it has one")
    }
}
