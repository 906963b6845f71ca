//! The conformance suite, on keys of a real etcd.

use std::sync::atomic::{AtomicUsize, Ordering};

use etcd_client::Client;
use etcd_harness::{Cluster, Node, eventually};
use event_core::conformance::{self, Subject};
use event_core::{BoxReader, ReaderExt, ValueReader};
use event_etcd::{EtcdStore, EtcdValue};
use tokio::time::timeout;

use crate::support::{BOUND, delete, put, store, watches};

/// A key that holds a number, in a store of its own.
struct Key<'a, R> {
    client: Client,
    node: &'a Node,
    store: EtcdStore,
    name: String,
    value: EtcdValue,
    reader: R,
}

impl<'a, R> Key<'a, R> {
    async fn new(cluster: &'a Cluster, adapt: impl FnOnce(EtcdValue) -> R) -> Self {
        static KEYS: AtomicUsize = AtomicUsize::new(0);
        // What the last subject held goes when the server notices: it is not this one's.
        let none_left = async || watches(cluster.node(0)).await == 0;
        eventually(BOUND, "the last subject's watches are gone", none_left).await;
        let name = format!("key-{}", KEYS.fetch_add(1, Ordering::Relaxed));
        let store = store(cluster.endpoints()).await;
        let value = store.value(&name);
        let (client, node) = (cluster.client().await, cluster.node(0));
        Self { client, node, reader: adapt(value.clone()), store, name, value }
    }
}

impl<R: ValueReader<u64>> Subject for Key<'_, R> {
    type Reader = R;

    fn reader(&self) -> &R {
        &self.reader
    }

    async fn set(&self, version: u64) {
        put(&self.client, &self.name, version.to_string()).await;
        self.value.refresh().await.expect("the key may be read");
    }

    async fn spoil(&self) -> bool {
        put(&self.client, &self.name, "not a number").await;
        self.value.refresh().await.expect("the key may be read");
        true
    }

    async fn end(&self) -> bool {
        self.store.close();
        true
    }

    async fn held(&self) -> usize {
        watches(self.node).await
    }
}

fn number(bytes: &[u8]) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    Ok(std::str::from_utf8(bytes)?.parse()?)
}

async fn hold<R: ValueReader<u64>>(nodes: usize, adapt: fn(EtcdValue) -> R) {
    let cluster = Cluster::start(nodes).await;
    let laws = conformance::all(async || Key::new(&cluster, adapt).await);
    timeout(3 * BOUND, Box::pin(laws)).await.expect("a law is broken if a version does not come");
}

#[tokio::test]
async fn the_laws_hold_for_a_key() {
    hold(1, |value| value.decode(number)).await;
}

#[tokio::test]
async fn the_laws_hold_for_a_key_of_three_nodes_boxed_below_and_above() {
    hold(3, |value| -> BoxReader<u64> { value.boxed().decode(number).boxed() }).await;
}

#[tokio::test]
async fn a_deletion_is_an_error_in_its_place() {
    let cluster = Cluster::start(1).await;
    let key = Key::new(&cluster, |value| value.decode(number)).await;
    let mut watcher = key.reader.watch();
    key.set(1).await;
    assert_eq!(crate::support::next(&mut watcher).await.unwrap(), 1);
    let revision = delete(&key.client, &key.name).await;
    let error = crate::support::next(&mut watcher).await.unwrap_err();
    assert_eq!((error.kind(), error.revision()), (event_core::ErrorKind::Deleted, Some(revision)));
    key.set(2).await;
    assert_eq!(crate::support::next(&mut watcher).await.unwrap(), 2);
}
