//! The laws, on keys of a real etcd.

use std::error::Error;
use std::str;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::Client;
use etcd_harness::Cluster;
use event_core::conformance::{Gate, LawFuture, Subject};
use event_core::{BoxStore, ErrorKind, ReaderExt, StoreExt, ValueReader};
use event_etcd::{EtcdStore, EtcdValue};
use tokio::runtime::Runtime;

use crate::support::{delete, next, put, store, watches};

/// Each law starts a cluster of its own.
const TIMEOUT: Duration = Duration::from_secs(90);

/// A key that holds a number.
struct Key {
    cluster: Cluster,
    client: Client,
    store: EtcdStore,
    value: EtcdValue,
    /// In the decoder.
    gate: Gate,
}

const NAME: &str = "number";

impl Key {
    /// The reader that `adapt` makes of a new key and a decoder, and the key.
    async fn new<R>(nodes: usize, adapt: impl FnOnce(EtcdValue, Gate) -> R) -> (R, Self) {
        let cluster = Cluster::start(nodes).await;
        let store = store(cluster.endpoints()).await;
        let (client, value, gate) = (cluster.client().await, store.value(NAME), Gate::default());
        let reader = adapt(value.clone(), gate.clone());
        (reader, Self { cluster, client, store, value, gate })
    }

    async fn put(&self, value: &str) {
        put(&self.client, NAME, value).await;
    }

    async fn refresh(&self) {
        self.value.refresh().await.expect("the key may be read");
    }
}

impl Subject for Key {
    async fn set(&mut self, version: u64) {
        self.write(version).await;
        self.refresh().await;
    }

    async fn write(&mut self, version: u64) {
        self.put(&version.to_string()).await;
    }

    async fn spoil(&mut self) -> bool {
        self.put("not a number").await;
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

    fn gate(&self) -> Option<Gate> {
        Some(self.gate.clone())
    }
}

/// A decoder of numbers, which passes the gate.
fn number(gate: Gate) -> impl Fn(&[u8]) -> Result<u64, Box<dyn Error + Send + Sync>> {
    move |bytes| {
        gate.pass();
        Ok(str::from_utf8(bytes)?.parse()?)
    }
}

fn on_tokio(law: LawFuture) {
    Runtime::new().expect("a runtime").block_on(law);
}

event_core::conformance_tests!(
    a_key_of_one_node,
    async || Key::new(1, |value, gate| value.decode(number(gate))).await,
    block_on = on_tokio,
    timeout = TIMEOUT,
);

event_core::conformance_tests!(
    a_key_of_three_nodes_boxed_below_and_above,
    async || Key::new(3, |value, gate| value.boxed().decode(number(gate)).boxed()).await,
    block_on = on_tokio,
    timeout = TIMEOUT,
);

event_core::conformance_tests!(
    a_key_through_a_dyn_store,
    async || {
        let (_, key) = Key::new(1, |value, _| value).await;
        let store: BoxStore = Arc::new(key.store.clone());
        (store.value(NAME).decode(number(key.gate.clone())), key)
    },
    block_on = on_tokio,
    timeout = TIMEOUT,
);

#[tokio::test]
async fn a_deletion_is_an_error_in_its_place() {
    let (reader, mut key) = Key::new(1, |value, gate| value.decode(number(gate))).await;
    let mut watcher = reader.watch();
    key.set(1).await;
    assert_eq!(next(&mut watcher).await.unwrap(), 1);
    let revision = delete(&key.client, NAME).await;
    let error = next(&mut watcher).await.unwrap_err();
    assert_eq!((error.kind(), error.revision()), (ErrorKind::Deleted, Some(revision)));
    key.set(2).await;
    assert_eq!(next(&mut watcher).await.unwrap(), 2);
}
