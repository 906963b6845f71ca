//! Large values, and many (E8).

use etcd_harness::{Cluster, Proxy};
use event_core::ValueReader;

use crate::support::{next, put, store, until};

#[tokio::test]
async fn a_value_of_five_megabytes_arrives_read_or_watched() {
    let cluster = Cluster::builder().arg("--max-request-bytes=10485760").start().await;
    let (client, store) = (cluster.client().await, store(cluster.endpoints()).await);
    let mut watcher = store.value("key").watch();
    for fill in [b'a', b'b'] {
        put(&client, "key", vec![fill; 5 << 20]).await;
        loop {
            let Some(value) = next(&mut watcher).await.unwrap().value().cloned() else { continue };
            assert!(value.len() == 5 << 20 && value.iter().all(|byte| *byte == fill));
            break;
        }
        let read = next(&mut store.namespace("k").value("ey").watch())
            .await
            .unwrap()
            .value()
            .cloned()
            .unwrap();
        assert_eq!(read.len(), 5 << 20);
    }
}

#[tokio::test]
async fn more_than_one_message_of_values_is_read_at_once() {
    let cluster = Cluster::start(1).await;
    let (client, store) = (cluster.client().await, store(cluster.endpoints()).await);
    // 80 MB in one transaction's answer: over the limit of a message, so the read is halved.
    let keys: Vec<String> = (0..80).map(|i| format!("key-{i}")).collect();
    for key in &keys {
        put(&client, key, vec![b'x'; 1 << 20]).await;
    }
    let mut watchers: Vec<_> = keys.iter().map(|key| store.value(key).watch()).collect();
    for watcher in &mut watchers {
        assert_eq!(next(watcher).await.unwrap().value().cloned().unwrap().len(), 1 << 20);
    }
}

#[tokio::test]
async fn a_burst_of_large_values_while_not_connected_is_survived() {
    let cluster = Cluster::start(1).await;
    let proxy = Proxy::start(cluster.node(0).address());
    let (client, store) = (cluster.client().await, store([proxy.endpoint()]).await);
    let mut watcher = store.value("key").watch();
    put(&client, "key", "first").await;
    until(&mut watcher, "first").await;
    proxy.refuse().await;
    for _ in 0..40 {
        put(&client, "key", vec![b'x'; 1 << 20]).await;
    }
    proxy.accept();
    put(&client, "key", "last").await;
    until(&mut watcher, "last").await;
}
