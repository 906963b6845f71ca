//! Members that die, stop and lose their peers, and connections that break.

use std::time::Duration;

use etcd_harness::{Cluster, Proxy, eventually};
use event_core::{CauseKind, HealthState};
use event_core::{ValueReader, WatcherExt};
use event_etcd::{EtcdStore, Options};
use tokio::time::timeout;

use crate::support::{BOUND, DETECTION, HealthExt, node_in_use, one_node, put, store, text, until};

#[tokio::test]
async fn a_server_that_is_killed_and_restarted_is_watched_again() {
    let (cluster, client, store) = one_node().await;
    put(&client, "key", "a").await;
    let mut watcher = store.value("key").watch();
    until(&mut watcher, "a").await;
    cluster.node(0).kill();
    let stalled = |health: &event_core::Health| health.state == HealthState::Stalled;
    timeout(BOUND, store.health().watch().get_if(stalled)).await.expect("health says so").unwrap();
    cluster.node(0).restart().await;
    put(&client, "key", "b").await;
    assert_eq!(text(&mut watcher).await.as_deref(), Some("b"), "and `a` is not published again");
}

#[tokio::test]
async fn when_the_member_in_use_is_killed_the_next_one_serves() {
    let cluster = Cluster::start(3).await;
    let store = store(cluster.endpoints()).await;
    put(&cluster.client().await, "key", "a").await;
    let mut watcher = store.value("key").watch();
    until(&mut watcher, "a").await;
    let dead = node_in_use(&store, &cluster).await;
    dead.kill();
    let other = cluster.nodes().iter().find(|node| node.name() != dead.name()).unwrap();
    cluster.leader().await;
    put(&other.client().await, "key", "b").await;
    until(&mut watcher, "b").await;
}

#[tokio::test]
async fn when_the_member_in_use_is_stopped_the_next_one_serves() {
    let cluster = Cluster::start(3).await;
    // A follower: a put that waits for a new leader may be applied after a later one.
    let (stopped, leader) = (cluster.follower().await, cluster.leader().await);
    let (mut endpoints, writer) = (cluster.endpoints(), leader.client().await);
    endpoints.sort_by_key(|endpoint| *endpoint != stopped.endpoint());
    put(&writer, "key", "a").await;
    let store = store(endpoints).await;
    let mut watcher = store.value("key").watch();
    until(&mut watcher, "a").await;
    assert_eq!(node_in_use(&store, &cluster).await.name(), stopped.name());
    stopped.stop();
    put(&writer, "key", "b").await;
    until(&mut watcher, "b").await;
    assert_ne!(node_in_use(&store, &cluster).await.name(), stopped.name());
    stopped.cont();
    put(&writer, "key", "c").await;
    until(&mut watcher, "c").await;
}

#[tokio::test]
async fn a_member_that_is_cut_off_from_its_peers_is_left_and_its_stale_value_is_not_taken_for_new()
{
    let cluster = Cluster::start(3).await;
    let cut = cluster.follower().await;
    let others: Vec<_> = cluster.nodes().iter().filter(|node| node.name() != cut.name()).collect();
    let (mut endpoints, writer) = (vec![cut.endpoint()], others[0].client().await);
    endpoints.extend(others.iter().map(|node| node.endpoint()));
    put(&writer, "key", "a").await;
    let store = store(endpoints).await;
    let mut watcher = store.value("key").watch();
    until(&mut watcher, "a").await;
    assert_eq!(node_in_use(&store, &cluster).await.name(), cut.name());
    cut.cut_from_peers().await;
    put(&writer, "key", "b").await;
    until(&mut watcher, "b").await;
    cut.rejoin_peers();
    put(&writer, "key", "c").await;
    until(&mut watcher, "c").await;
}

