//! Waiting until a store is ready.

use std::time::{Duration, Instant};

use etcd_harness::{Cluster, Port, Proxy, auth};
use event_core::{ErrorKind, ValueReader, WatcherExt};
use event_etcd::EtcdStore;
use futures_util::FutureExt;
use tokio::time::timeout;

use crate::support::{BOUND, DETECTION, one_node, options, put};

#[tokio::test]
async fn a_store_is_ready_when_every_key_that_is_watched_was_read() {
    let (_cluster, client, store) = one_node().await;
    let keys: Vec<String> = (0..300).map(|key| format!("key-{key}")).collect();
    put(&client, &keys[0], "a").await; // the others do not exist
    let mut watchers: Vec<_> = keys.iter().map(|key| store.value(key).watch()).collect();
    assert!(store.ready().now_or_never().is_none(), "nothing was read yet");
    timeout(BOUND, store.ready()).await.expect("ready").unwrap();
    for watcher in &mut watchers {
        watcher.try_get().expect("it was read").unwrap();
    }
    store.ready().now_or_never().expect("at once").unwrap();
}

#[tokio::test]
async fn a_store_of_which_nothing_is_watched_is_ready_at_once() {
    let port = Port::claim();
    let store = EtcdStore::connect([port.address().to_string()], options()).await.unwrap();
    store.ready().now_or_never().expect("at once").unwrap();
    drop(store.value("key").watch());
    store.ready().now_or_never().expect("at once").unwrap();
}

#[tokio::test]
async fn a_key_that_nobody_watches_any_more_is_not_waited_for() {
    let port = Port::claim();
    let store = EtcdStore::connect([port.address().to_string()], options()).await.unwrap();
    let watcher = store.value("key").watch();
    let ready = tokio::spawn(store.ready());
    tokio::task::yield_now().await;
    drop(watcher);
    timeout(BOUND, ready).await.expect("ready").unwrap().unwrap();
}

#[tokio::test]
async fn while_the_cluster_cant_be_reached_it_waits_and_the_timeout_says_why() {
    let cluster = Cluster::start(1).await;
    let proxy = Proxy::start(cluster.node(0).address());
    proxy.refuse().await;
    let store = EtcdStore::connect([proxy.endpoint()], options()).await.unwrap();
    let _watcher = store.value("key").watch();
    let begun = Instant::now();
    let within = Duration::from_millis(500);
    let error = store.ready().within(within).await.unwrap_err();
    assert!((within..BOUND).contains(&begun.elapsed()));
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().starts_with("not ready within 500ms: unreachable: "), "{error}");

    // Dropping it changes nothing, and it can be asked for again.
    let ready = store.ready();
    assert!(timeout(DETECTION, store.ready()).await.is_err());
    proxy.accept();
    timeout(BOUND, ready).await.expect("ready").unwrap();
    timeout(BOUND, store.ready().within(BOUND)).await.expect("ready").unwrap();
}

#[tokio::test]
async fn before_the_first_try_has_failed_the_timeout_says_so() {
    let cluster = Cluster::start(1).await;
    let proxy = Proxy::start(cluster.node(0).address());
    proxy.hold();
    let options = options().connect_timeout(BOUND);
    let store = EtcdStore::connect([proxy.endpoint()], options).await.unwrap();
    let _watcher = store.value("key").watch();
    let error = store.ready().within(Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("has not answered yet"), "{error}");
}

#[tokio::test]
async fn credentials_and_keys_that_are_refused_end_it_with_the_cause() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client().await;
    auth::add_reader(&client, "reader", "hunter2", "role", "app/").await;
    auth::enable(&client, "root").await;
    let store = async |password: &str| {
        let options = options().user("reader", password);
        EtcdStore::connect(cluster.endpoints(), options).await.unwrap()
    };
    let wrong = store("wrong").await;
    let _watcher = wrong.value("app/key").watch();
    let error = timeout(BOUND, wrong.ready()).await.expect("it ends").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(error.to_string().contains("invalid user ID or password"), "{error}");

    let right = store("hunter2").await;
    let _watcher = right.value("app/key").watch();
    timeout(BOUND, right.ready()).await.expect("ready").unwrap();
    let _forbidden = right.value("other/key").watch();
    for _ in 0..2 {
        let error = timeout(BOUND, right.ready()).await.expect("it ends").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert_eq!(error.key(), Some(&b"other/key"[..]));
    }
}

#[tokio::test]
async fn a_store_that_ends_is_never_ready() {
    let port = Port::claim();
    let store = EtcdStore::connect([port.address().to_string()], options()).await.unwrap();
    let _watcher = store.value("key").watch();
    let ready = tokio::spawn(store.ready().within(BOUND));
    tokio::task::yield_now().await;
    store.close();
    assert!(timeout(BOUND, ready).await.expect("it ends").unwrap().unwrap_err().is_closed());
    assert!(store.ready().await.unwrap_err().is_closed());
}

#[test]
fn it_may_be_awaited_outside_of_the_stores_runtime_and_after_its_end() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let connect = EtcdStore::connect(["127.0.0.1:1"], options());
    let store = runtime.block_on(connect).unwrap();
    let _watcher = store.value("key").watch();
    let mut ready = store.ready().within(BOUND);
    assert!((&mut ready).now_or_never().is_none());
    drop(runtime);
    assert!(ready.now_or_never().expect("at once").unwrap_err().is_closed());
    assert!(store.ready().within(BOUND).now_or_never().expect("at once").unwrap_err().is_closed());
}
