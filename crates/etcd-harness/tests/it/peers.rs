use std::time::Duration;

use etcd_harness::{Cluster, eventually};
use tokio::time::{sleep, timeout};

use crate::BOUND;

#[tokio::test]
async fn a_leader_that_is_cut_from_its_peers_leads_no_more_and_catches_up_when_it_rejoins() {
    let cluster = Cluster::start(3).await;
    let old = cluster.leader().await;
    let mut of_old = old.client().await;
    of_old.put("key", "before", None).await.unwrap();

    old.cut_from_peers().await;
    let new = cluster.leader().await;
    assert_ne!(new.name(), old.name());
    eventually(BOUND, "the old leader steps down", async || !old.is_leader().await).await;
    new.client().await.put("key", "meanwhile", None).await.unwrap();
    let stale = etcd_client::GetOptions::new().with_serializable();
    let answer = of_old.get("key", Some(stale)).await.unwrap();
    assert_eq!(answer.kvs()[0].value(), b"before", "the cut member heard of a write");
    // The server would try for 7 s before it says so.
    let put = timeout(Duration::from_secs(1), of_old.put("another key", "late", None)).await;
    assert!(!matches!(put, Ok(Ok(_))), "the cut member took a write");

    old.rejoin_peers();
    old.healthy().await;
    let answer = of_old.get("key", None).await.unwrap();
    assert_eq!(answer.kvs()[0].value(), b"meanwhile");
}

#[tokio::test]
async fn a_follower_that_starts_while_it_is_cut_stays_alone() {
    let cluster = Cluster::start(3).await;
    let follower = cluster.follower().await;

    follower.cut_from_peers().await;
    follower.kill();
    follower.launch().await;
    cluster.leader().await.client().await.put("key", "meanwhile", None).await.unwrap();
    for _ in 0..20 {
        assert!(!follower.is_healthy().await, "the cut member found its peers");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(follower.is_running());

    follower.rejoin_peers();
    follower.healthy().await;
    let answer = follower.client().await.get("key", None).await.unwrap();
    assert_eq!(answer.kvs()[0].value(), b"meanwhile");
}