#[tokio::test]
async fn a_store_that_knows_an_isolated_member_only_says_no_leader() {
    let cluster = Cluster::start(3).await;
    let cut = cluster.follower().await;
    let store = store([cut.endpoint()]).await;
    let writer = cluster.leader().await.client().await;
    put(&writer, "key", "a").await;
    let mut watcher = store.value("key").watch();
    until(&mut watcher, "a").await;
    cut.cut_from_peers().await;
    put(&writer, "key", "b").await;
    let no_leader = |health: &event_core::Health| {
        health.cause.as_ref().is_some_and(|cause| cause.kind() == CauseKind::NoLeader)
    };
    timeout(BOUND, store.health().watch().get_if(no_leader))
        .await
        .expect("health says so")
        .unwrap();
    assert!(watcher.try_get().is_none());
    cut.rejoin_peers();
    until(&mut watcher, "b").await;
}

#[tokio::test]
async fn a_half_open_connection_is_found_within_the_bound() {
    let (cluster, client, _) = one_node().await;
    let proxy = Proxy::start(cluster.node(0).address());
    let store = store([proxy.endpoint()]).await;
    put(&client, "key", "a").await;
    let mut watcher = store.value("key").watch();
    until(&mut watcher, "a").await;
    timeout(BOUND, store.health_live()).await.expect("live");
    let mut health = store.health().watch();
    proxy.hold();
    let started = std::time::Instant::now();
    let stalled = |health: &event_core::Health| health.state == HealthState::Stalled;
    let health = timeout(BOUND, health.get_if(stalled)).await.expect("health says so").unwrap();
    let (detected, margin) = (started.elapsed(), Duration::from_secs(1));
    assert!(detected < DETECTION + margin, "{detected:?}");
    assert_eq!(health.cause.unwrap().kind(), CauseKind::Unreachable);
    assert!(store.stale_for() > DETECTION / 2);
    put(&client, "key", "b").await;
    proxy.release();
    until(&mut watcher, "b").await;
    timeout(BOUND, store.health_live()).await.expect("live again");
}

#[tokio::test]
async fn connections_that_are_reset_or_closed_are_made_again() {
    let (cluster, client, _) = one_node().await;
    let proxy = Proxy::start(cluster.node(0).address());
    let store = store([proxy.endpoint()]).await;
    let mut watcher = store.value("key").watch();
    for round in 0..5 {
        put(&client, "key", format!("reset {round}")).await;
        until(&mut watcher, &format!("reset {round}")).await;
        proxy.reset().await;
        put(&client, "key", format!("closed {round}")).await;
        until(&mut watcher, &format!("closed {round}")).await;
        proxy.close().await;
    }
}

#[tokio::test]
async fn a_dead_first_endpoint_costs_one_attempt_and_no_later_call() {
    let (cluster, client, _) = one_node().await;
    put(&client, "key", "a").await;
    let silent = Proxy::start(cluster.node(0).address());
    silent.hold();
    let refusing = Proxy::start(cluster.node(0).address());
    refusing.refuse().await;
    for dead in [silent, refusing] {
        let store = store([dead.endpoint(), cluster.node(0).endpoint()]).await;
        let took = until(&mut store.value("key").watch(), "a").await;
        assert!(took < DETECTION + Duration::from_secs(1), "{took:?}");
        for _ in 0..20 {
            until(&mut store.value("key").watch(), "a").await;
        }
        assert_eq!(
            timeout(BOUND, store.health_live()).await.unwrap().source.as_deref(),
            Some(&*cluster.node(0).endpoint())
        );
    }
}

#[tokio::test]
async fn a_wiped_store_is_told_as_what_it_is_and_health_says_so() {
    let (cluster, client, store) = one_node().await;
    put(&client, "gone", "g").await;
    for i in 0..20 {
        put(&client, "key", i.to_string()).await;
    }
    let (mut watcher, mut gone) = (store.value("key").watch(), store.value("gone").watch());
    until(&mut watcher, "19").await;
    until(&mut gone, "g").await;
    cluster.node(0).kill();
    cluster.node(0).wipe();
    cluster.node(0).restart().await;
    put(&cluster.client().await, "key", "new").await;
    until(&mut watcher, "new").await;
    assert_eq!(text(&mut gone).await, None);
    health_says_replaced(&store).await;
}

