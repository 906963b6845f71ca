//! Set-ups that people run: small limits, slow links, lists of members that change, blocked runtimes.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use etcd_harness::{Cluster, Proxy, eventually};
use event_core::{CauseKind, HealthState, ValueReader, WatcherExt};
use event_etcd::EtcdStore;
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::support::{BOUND, DETECTION, HealthExt, options, put, store, until};

#[tokio::test]
async fn a_server_that_takes_one_call_or_stream_at_a_time_serves_many_keys() {
    let cluster = Cluster::builder().arg("--max-concurrent-streams=1").start().await;
    let writer = cluster.client().await;
    put(&writer, "key-0", "a").await;
    let store = store(cluster.endpoints()).await;
    let mut watchers: Vec<_> =
        (0..2000).map(|key| store.value(format!("key-{key}")).watch()).collect();
    let first = join_all(watchers.iter_mut().map(WatcherExt::get));
    let first = timeout(BOUND, first).await.expect("all first versions arrive");
    assert_eq!(first[0].as_ref().unwrap().value().unwrap(), "a");
    store.health_live().await;
    for key in [0, 1999] {
        put(&writer, &format!("key-{key}"), "b").await;
        until(&mut watchers[key], "b").await;
    }
}

#[tokio::test]
async fn a_value_that_takes_long_on_a_slow_link_arrives() {
    let cluster = Cluster::start(1).await;
    let proxy = Proxy::start(cluster.node(0).address());
    let value = "x".repeat(300_000);
    let writer = cluster.client().await;
    put(&writer, "key", value.as_str()).await;
    proxy.throttle(Some(100_000));
    let store = store([proxy.endpoint()]).await;
    let mut watcher = store.value("key").watch();
    // Three times the timeouts.
    until(&mut watcher, &value).await;
    store.health_live().await;
    let later = "y".repeat(300_000);
    put(&writer, "key", later.as_str()).await;
    until(&mut watcher, &later).await;
    assert_eq!(proxy.accepted(), 1, "it is one connection all the time");
    // Nothing proves by a second copy that the first one is right, after a reset neither.
    proxy.reset().await;
    let last = "z".repeat(300_000);
    put(&writer, "key", last.as_str()).await;
    until(&mut watcher, &last).await;
    assert!(proxy.bytes_to_client() < 1_400_000, "{}", proxy.bytes_to_client());
}

#[tokio::test]
async fn the_list_of_members_is_followed_if_the_program_wants_it() {
    let cluster = Cluster::start(3).await;
    let (first, other) = (cluster.node(0), cluster.node(1));
    put(&cluster.client().await, "key", "a").await;
    let options = options().follow_members(true);
    let store = EtcdStore::connect([first.endpoint()], options).await.unwrap();
    let mut watcher = store.value("key").watch();
    until(&mut watcher, "a").await;
    let listed = r#"grpc_server_handled_total{grpc_code="OK",grpc_method="MemberList",grpc_service="etcdserverpb.Cluster",grpc_type="unary"}"#;
    eventually(BOUND, "the list is read", async || first.metric(listed).await > 0.0).await;
    first.kill();
    cluster.leader().await;
    put(&other.client().await, "key", "b").await;
    until(&mut watcher, "b").await;
}

#[tokio::test]
async fn stores_spread_over_the_members() {
    let cluster = Cluster::start(3).await;
    let mut counts = BTreeMap::new();
    let options = || options().ordered_endpoints(false);
    let mut kept = Vec::new();
    for _ in 0..30 {
        let store = EtcdStore::connect(cluster.endpoints(), options()).await.unwrap();
        kept.push(store.value("key").watch());
        let source = store.health_live().await.source.unwrap();
        *counts.entry(source).or_insert(0) += 1;
    }
    // Less than one in ten thousand runs has a member with fewer.
    assert!(counts.len() == 3 && counts.values().all(|count| *count >= 2), "{counts:?}");
}

#[tokio::test]
async fn another_cluster_than_the_program_wants_is_refused_and_both_ids_are_named() {
    let cluster = Cluster::start(1).await;
    put(&cluster.client().await, "key", "a").await;
    let options = options().cluster_id(0xabc);
    let refusing = EtcdStore::connect(cluster.endpoints(), options).await.unwrap();
    let mut watcher = refusing.value("key").watch();
    let cause = timeout(BOUND, refusing.health_stalled(CauseKind::OtherCluster)).await.unwrap();
    let store = store(cluster.endpoints()).await;
    until(&mut store.value("key").watch(), "a").await;
    let id = store.health_live().await.cluster.unwrap();
    assert!(cause.message().contains("abc") && cause.message().contains(&*id), "{cause}");
    assert!(watcher.try_get().is_none(), "nothing of it is published");
}

/// The clock has gone on, and what the server sent meanwhile was not read.
#[test]
fn a_runtime_that_was_blocked_gives_no_false_alarm() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let harness = tokio::runtime::Runtime::new().unwrap();
    let cluster = harness.block_on(Cluster::start(1));
    harness.block_on(async { put(&cluster.client().await, "key", "a").await });
    runtime.block_on(async {
        let store = store(cluster.endpoints()).await;
        let mut watcher = store.value("key").watch();
        until(&mut watcher, "a").await;
        store.health_live().await;
        let mut health = store.health().watch();
        assert_eq!(health.get().await.unwrap().state, HealthState::Live);
        for _ in 0..3 {
            // In the middle of a question, sooner or later.
            tokio::time::sleep(DETECTION * 2 / 5).await;
            thread::sleep(DETECTION * 3);
            let news = timeout(Duration::from_millis(500), health.get()).await;
            assert!(news.is_err(), "{news:?}");
        }
    });
}
