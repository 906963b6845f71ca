use std::time::Duration;

use etcd_harness::{Cluster, eventually};
use tokio::time::{sleep, timeout};

use crate::TIMEOUT;

#[tokio::test]
async fn a_leader_that_is_cut_off_steps_down_and_catches_up_after_it_rejoins() {
    let cluster = Cluster::start(3).await;
    let old = cluster.leader().await;
    let mut of_old = old.client().await;
    of_old.put("key", "before", None).await.unwrap();

    old.cut_from_peers().await;
    let new = cluster.leader().await;
    assert_ne!(new.name(), old.name());
    eventually(TIMEOUT, "the old leader steps down", async || !old.is_leader().await).await;
    new.client().await.put("key", "after", None).await.unwrap();
    let stale = etcd_client::GetOptions::new().with_serializable();
    let response = of_old.get("key", Some(stale)).await.unwrap();
    assert_eq!(response.kvs()[0].value(), b"before", "the cut member received a write");
    // The server would fail the put only after 7 s.
    let put = timeout(Duration::from_secs(1), of_old.put("another key", "late", None)).await;
    assert!(!matches!(put, Ok(Ok(_))), "the cut member committed a write");

    old.rejoin_peers();
    old.healthy().await;
    let response = of_old.get("key", None).await.unwrap();
    assert_eq!(response.kvs()[0].value(), b"after");
}

#[tokio::test]
async fn a_follower_that_starts_while_it_is_cut_off_stays_alone() {
    let cluster = Cluster::start(3).await;
    let follower = cluster.follower().await;

    follower.cut_from_peers().await;
    follower.kill();
    follower.launch().await;
    cluster.leader().await.client().await.put("key", "after", None).await.unwrap();
    for _ in 0..20 {
        assert!(!follower.is_healthy().await, "the cut member found its peers");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(follower.is_running());

    follower.rejoin_peers();
    follower.healthy().await;
    let response = follower.client().await.get("key", None).await.unwrap();
    assert_eq!(response.kvs()[0].value(), b"after");
}
