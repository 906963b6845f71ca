use std::time::Duration;

use etcd_harness::{Cluster, eventually};

#[tokio::test]
async fn a_stopped_node_does_not_respond_until_it_continues() {
    let cluster = Cluster::start(1).await;
    let node = cluster.node(0);
    assert!(node.is_leader().await);

    node.stop();
    assert!(node.is_running());
    assert!(!node.is_leader().await, "a stopped node responded");

    node.cont();
    node.healthy().await;
}

#[tokio::test]
async fn a_wiped_node_is_empty_and_a_restored_node_has_the_saved_data() {
    let cluster = Cluster::start(1).await;
    let node = cluster.node(0);
    node.client().await.put("key", "old", None).await.unwrap();

    node.terminate().await;
    let saved = node.save_data();
    node.restart().await;
    node.client().await.put("key", "new", None).await.unwrap();

    node.kill();
    node.wipe();
    node.restart().await;
    let response = node.client().await.get("key", None).await.unwrap();
    assert_eq!(response.count(), 0);
    assert_eq!(response.header().unwrap().revision(), 1);

    node.kill();
    node.restore_data(&saved);
    node.restart().await;
    let response = node.client().await.get("key", None).await.unwrap();
    assert_eq!(response.kvs()[0].value(), b"old");
}

#[tokio::test]
async fn a_metric_counts_the_watchers_of_a_node() {
    let cluster = Cluster::start(1).await;
    let mut client = cluster.client().await;
    let watchers = "etcd_debugging_mvcc_watcher_total";
    let before = cluster.node(0).metric(watchers).await;

    let mut watch = client.watch("key", None).await.unwrap();
    assert!(watch.message().await.unwrap().unwrap().created());

    let after = cluster.node(0).metric(watchers).await;
    assert!((after - before - 1.0).abs() < f64::EPSILON, "{before} watchers, then {after}");
}

#[tokio::test]
async fn live_memory_includes_stored_values_and_excludes_garbage() {
    const BYTES: usize = 1 << 20;
    let cluster = Cluster::builder().arg("--enable-pprof").start().await;
    let mut client = cluster.client().await;
    let before = cluster.node(0).live_memory().await;
    for key in 0..8 {
        client.put(key.to_string(), vec![b'x'; BYTES], None).await.unwrap();
    }
    let after_puts = cluster.node(0).live_memory().await;
    for _ in 0..20 {
        client.get("0", None).await.unwrap();
    }
    let bytes = f64::from(u32::try_from(BYTES).unwrap());
    assert!(after_puts - before > 4.0 * bytes, "{before} bytes, then {after_puts}");
    // The server may still be committing the values, with memory of its own.
    eventually(Duration::from_secs(20), "the garbage of the gets is gone", async || {
        cluster.node(0).live_memory().await - after_puts < 4.0 * bytes
    })
    .await;
}

#[tokio::test]
async fn dropping_a_cluster_ends_its_processes() {
    let cluster = Cluster::start(1).await;
    let id = cluster.node(0).process_id().unwrap();
    drop(cluster);
    assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
}
