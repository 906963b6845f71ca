//! Credentials and permissions that change under way.

use std::time::{Duration, Instant};

use etcd_client::Client;
use etcd_harness::{Cluster, Proxy, auth, eventually};
use event_core::HealthState;
use event_etcd::Options;
use tokio::time::{sleep, timeout};

use crate::row::Row;
use crate::scenario::{KEY, NEVER, Scenario, seconds};

const PASSWORD: &str = "password";

async fn start(cluster: &Cluster) -> (Proxy, Client, Scenario) {
    let client = cluster.client().await;
    auth::add_reader(&client, "reader", PASSWORD, "role", KEY).await;
    auth::enable(&client, "root").await;
    let (proxy, root) =
        (Proxy::start(cluster.node(0).address()), cluster.client_as("root", "root").await);
    let options = Options::new().user("reader", PASSWORD);
    let scenario = Scenario::start(cluster, vec![proxy.endpoint()], options, &root).await;
    (proxy, root, scenario)
}

pub(crate) async fn permission() -> Row {
    let cluster = Cluster::start(1).await;
    let (proxy, root, mut scenario) = start(&cluster).await;
    let fault = Instant::now();
    auth::revoke_read(&root, "role", KEY).await;
    proxy.reset().await;
    let _ = timeout(NEVER, scenario.state(HealthState::Stalled)).await;
    sleep(seconds(3)).await;
    scenario.put(&root).await;
    auth::grant_read(&root, "role", KEY).await;
    let healed = Instant::now();
    scenario.end(fault, healed, seconds(1)).await.require_said("PermissionDenied")
}

pub(crate) async fn password() -> Row {
    let cluster = Cluster::start(1).await;
    let (proxy, root, mut scenario) = start(&cluster).await;
    let fault = Instant::now();
    auth::change_password(&root, "reader", "another").await;
    proxy.reset().await;
    let _ = timeout(NEVER, scenario.state(HealthState::Stalled)).await;
    sleep(seconds(3)).await;
    scenario.put(&root).await;
    auth::change_password(&root, "reader", PASSWORD).await;
    let healed = Instant::now();
    scenario.end(fault, healed, seconds(1)).await.require_said("Unauthenticated")
}

pub(crate) async fn token() -> Row {
    let cluster = Cluster::builder().arg("--auth-token-ttl=1").start().await;
    let (proxy, _, mut scenario) = start(&cluster).await;
    let witness = cluster.client_as("reader", PASSWORD).await;
    eventually(NEVER, "a token expires", async || {
        sleep(Duration::from_millis(1500)).await;
        witness.kv_client().get(KEY, None).await.is_err()
    })
    .await;
    let root = cluster.client_as("root", "root").await;
    let fault = Instant::now();
    proxy.reset().await;
    scenario.put(&root).await;
    scenario.end(fault, fault, seconds(1)).await
}