async fn health_says_replaced(store: &EtcdStore) {
    let replaced = |health: &event_core::Health| {
        health.history_resets > 0 && health.state == HealthState::Live
    };
    timeout(BOUND, store.health().watch().get_if(replaced)).await.expect("health says so").unwrap();
}

/// One that can't be told by its revision, nor by the key: it might have been deleted and made anew.
#[tokio::test]
async fn a_wiped_store_whose_revision_has_passed_the_old_one_is_told_as_what_it_is() {
    let cluster = Cluster::start(1).await;
    let (client, node) = (cluster.client().await, cluster.node(0));
    let proxy = Proxy::start(node.address());
    let revision = put(&client, "key", "old").await;
    let store = store([proxy.endpoint()]).await;
    let mut watcher = store.value("key").watch();
    until(&mut watcher, "old").await;
    proxy.refuse().await;
    node.kill();
    node.wipe();
    node.restart().await;
    let client = cluster.client().await;
    while put(&client, "other", "x").await <= revision {}
    put(&client, "key", "new").await;
    proxy.accept();
    until(&mut watcher, "new").await;
    health_says_replaced(&store).await;
}

#[tokio::test]
async fn a_restored_store_with_another_value_at_the_same_revision_is_told() {
    let cluster = Cluster::start(1).await;
    let (client, node) = (cluster.client().await, cluster.node(0));
    let proxy = Proxy::start(node.address());
    let store = store([proxy.endpoint()]).await;
    put(&client, "key", "old").await;
    node.terminate().await;
    let copy = node.save_data();
    node.restart().await;
    let revision = put(&cluster.client().await, "key", "one history").await;
    let mut watcher = store.value("key").watch();
    until(&mut watcher, "one history").await;
    proxy.refuse().await;
    node.kill();
    node.restore_data(&copy);
    node.restart().await;
    assert_eq!(put(&cluster.client().await, "key", "another").await, revision, "the same revision");
    proxy.accept();
    until(&mut watcher, "another").await;
    health_says_replaced(&store).await;
}

#[tokio::test]
async fn endpoints_may_be_added_and_removed() {
    let cluster = Cluster::start(3).await;
    let client = cluster.client().await;
    put(&client, "key", "a").await;
    let store = store([cluster.node(0).endpoint()]).await;
    let mut watcher = store.value("key").watch();
    until(&mut watcher, "a").await;
    store.add_endpoint(cluster.node(1).endpoint()).unwrap();
    assert!(store.add_endpoint("not an endpoint").is_err());
    store.remove_endpoint(cluster.node(0).endpoint()).unwrap();
    let moved = async || {
        timeout(BOUND, store.health_live()).await.unwrap().source.as_deref()
            == Some(&*cluster.node(1).endpoint())
    };
    eventually(BOUND, "the store moves to the endpoint that is left", moved).await;
    put(&client, "key", "b").await;
    until(&mut watcher, "b").await;
}

#[tokio::test]
async fn a_round_trip_of_2_4_seconds_is_no_fault_with_the_default_bounds() {
    let (cluster, client, _) = one_node().await;
    let proxy = Proxy::start(cluster.node(0).address());
    proxy.delay(Duration::from_millis(1200));
    let store = EtcdStore::connect([proxy.endpoint()], Options::new()).await.unwrap();
    let mut health = store.health().watch();
    let mut watcher = store.value("key").watch();
    put(&client, "key", "a").await;
    until(&mut watcher, "a").await;
    timeout(BOUND, store.health_live()).await.expect("live");
    // Three idle periods, each with its question and its answer.
    let stalled = |health: &event_core::Health| health.state == HealthState::Stalled;
    let alarm = timeout(Duration::from_secs(14), health.get_if(stalled)).await;
    assert!(alarm.is_err(), "a false alarm: {alarm:?}");
    assert!(store.stale_for() < Duration::from_secs(5));
    put(&client, "key", "b").await;
    until(&mut watcher, "b").await;
}
