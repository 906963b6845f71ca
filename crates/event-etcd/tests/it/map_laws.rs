//! The laws of maps, on a range of a real etcd.

use std::error::Error;
use std::str;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Client, Txn, TxnOp};
use etcd_harness::Cluster;
use event_core::conformance::LawFuture;
use event_core::conformance::maps::MapSubject;
use event_core::{BoxStore, Bytes, MapReader, MapReaderExt, StoreExt};
use event_etcd::{EtcdMap, EtcdStore};
use tokio::runtime::Runtime;

use crate::support::{put, store, watches};

/// Each law starts a cluster of its own.
const TIMEOUT: Duration = Duration::from_secs(90);

/// Keys that hold numbers.
struct Numbers {
    cluster: Cluster,
    client: Client,
    store: EtcdStore,
    map: EtcdMap,
}

const NAME: &str = "numbers";

impl Numbers {
    /// The reader that `adapt` makes of a new map, and what controls the map.
    async fn new<R>(nodes: usize, adapt: impl FnOnce(&EtcdStore) -> R) -> (R, Self) {
        let cluster = Cluster::start(nodes).await;
        let store = store(cluster.endpoints()).await;
        let (client, map) = (cluster.client().await, store.map(NAME));
        let reader = adapt(&store);
        (reader, Self { cluster, client, store, map })
    }

    fn full(&self, key: u64) -> String {
        format!("{NAME}/{}", str::from_utf8(&self.key(key)).expect("a name of ours"))
    }

    async fn refresh(&self) {
        self.map.refresh().await.expect("the range may be read");
    }
}

impl MapSubject for Numbers {
    type Key = Bytes;

    fn key(&self, number: u64) -> Bytes {
        format!("{number:06}").into()
    }

    async fn apply(&mut self, step: &[(u64, Option<u64>)]) {
        // A transaction may not change a key twice, and the last change counts.
        let last = |at: usize| step[at + 1..].iter().all(|(key, _)| *key != step[at].0);
        let changes = (0..step.len()).filter(|at| last(*at)).map(|at| match step[at] {
            (key, Some(value)) => TxnOp::put(self.full(key), value.to_string(), None),
            (key, None) => TxnOp::delete(self.full(key), None),
        });
        let transaction = Txn::new().and_then(changes.collect::<Vec<_>>());
        self.client.kv_client().txn(transaction).await.expect("the transaction is taken");
        self.refresh().await;
    }

    async fn sync(&mut self) -> bool {
        false
    }

    async fn spoil(&mut self, key: u64) -> bool {
        put(&self.client, &self.full(key), "not a number").await;
        self.refresh().await;
        true
    }

    async fn end(&mut self) -> bool {
        self.store.close();
        true
    }

    async fn held(&mut self) -> usize {
        watches(self.cluster.node(0)).await
    }
}

fn number(bytes: &[u8]) -> Result<u64, Box<dyn Error + Send + Sync>> {
    Ok(str::from_utf8(bytes)?.parse()?)
}

fn on_tokio(law: LawFuture) {
    Runtime::new().expect("a runtime").block_on(law);
}

event_core::map_conformance_tests!(
    a_map_of_one_node,
    async || Numbers::new(1, |store| store.map(NAME).decode(number)).await,
    block_on = on_tokio,
    timeout = TIMEOUT,
);

event_core::map_conformance_tests!(
    a_map_through_a_dyn_store_of_three_nodes,
    async || {
        let through_dyn = |store: &EtcdStore| {
            let store: BoxStore = Arc::new(store.clone());
            store.map(NAME).decode(number).boxed()
        };
        Numbers::new(3, through_dyn).await
    },
    block_on = on_tokio,
    timeout = TIMEOUT,
);
