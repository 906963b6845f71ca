//! History that is taken away, or replaced by another, under a map.

use std::time::{Duration, Instant};

use etcd_client::{Client, CompactionOptions};
use etcd_harness::{Cluster, Proxy};
use tokio::time::{interval, sleep};

use super::scenario::Scenario;
use super::{FOLDER, behind_proxy};
use crate::health_log;
use crate::mirror::mark;
use crate::row::Row;
use crate::scenario::seconds;

/// Compacted up to what is the newest revision then.
async fn compact(client: &Client) {
    let put = client.kv_client().put("other", "x", None).await.expect("a put");
    let revision = put.header().expect("a header").revision();
    let options = CompactionOptions::new().with_physical();
    client.kv_client().compact(revision, Some(options)).await.expect("a compaction");
}

/// While the store is not connected, for a second of writes and deletes.
pub(crate) async fn compacted() -> Row {
    let (cluster, proxy, scenario) = behind_proxy().await;
    let client = cluster.client().await;
    let fault = Instant::now();
    proxy.refuse().await;
    sleep(seconds(1)).await;
    compact(&client).await;
    let healed = Instant::now();
    proxy.accept();
    scenario.end(fault, healed, seconds(1)).await
}

/// As fast as a range is read in pages, and with a connection that is lost again and again: a read may find its revision
/// compacted, and a watch its start.
pub(crate) async fn compacted_all_the_time() -> Row {
    let (cluster, proxy, mut scenario) = behind_proxy().await;
    let client = cluster.client().await;
    let compactor = tokio::spawn(async move {
        let mut ticks = interval(Duration::from_millis(5));
        loop {
            ticks.tick().await;
            compact(&client).await;
        }
    });
    let fault = Instant::now();
    let mut slowest = seconds(0);
    for _ in 0..5 {
        let reset = Instant::now();
        proxy.reset().await;
        slowest = slowest.max(scenario.catches_up(reset).await);
    }
    let row = scenario.ended(fault, slowest, seconds(1), None).await;
    compactor.abort();
    let ended = compactor.await;
    row.require(ended.is_err_and(|error| error.is_cancelled()), "the compactions ended")
}

/// All keys are gone but those that the writer writes anew, and the new history has more revisions than the old one.
pub(crate) async fn wiped() -> Row {
    let (cluster, proxy, scenario) = behind_proxy().await;
    let node = cluster.node(0);
    let old = scenario.revision().await.unwrap_or_default();
    let fault = Instant::now();
    proxy.refuse().await;
    node.kill();
    node.wipe();
    node.restart().await;
    scenario.history_is_past(old).await;
    let healed = Instant::now();
    proxy.accept();
    health_log::replaced(&scenario.store).await;
    scenario.end(fault, healed, seconds(1)).await.history_went_back().require_said("replaced")
}

/// A copy of the data, from before a second of writes and deletes. With `past`, the new history has more revisions than
/// the old one when the store comes to it.
pub(crate) async fn restored(past: bool) -> Row {
    let cluster = Cluster::start(1).await;
    let node = cluster.node(0);
    let client = cluster.client().await;
    client.kv_client().put(mark(FOLDER), "0", None).await.expect("a put");
    let proxy = Proxy::start(node.address());
    let scenario = Scenario::on(&cluster, vec![proxy.endpoint()]).await;
    node.terminate().await;
    let copy = node.save_data();
    node.restart().await;
    sleep(seconds(1)).await;
    let old = scenario.revision().await.unwrap_or_default();
    let fault = Instant::now();
    if past {
        proxy.refuse().await;
    }
    node.kill();
    node.restore_data(&copy);
    node.restart().await;
    if past {
        scenario.history_is_past(old).await;
    }
    let healed = Instant::now();
    proxy.accept();
    health_log::replaced(&scenario.store).await;
    scenario.end(fault, healed, seconds(1)).await.history_went_back().require_said("replaced")
}
