//! What a store holds on the server: one stream, one watch per key, nothing that is not watched.

use etcd_client::{Txn, TxnOp};
use etcd_harness::{Proxy, eventually};
use event_core::{Health, HealthState};
use event_core::{ReaderExt, ValueReader, WatcherExt};
use tokio::time::timeout;

use crate::support::{
    BOUND, DETECTION, HealthExt, next, one_node, put, store, text, until, watches,
};

#[tokio::test]
async fn a_key_is_watched_once_however_many_watchers_it_has() {
    let (cluster, client, store) = one_node().await;
    let before = watches(cluster.node(0)).await;
    let (one, other) = (store.value("key"), store.namespace("k").value("ey"));
    let mut watchers: Vec<_> =
        (0..50).map(|i| if i % 2 == 0 { one.watch() } else { other.watch() }).collect();
    put(&client, "key", "a").await;
    for watcher in &mut watchers {
        until(watcher, "a").await;
    }
    put(&client, "key", "b").await;
    for watcher in &mut watchers {
        until(watcher, "b").await;
    }
    assert_eq!(watches(cluster.node(0)).await, before + 1);
    let last = watchers.pop();
    drop(watchers);
    put(&client, "key", "c").await;
    until(&mut last.unwrap(), "c").await;
    let none_left = async || watches(cluster.node(0)).await == before;
    eventually(BOUND, "the server's watch is canceled with the last watcher", none_left).await;
}

#[tokio::test]
async fn all_keys_of_a_store_share_one_connection() {
    let (cluster, client, _) = one_node().await;
    let proxy = Proxy::start(cluster.node(0).address());
    let store = store([proxy.endpoint()]).await;
    let keys: Vec<String> = (0..300).map(|i| format!("key-{i}")).collect();
    let mut watchers = Vec::new();
    for key in &keys {
        put(&client, key, "a").await;
        watchers.push(store.value(key).watch());
    }
    for watcher in &mut watchers {
        assert_eq!(text(watcher).await.as_deref(), Some("a"));
    }
    put(&client, "key-299", "b").await;
    assert_eq!(text(&mut watchers[299]).await.as_deref(), Some("b"));
    assert_eq!(proxy.connections(), 1);
    drop((store, watchers));
    eventually(BOUND, "the connection ends with the last handle", async || {
        proxy.connections() == 0
    })
    .await;
}

#[tokio::test]
async fn watchers_that_come_and_go_leave_no_watch() {
    let (cluster, client, store) = one_node().await;
    put(&client, "key", "a").await;
    let before = watches(cluster.node(0)).await;
    for round in 0..200 {
        let mut watcher = store.value("key").watch();
        if round % 3 > 0 {
            text(&mut watcher).await;
        }
    }
    let value = store.value("key").decode(event_codec::Utf8);
    assert_eq!(next(&mut value.watch()).await.unwrap(), "a");
    let none_left = async || watches(cluster.node(0)).await == before;
    eventually(BOUND, "no watch is left", none_left).await;
}

#[tokio::test]
async fn ten_thousand_keys_of_an_idle_store_are_live_and_stay_so() {
    const KEYS: usize = 10_000;
    let (cluster, client, store) = one_node().await;
    let name = |key: usize| format!("key-{key}");
    for batch in (0..KEYS).collect::<Vec<_>>().chunks(100) {
        let puts: Vec<_> = batch.iter().map(|key| TxnOp::put(name(*key), "a", None)).collect();
        client.kv_client().txn(Txn::new().and_then(puts)).await.expect("the puts are taken");
    }
    let mut watchers: Vec<_> = (0..KEYS).map(|key| store.value(name(key)).watch()).collect();
    for watcher in &mut watchers {
        assert_eq!(text(watcher).await.as_deref(), Some("a"));
    }
    eventually(BOUND, "each is watched", async || watches(cluster.node(0)).await == KEYS).await;
    let mut health = store.health().watch();
    timeout(BOUND, store.health_live()).await.expect("live");
    let stalled = |health: &Health| health.state == HealthState::Stalled;
    let alarm = timeout(5 * DETECTION, health.get_if(stalled)).await;
    assert!(alarm.is_err(), "a false alarm: {alarm:?}");
    put(&client, &name(KEYS - 1), "b").await;
    assert_eq!(text(&mut watchers[KEYS - 1]).await.as_deref(), Some("b"));
}
