//! Compaction takes away history. A reader of the newest value needs none (E2, E5).

use etcd_client::{Client, CompactionOptions};
use etcd_harness::Proxy;
use event_core::{ValueReader, WatcherExt};

use crate::support::{one_node, put, store, text, until};

async fn compact(client: &Client, revision: i64) {
    let options = CompactionOptions::new().with_physical();
    client.kv_client().compact(revision, Some(options)).await.expect("the revision is there");
}

#[tokio::test]
async fn compaction_while_connected_loses_nothing() {
    let (_cluster, client, store) = one_node().await;
    let (mut busy, mut idle) = (store.value("busy").watch(), store.value("idle").watch());
    put(&client, "idle", "x").await;
    until(&mut idle, "x").await;
    for round in 0..20 {
        let revision = put(&client, "busy", round.to_string()).await;
        compact(&client, revision).await;
    }
    until(&mut busy, "19").await;
    put(&client, "idle", "y").await;
    until(&mut idle, "y").await;
}

#[tokio::test]
async fn compaction_while_not_connected_loses_nothing() {
    let (cluster, client, _) = one_node().await;
    let proxy = Proxy::start(cluster.node(0).address());
    let store = store([proxy.endpoint()]).await;
    put(&client, "same", "s").await;
    put(&client, "gone", "g").await;
    let (mut changed, mut same) = (store.value("changed").watch(), store.value("same").watch());
    let mut gone = store.value("gone").watch();
    until(&mut same, "s").await;
    until(&mut gone, "g").await;
    assert_eq!(text(&mut changed).await, None);

    proxy.refuse().await;
    for i in 0..50 {
        put(&client, "changed", i.to_string()).await;
    }
    crate::support::delete(&client, "gone").await;
    let revision = put(&client, "other", "x").await;
    compact(&client, revision).await;
    proxy.accept();

    until(&mut changed, "49").await;
    assert_eq!(text(&mut gone).await, None, "deleted while we were not looking");
    store.value("same").refresh().await.unwrap();
    assert!(same.try_get().is_none(), "only what changed is published");
}
