//! What may be between a store and its etcd.

use std::time::Instant;

use etcd_harness::{Cluster, Proxy, Service, ServiceKind};
use event_core::HealthState;
use event_core::ReaderExt;
use event_etcd::Options;
use tokio::time::sleep;

use crate::row::Row;
use crate::scenario::{Scenario, seconds};

/// etcd's own proxy, which is idle for a while, is killed, and comes back.
pub(crate) async fn grpc_proxy() -> Row {
    let cluster = Cluster::start(1).await;
    let writer = cluster.client().await;
    let targets = [cluster.node(0).address()];
    let service = Service::start(ServiceKind::GrpcProxy, cluster.binary().path(), &targets).await;
    let counter = Proxy::start(service.address());
    let endpoints = vec![counter.endpoint()];
    // The proxy has a watch of its own.
    let servers = Vec::new();
    let mut scenario = Scenario::start_at(servers, endpoints, Options::new(), &writer).await;
    let connections = counter.accepted();
    let idle = Instant::now();
    while idle.elapsed() < seconds(20) {
        sleep(seconds(1) / 10).await;
        let health = scenario.store.health().get().await.expect("the store goes on");
        if health.state != HealthState::Live {
            break;
        }
    }
    let stayed = idle.elapsed() >= seconds(20) && counter.accepted() == connections;
    let fault = Instant::now();
    service.kill();
    sleep(seconds(3)).await;
    service.restart().await;
    let healed = Instant::now();
    scenario.put(&writer).await;
    let row = scenario.end(fault, healed, seconds(3)).await;
    row.require_detected().require(stayed, "not live throughout 20 idle seconds")
}

/// A value of 1.4 MB over a link of 100 kB/s takes 14 s, also if the connection is lost meanwhile: then it
/// begins again.
pub(crate) async fn slow_link() -> Row {
    let cluster = Cluster::start(1).await;
    let (proxy, writer) = (Proxy::start(cluster.node(0).address()), cluster.client().await);
    let endpoints = vec![proxy.endpoint()];
    let mut scenario = Scenario::start(&cluster, endpoints, Options::new(), &writer).await;
    proxy.throttle(Some(100_000));
    let fault = Instant::now();
    scenario.put_large(&writer, 1_400_000).await;
    let first = scenario.take_last().await.map_or(seconds(999), |at| at - fault);
    scenario.put_large(&writer, 1_400_000).await;
    sleep(seconds(1)).await;
    let reset = Instant::now();
    proxy.reset().await;
    let mut row = scenario.end(fault, reset, seconds(20)).await;
    row.said = format!(
        "{:.1} s, and {:.1} s after a reset; {}",
        first.as_secs_f64(),
        row.took.as_secs_f64(),
        row.said
    );
    row.took = row.took.max(first);
    row
}
