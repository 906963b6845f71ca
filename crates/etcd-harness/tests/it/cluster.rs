use etcd_harness::{Cluster, eventually};

use crate::TIMEOUT;

#[tokio::test]
async fn a_cluster_of_one_node_stores_a_put() {
    let cluster = Cluster::start(1).await;
    let mut client = cluster.client().await;

    client.put("key", "value", None).await.unwrap();
    let response = client.get("key", None).await.unwrap();

    assert_eq!(response.kvs()[0].value(), b"value");
    assert!(cluster.leader().await.is_running());
}

#[tokio::test]
async fn three_nodes_elect_a_new_leader_when_the_leader_is_killed() {
    let cluster = Cluster::start(3).await;
    let leader = cluster.leader().await;
    leader.client().await.put("key", "before", None).await.unwrap();

    leader.kill();
    let successor = cluster.leader().await;
    assert_ne!(successor.name(), leader.name());
    let mut client = successor.client().await;
    eventually(TIMEOUT, "the other nodes accept a write", async || {
        client.put("key", "after", None).await
    })
    .await;

    leader.restart().await;
    let response = leader.client().await.get("key", None).await.unwrap();
    assert_eq!(response.kvs()[0].value(), b"after");
}

#[tokio::test]
async fn the_builder_passes_flags_to_the_server() {
    let cluster = Cluster::builder().arg("--max-request-bytes=4096").start().await;
    let mut client = cluster.client().await;

    let refused = client.put("key", vec![b'x'; 8192], None).await.unwrap_err();

    assert!(refused.to_string().contains("too large"), "{refused}");
}
