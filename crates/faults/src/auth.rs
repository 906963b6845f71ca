//! Credentials and permissions that change under way.

use std::time::{Duration, Instant};

use etcd_client::Client;
use etcd_harness::{Cluster, Proxy, auth, eventually};
use event_core::{CauseKind, HealthState, ValueReader, WatcherExt};
use event_etcd::{EtcdStore, Options};
use futures_util::future::join_all;
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
    let _ = timeout(NEVER, scenario.cause(CauseKind::PermissionDenied)).await;
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

/// Many stores that log in at once, where the check of a password is expensive.
pub(crate) async fn login_storm() -> Row {
    const STORES: u32 = 60;
    const AT_ONCE: u32 = 4;
    let cluster = Cluster::builder().arg("--bcrypt-cost=12").start().await;
    let client = cluster.client().await;
    client.kv_client().put(KEY, "1", None).await.expect("a put is taken");
    auth::add_reader(&client, "reader", PASSWORD, "role", KEY).await;
    auth::enable(&client, "root").await;

    let start = Instant::now();
    let logins = (0..AT_ONCE).map(|_| cluster.client_as("reader", PASSWORD));
    join_all(logins).await;
    let needed = start.elapsed() * STORES / AT_ONCE;

    let start = Instant::now();
    let endpoints = cluster.endpoints();
    let first_values = (0..STORES).map(|_| {
        let endpoints = endpoints.clone();
        tokio::spawn(async move {
            let options = Options::new().user("reader", PASSWORD);
            let store = EtcdStore::connect(endpoints, options).await.expect("well formed");
            timeout(NEVER, store.value(KEY).watch().get()).await.is_ok_and(|first| first.is_ok())
        })
    });
    let got = join_all(first_values).await;
    let without = got.iter().filter(|got| !matches!(got, Ok(true))).count();
    let said = format!("60 logins take the server {:.1} s", needed.as_secs_f64());
    Row {
        said,
        lost: u32::try_from(without).unwrap_or(u32::MAX),
        ..Row::new(start.elapsed(), needed * 2)
    }
}
