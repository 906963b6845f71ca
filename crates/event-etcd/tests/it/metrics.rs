//! What a store counts, through the `metrics` facade.
#![cfg(feature = "metrics")]

use std::collections::BTreeMap;

use etcd_harness::{Proxy, eventually};
use event_core::{Health, HealthState, KeyRange, MapReader, ValueReader, WatcherExt};
use event_etcd::EtcdStore;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tokio::time::timeout;

use crate::support::{BOUND, HealthExt, one_node, options, put, until};

#[tokio::test]
async fn a_store_counts_its_state_its_keys_its_versions_and_its_reconnects() {
    let recorder = DebuggingRecorder::new();
    let (cluster, client, _) = one_node().await;
    let proxy = Proxy::start(cluster.node(0).address());
    let here = metrics::set_default_local_recorder(&recorder);
    let store = EtcdStore::connect([proxy.endpoint()], options()).await.unwrap();
    drop(here);
    // What was set or counted since the last call.
    let counted = || {
        let mut counted = BTreeMap::new();
        for (key, _, _, value) in recorder.snapshotter().snapshot().into_vec() {
            let labels: Vec<_> = key.key().labels().map(|it| (it.key(), it.value())).collect();
            assert_eq!(labels, [("endpoints", proxy.endpoint().as_str())]);
            let value = match value {
                DebugValue::Gauge(value) => *value,
                DebugValue::Counter(count) => f64::from(u32::try_from(count).unwrap()),
                DebugValue::Histogram(_) => panic!("{key:?} is a histogram"),
            };
            let name = key.key().name().strip_prefix("event_etcd_").unwrap().to_owned();
            counted.insert(name, value);
        }
        counted
    };
    let begun = [
        ("reconnects_total", 0.0),
        ("stale_seconds", 0.0),
        ("state", 0.0),
        ("versions_total", 0.0),
        ("watched_keys", 0.0),
        ("watched_maps", 0.0),
    ];
    assert_eq!(counted(), BTreeMap::from(begun.map(|(name, value)| (name.to_owned(), value))));

    put(&client, "key", "a").await;
    let (mut watcher, _other) = (store.value("key").watch(), store.value("other").watch());
    let map = store.range(KeyRange::prefix("none")).watch();
    until(&mut watcher, "a").await;
    timeout(BOUND, store.health_live()).await.expect("live");
    let live = counted();
    assert_eq!((live["state"], live["watched_keys"], live["watched_maps"]), (1.0, 2.0, 1.0));
    drop(map);
    assert_eq!((live["versions_total"], live["reconnects_total"]), (2.0, 0.0));
    assert!(live["stale_seconds"] < 1.0, "{live:?}");

    proxy.refuse().await;
    let stalled = |health: &Health| health.state == HealthState::Stalled;
    timeout(BOUND, store.health().watch().get_if(stalled)).await.expect("stalled").unwrap();
    assert_eq!(counted().get("state"), Some(&2.0));
    eventually(BOUND, "the staleness grows", async || counted()["stale_seconds"] > 1.5).await;

    counted();
    proxy.accept();
    put(&client, "key", "b").await;
    until(&mut watcher, "b").await;
    timeout(BOUND, store.health_live()).await.expect("live");
    let live = counted();
    assert_eq!((live["state"], live["versions_total"]), (1.0, 1.0));
    assert!(live["reconnects_total"] >= 1.0, "{live:?}");
}
