//! Connections that break, or that only seem to be there.

use std::time::Instant;

use etcd_harness::{Cluster, Proxy};
use event_core::{ValueReader, WatcherExt};
use event_etcd::{EtcdStore, Options};
use tokio::time::{sleep, timeout};

use crate::row::Row;
use crate::scenario::{KEY, NEVER, Scenario, seconds};

pub(crate) async fn half_open_alone() -> Row {
    let cluster = Cluster::start(1).await;
    let (proxy, writer) = (Proxy::start(cluster.node(0).address()), cluster.client().await);
    let mut scenario =
        Scenario::start(&cluster, vec![proxy.endpoint()], Options::new(), &writer).await;
    let fault = Instant::now();
    proxy.hold();
    scenario.put(&writer).await;
    sleep(seconds(20)).await;
    let healed = Instant::now();
    proxy.release();
    scenario.end(fault, healed, seconds(1)).await.require_detected()
}

pub(crate) async fn half_open_of_three() -> Row {
    let cluster = Cluster::start(3).await;
    let (proxy, writer) = (Proxy::start(cluster.node(0).address()), cluster.client().await);
    let endpoints = vec![proxy.endpoint(), cluster.node(1).endpoint(), cluster.node(2).endpoint()];
    let mut scenario = Scenario::start(&cluster, endpoints, Options::new(), &writer).await;
    let fault = Instant::now();
    proxy.hold();
    scenario.put(&writer).await;
    scenario.take_last().await;
    // Else the server never hears that the store has left it.
    proxy.release();
    scenario.end(fault, fault, seconds(6)).await.require_detected()
}

/// The slowest of five.
pub(crate) async fn reset_or_closed(reset: bool) -> Row {
    let cluster = Cluster::start(1).await;
    let (proxy, writer) = (Proxy::start(cluster.node(0).address()), cluster.client().await);
    let mut scenario =
        Scenario::start(&cluster, vec![proxy.endpoint()], Options::new(), &writer).await;
    let first = Instant::now();
    let (mut slowest, mut last) = (seconds(0), first);
    for _ in 0..5 {
        last = Instant::now();
        if reset {
            proxy.reset().await;
        } else {
            proxy.close().await;
        }
        scenario.put(&writer).await;
        slowest = slowest.max(scenario.take_last().await.map_or(seconds(99), |at| at - last));
    }
    let mut row = scenario.end(first, last, seconds(1) * 3 / 10).await;
    row.took = slowest;
    row
}

/// The first endpoint refuses, or accepts and is silent.
pub(crate) async fn first_is_dead(refuses: bool) -> Row {
    let cluster = Cluster::start(1).await;
    let proxy = Proxy::start(cluster.node(0).address());
    if refuses {
        proxy.refuse().await;
    } else {
        proxy.hold();
    }
    first_of_two(&cluster, proxy.endpoint()).await
}

/// The first value of a store whose first endpoint does not serve, then a hundred more looks.
pub(crate) async fn first_of_two(cluster: &Cluster, dead: String) -> Row {
    let put = cluster.client().await.kv_client().put(KEY, "1", None).await;
    put.expect("a put is taken");
    let endpoints = [dead, cluster.node(0).endpoint()];
    let store = EtcdStore::connect(endpoints, Options::new()).await.expect("well formed");
    let look = async || {
        let (start, mut watcher) = (Instant::now(), store.value(KEY).watch());
        let looked = timeout(NEVER, watcher.get()).await;
        (start.elapsed(), matches!(looked, Ok(Ok(_))))
    };
    let (first, mut all) = look().await;
    let mut slowest = seconds(0);
    for _ in 0..100 {
        let (took, looked) = look().await;
        slowest = slowest.max(took);
        all &= looked;
    }
    let said = format!("the slowest of 100 later looks took {:.1} ms", slowest.as_secs_f64() * 1e3);
    Row { said, ..Row::new(first, seconds(6)) }
        .require(all, "a look failed")
        .require(slowest < seconds(1) / 10, "a later look was slow")
}
