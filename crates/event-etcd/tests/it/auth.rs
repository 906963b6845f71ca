//! Users, permissions and tokens (E3, E4).

use etcd_client::Client;
use etcd_harness::{Cluster, Proxy, auth};
use event_core::{CauseKind, Health, HealthState};
use event_core::{ErrorKind, ValueReader, WatcherExt};
use event_etcd::EtcdStore;
use tokio::time::timeout;

use crate::support::{BOUND, HealthExt, options, put, until};

/// A cluster with a user `reader`, who may read `app/…`.
async fn guarded(cluster: &Cluster) -> Client {
    let client = cluster.client().await;
    auth::add_reader(&client, "reader", "hunter2", "role", "app/").await;
    auth::enable(&client, "root").await;
    cluster.client_as("root", "root").await
}

async fn store_as(endpoint: String, password: &str) -> EtcdStore {
    EtcdStore::connect([endpoint], options().user("reader", password)).await.unwrap()
}

async fn says(store: &EtcdStore, kind: CauseKind) -> Health {
    let says = |health: &Health| health.cause.as_ref().is_some_and(|cause| cause.kind() == kind);
    timeout(BOUND, store.health().watch().get_if(says)).await.expect("health says so").unwrap()
}

#[tokio::test]
async fn a_user_reads_what_it_may_and_a_refused_key_does_not_hurt_its_neighbours() {
    let cluster = Cluster::start(1).await;
    let root = guarded(&cluster).await;
    let store = store_as(cluster.node(0).endpoint(), "hunter2").await;
    let (mut mine, mut theirs) = (store.value("app/key").watch(), store.value("other/key").watch());
    put(&root, "app/key", "a").await;
    put(&root, "other/key", "b").await;
    until(&mut mine, "a").await;
    let health = says(&store, CauseKind::PermissionDenied).await;
    assert!(health.cause.unwrap().to_string().contains("other/key"));
    assert!(theirs.try_get().is_none());
    assert_eq!(
        store.value("other/key").refresh().await.unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    put(&root, "app/key", "c").await;
    until(&mut mine, "c").await;
    auth::grant_read(&root, "role", "other/").await;
    until(&mut theirs, "b").await;
    timeout(BOUND, store.health_live()).await.expect("live");
}

#[tokio::test]
async fn a_permission_that_is_revoked_and_granted_again_is_survived() {
    let cluster = Cluster::start(1).await;
    let root = guarded(&cluster).await;
    let proxy = Proxy::start(cluster.node(0).address());
    let store = store_as(proxy.endpoint(), "hunter2").await;
    let mut watcher = store.value("app/key").watch();
    put(&root, "app/key", "a").await;
    until(&mut watcher, "a").await;
    auth::revoke_read(&root, "role", "app/").await;
    proxy.reset().await;
    says(&store, CauseKind::PermissionDenied).await;
    put(&root, "app/key", "b").await;
    assert!(watcher.try_get().is_none());
    auth::grant_read(&root, "role", "app/").await;
    until(&mut watcher, "b").await;
}

#[tokio::test]
async fn a_wrong_password_is_a_cause_of_health_and_is_never_printed() {
    let cluster = Cluster::start(1).await;
    let root = guarded(&cluster).await;
    put(&root, "app/key", "a").await;
    let store = store_as(cluster.node(0).endpoint(), "wrong-password").await;
    let mut watcher = store.value("app/key").watch();
    let health = says(&store, CauseKind::Unauthenticated).await;
    assert!(!format!("{health:?} {}", health.cause.as_ref().unwrap()).contains("wrong-password"));
    assert!(watcher.try_get().is_none());
    auth::change_password(&root, "reader", "wrong-password").await;
    until(&mut watcher, "a").await;
}

#[tokio::test]
async fn an_expired_token_is_renewed_for_new_keys_and_after_a_reset() {
    let cluster = Cluster::builder().arg("--auth-token-ttl=1").start().await;
    let root = guarded(&cluster).await;
    let proxy = Proxy::start(cluster.node(0).address());
    let store = store_as(proxy.endpoint(), "hunter2").await;
    let mut old = store.value("app/old").watch();
    put(&root, "app/old", "a").await;
    until(&mut old, "a").await;
    // Wait until the server knows the token no more: a client that holds such a one is refused.
    let witness = cluster.client_as("reader", "hunter2").await;
    etcd_harness::eventually(BOUND, "a token expires", async || {
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        witness.kv_client().get("app/old", None).await.is_err()
    })
    .await;
    let root = cluster.client_as("root", "root").await;
    put(&root, "app/new", "b").await;
    let mut new = store.value("app/new").watch();
    until(&mut new, "b").await;
    put(&root, "app/new", "c").await;
    until(&mut new, "c").await;
    put(&root, "app/old", "d").await;
    until(&mut old, "d").await;
    proxy.reset().await;
    put(&root, "app/old", "e").await;
    until(&mut old, "e").await;
    let state = timeout(BOUND, store.health_live()).await.expect("live").state;
    assert_eq!(state, HealthState::Live);
}

#[tokio::test]
async fn a_user_is_no_obstacle_where_authentication_is_disabled_and_it_may_be_enabled_and_disabled()
{
    let cluster = Cluster::start(1).await;
    let anyone = cluster.client().await;
    auth::add_reader(&anyone, "reader", "hunter2", "role", "app/").await;
    let proxy = Proxy::start(cluster.node(0).address());
    let store = store_as(proxy.endpoint(), "hunter2").await;
    let mut watcher = store.value("app/key").watch();
    put(&anyone, "app/key", "a").await;
    until(&mut watcher, "a").await;

    auth::enable(&anyone, "root").await;
    let root = cluster.client_as("root", "root").await;
    put(&root, "app/key", "b").await;
    until(&mut watcher, "b").await;
    put(&root, "app/new", "c").await;
    until(&mut store.value("app/new").watch(), "c").await;
    proxy.reset().await;
    put(&root, "app/key", "d").await;
    until(&mut watcher, "d").await;

    root.auth_client().auth_disable().await.unwrap();
    put(&anyone, "app/key", "e").await;
    until(&mut watcher, "e").await;
    put(&anyone, "app/newer", "f").await;
    until(&mut store.value("app/newer").watch(), "f").await;
    proxy.reset().await;
    put(&anyone, "app/key", "g").await;
    until(&mut watcher, "g").await;

    // The tokens of before are gone.
    anyone.auth_client().auth_enable().await.unwrap();
    let root = cluster.client_as("root", "root").await;
    put(&root, "app/newest", "h").await;
    until(&mut store.value("app/newest").watch(), "h").await;
    put(&root, "app/key", "i").await;
    until(&mut watcher, "i").await;
    assert_eq!(timeout(BOUND, store.health_live()).await.unwrap().state, HealthState::Live);
}

#[tokio::test]
async fn a_password_that_is_changed_in_its_file_is_used_for_the_next_connection() {
    let cluster = Cluster::start(1).await;
    let root = guarded(&cluster).await;
    let proxy = Proxy::start(cluster.node(0).address());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "hunter2\n").unwrap();
    let options = options().user_with_password_file("reader", &file);
    let store = EtcdStore::connect([proxy.endpoint()], options).await.unwrap();
    let mut watcher = store.value("app/key").watch();
    put(&root, "app/key", "a").await;
    until(&mut watcher, "a").await;

    auth::change_password(&root, "reader", "hunter3").await;
    std::fs::remove_file(&file).unwrap();
    proxy.reset().await;
    let cause = says(&store, CauseKind::Unauthenticated).await.cause.unwrap().to_string();
    assert!(cause.contains(file.to_str().unwrap()), "{cause}");
    std::fs::write(&file, "hunter3").unwrap();
    put(&root, "app/key", "b").await;
    until(&mut watcher, "b").await;
}
