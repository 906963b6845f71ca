//! Connections that break, or that only seem to be there.

use std::time::Instant;

use etcd_harness::{Cluster, Proxy};
use event_core::{ValueReader, WatcherExt};
use event_etcd::{EtcdStore, Options};
use tokio::time::sleep;

use crate::scenario::{KEY, Row, Scenario, seconds};

pub(crate) async fn half_open_alone() -> Row {
    let cluster = Cluster::start(1).await;
    let (proxy, writer) = (Proxy::start(cluster.node(0).address()), cluster.client().await);
    let mut scenario = Scenario::start(vec![proxy.endpoint()], Options::new(), &writer).await;
    let fault = Instant::now();
    proxy.hold();
    scenario.put(&writer).await;
    sleep(seconds(20)).await;
    let healed = Instant::now();
    proxy.release();
    scenario.end(fault, healed, seconds(1)).await
}

pub(crate) async fn half_open_of_three() -> Row {
    let cluster = Cluster::start(3).await;
    let (proxy, writer) = (Proxy::start(cluster.node(0).address()), cluster.client().await);
    let endpoints = vec![proxy.endpoint(), cluster.node(1).endpoint(), cluster.node(2).endpoint()];
    let mut scenario = Scenario::start(endpoints, Options::new(), &writer).await;
    let fault = Instant::now();
    proxy.hold();
    scenario.put(&writer).await;
    scenario.end(fault, fault, seconds(6)).await
}

/// The slowest of five.
pub(crate) async fn reset_or_closed(reset: bool) -> Row {
    let cluster = Cluster::start(1).await;
    let (proxy, writer) = (Proxy::start(cluster.node(0).address()), cluster.client().await);
    let mut scenario = Scenario::start(vec![proxy.endpoint()], Options::new(), &writer).await;
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

/// The first value of a store whose first endpoint does not serve, then a hundred more looks.
pub(crate) async fn first_is_dead(refuses: bool) -> Row {
    let cluster = Cluster::start(1).await;
    let (proxy, writer) = (Proxy::start(cluster.node(0).address()), cluster.client().await);
    if refuses {
        proxy.refuse().await;
    } else {
        proxy.hold();
    }
    writer.kv_client().put(KEY, "1", None).await.expect("a put");
    let endpoints = [proxy.endpoint(), cluster.node(0).endpoint()];
    let store = EtcdStore::connect(endpoints.clone(), Options::new()).await.expect("well formed");
    let start = Instant::now();
    let _ = store.value(KEY).watch().get().await;
    let first = start.elapsed();
    let mut slowest = seconds(0);
    for _ in 0..100 {
        let look = Instant::now();
        let _ = store.value(KEY).watch().get().await;
        slowest = slowest.max(look.elapsed());
    }
    Row {
        detected: None,
        took: first,
        bound: seconds(6),
        lost: 0,
        backward: 0,
        said: format!("the slowest of 100 later looks took {:.1} ms", slowest.as_secs_f64() * 1e3),
    }
}
