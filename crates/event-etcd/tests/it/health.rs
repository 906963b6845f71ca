//! The health of a store and of its keys.

use etcd_harness::{Cluster, Proxy, auth};
use event_core::{
    CauseKind, Error, ErrorKind, Health, HealthState, ReaderExt, ValueReader, WatcherExt,
};
use event_etcd::{EtcdStore, UpstreamHealth, UpstreamHealthWatcher};
use tokio::time::timeout;

use crate::support::{BOUND, HealthExt, delete, next, one_node, options, put, until};

/// Waits until the health is in this state.
async fn is(health: &UpstreamHealth, state: HealthState) -> Health {
    let is_it = |health: &Health| health.state == state;
    let health = timeout(BOUND, health.watch().get_if(is_it)).await;
    health.unwrap_or_else(|_| panic!("{state} within the bound")).unwrap()
}

async fn state(health: &UpstreamHealth) -> HealthState {
    health.get().await.unwrap().state
}

#[tokio::test]
async fn a_forbidden_key_stalls_its_own_health_and_neither_the_stores_nor_its_neighbours() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client().await;
    auth::add_reader(&client, "reader", "hunter2", "role", "app/").await;
    auth::enable(&client, "root").await;
    let root = cluster.client_as("root", "root").await;
    put(&root, "app/key", "a").await;
    let options = options().user("reader", "hunter2");
    let store = EtcdStore::connect(cluster.endpoints(), options).await.unwrap();
    let (mine, theirs) = (store.value("app/key"), store.value("other/key"));
    let (mut watcher, _forbidden) = (mine.watch(), theirs.watch());
    until(&mut watcher, "a").await;

    let cause = is(&theirs.health(), HealthState::Stalled).await.cause.unwrap();
    assert_eq!((cause.kind(), cause.key()), (CauseKind::PermissionDenied, Some(&b"other/key"[..])));
    let of_store = is(&store.health(), HealthState::Live).await;
    assert_eq!(of_store.cause, Some(cause), "the store names it");
    assert_eq!(is(&mine.health(), HealthState::Live).await.cause, None);

    let mut health = theirs.health().watch();
    next(&mut health).await.unwrap();
    auth::grant_read(&root, "role", "other/").await;
    let live = |health: &Health| health.state == HealthState::Live;
    timeout(BOUND, health.get_if(live)).await.expect("live").unwrap();
    assert_eq!(is(&store.health(), HealthState::Live).await.cause, None);
    auth::revoke_read(&root, "role", "other/").await;
    theirs.refresh().await.unwrap_err();
    is(&theirs.health(), HealthState::Stalled).await;
}

#[tokio::test]
async fn a_store_whose_only_key_is_forbidden_is_live_all_the_same() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client().await;
    auth::add_reader(&client, "reader", "hunter2", "role", "app/").await;
    auth::enable(&client, "root").await;
    let options = options().user("reader", "hunter2");
    let store = EtcdStore::connect(cluster.endpoints(), options).await.unwrap();
    let _forbidden = store.value("other/key").watch();
    let health = is(&store.health(), HealthState::Live).await;
    assert_eq!(health.cause.unwrap().kind(), CauseKind::PermissionDenied);
}

#[tokio::test]
async fn the_health_of_a_key_is_connecting_until_it_was_read_and_after_its_last_watcher() {
    let (cluster, client, _) = one_node().await;
    let proxy = Proxy::start(cluster.node(0).address());
    let store = EtcdStore::connect([proxy.endpoint()], options()).await.unwrap();
    let (value, other) = (store.value("key"), store.value("other"));
    let health = value.health();
    assert_eq!(state(&health).await, HealthState::Connecting, "nobody watches it");
    let mut other_watcher = other.watch();
    next(&mut other_watcher).await.unwrap();
    is(&store.health(), HealthState::Live).await;
    assert_eq!(state(&health).await, HealthState::Connecting, "nobody watches it");

    let mut changes = health.watch();
    assert_eq!(next(&mut changes).await.unwrap().state, HealthState::Connecting);
    let mut watcher = value.watch();
    // It does not exist, which is known as soon as it was read.
    assert_eq!(next(&mut changes).await.unwrap().state, HealthState::Live);
    put(&client, "key", "a").await;
    until(&mut watcher, "a").await;
    delete(&client, "key").await;
    assert!(changes.try_get().is_none(), "a deleted key is live");
    drop(watcher);
    assert_eq!(next(&mut changes).await.unwrap().state, HealthState::Connecting);

    // An outage concerns every key.
    proxy.refuse().await;
    let cause = is(&other.health(), HealthState::Stalled).await.cause.unwrap();
    assert_eq!((cause.kind(), cause.key()), (CauseKind::Unreachable, None));
    proxy.accept();
    is(&other.health(), HealthState::Live).await;
}

#[tokio::test]
async fn an_empty_key_is_an_argument_error_at_once_and_stalls_nothing_else() {
    let (_cluster, client, store) = one_node().await;
    let empty = store.value("");
    let mut watcher = empty.watch();
    let refused = |error: Error| assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    refused(watcher.try_get().expect("at once").unwrap_err());
    assert!(watcher.try_get().is_none(), "once for each watcher");
    refused(empty.get().await.unwrap_err());
    refused(empty.refresh().await.unwrap_err());
    refused(store.namespace("").value("").get().await.unwrap_err());
    let health = empty.health().get().await.unwrap();
    assert_eq!(health.cause.unwrap().kind(), CauseKind::InvalidArgument);

    let mut other = store.value("key").watch();
    put(&client, "key", "a").await;
    until(&mut other, "a").await;
    assert_eq!(store.health_live().await.cause, None);
    timeout(BOUND, store.ready()).await.expect("ready").unwrap();
    store.close();
    assert!(next(&mut watcher).await.unwrap_err().is_closed());
    assert!(empty.get().await.unwrap_err().is_closed());
    assert!(empty.refresh().await.unwrap_err().is_closed());
}

#[tokio::test]
async fn the_health_of_a_closed_store_is_closed_however_one_asks() {
    let (_cluster, client, store) = one_node().await;
    let value = store.value("key");
    let mut watcher = value.watch();
    put(&client, "key", "a").await;
    until(&mut watcher, "a").await;
    store.health_live().await;
    let readers = [store.health(), value.health()];
    let fresh = readers.iter().map(UpstreamHealth::watch);
    let asked = readers.iter().map(UpstreamHealth::watch);
    let mut watchers: Vec<UpstreamHealthWatcher> = fresh.chain(asked).collect();
    for watcher in &mut watchers[2..] {
        next(watcher).await.unwrap();
    }
    // A task that waits is woken.
    let mut waits = store.health().watch();
    next(&mut waits).await.unwrap();
    let waiting = tokio::spawn(async move { waits.get().await });
    tokio::task::yield_now().await;

    store.close();
    for watcher in &mut watchers {
        let closed = watcher.try_get().expect("at once").unwrap_err();
        assert!(closed.is_closed(), "{closed}");
        assert!(watcher.try_get().expect("for ever").unwrap_err().is_closed());
    }
    for health in readers.into_iter().chain([store.health(), value.health()]) {
        assert!(health.get().await.unwrap_err().is_closed());
    }
    assert!(timeout(BOUND, waiting).await.expect("woken").unwrap().unwrap_err().is_closed());
}

#[tokio::test]
async fn a_reader_of_the_health_does_not_keep_the_store_alive() {
    let (_cluster, _client, store) = one_node().await;
    let readers = [store.health(), store.value("key").health()];
    drop(store);
    for health in readers {
        assert!(health.get().await.unwrap_err().is_closed());
    }
}

#[tokio::test]
async fn after_the_last_watcher_the_health_stays_until_the_connection_ends() {
    let (cluster, client, _) = one_node().await;
    let proxy = Proxy::start(cluster.node(0).address());
    let store = EtcdStore::connect([proxy.endpoint()], options()).await.unwrap();
    let mut watcher = store.value("key").watch();
    put(&client, "key", "a").await;
    until(&mut watcher, "a").await;
    store.health_live().await;
    let mut health = store.health().watch();
    next(&mut health).await.unwrap();
    drop(watcher);
    assert!(timeout(crate::support::DETECTION * 2, health.get()).await.is_err(), "it stays");
    proxy.refuse().await;
    let health = next(&mut health).await.unwrap();
    assert_eq!((health.state, health.cause), (HealthState::Connecting, None));
    // The next watcher finds out.
    let _watcher = store.value("key").watch();
    is(&store.health(), HealthState::Stalled).await;
    proxy.accept();
    is(&store.health(), HealthState::Live).await;
}
