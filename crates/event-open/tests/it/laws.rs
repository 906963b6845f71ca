//! The laws, on keys of stores that URLs opened.

use std::error::Error;
use std::fs;
use std::str;
use std::time::Duration;

use etcd_harness::Cluster;
use event_core::conformance::{Gate, LawFuture, Subject};
use event_core::{BoxStore, MemoryStore, ReaderExt, Store, StoreExt, ValueReader};
use event_etcd::etcd_client::Client;
use event_open::{Opener, memory_store, open};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Each law starts a cluster of its own.
const TIMEOUT: Duration = Duration::from_secs(90);

/// A decoder of numbers, which passes the gate.
fn number(gate: Gate) -> impl Fn(&[u8]) -> Result<u64, Box<dyn Error + Send + Sync>> {
    move |bytes| {
        gate.pass();
        Ok(str::from_utf8(bytes)?.parse()?)
    }
}

/// A key of a store in memory.
struct InMemory {
    memory: MemoryStore,
    gate: Gate,
}

impl Subject for InMemory {
    async fn set(&mut self, version: u64) {
        self.memory.set("number", version.to_string());
    }

    async fn spoil(&mut self) -> bool {
        self.memory.set("number", "not a number");
        true
    }

    async fn end(&mut self) -> bool {
        self.memory.close();
        true
    }

    async fn held(&mut self) -> usize {
        0 // A store in memory holds nothing elsewhere.
    }

    fn gate(&self) -> Option<Gate> {
        Some(self.gate.clone())
    }
}

async fn in_memory() -> (impl ValueReader<u64, Watcher: Send> + Send + Sync, InMemory) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("laws-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let store = open(&format!("mem:{name}")).await.unwrap();
    let (memory, gate) = (memory_store(name), Gate::default());
    (store.value("number").decode(number(gate.clone())), InMemory { memory, gate })
}

event_core::conformance_tests!(a_key_in_memory, async || in_memory().await);

/// A key of an etcd.
struct InEtcd {
    cluster: Cluster,
    client: Client,
    store: BoxStore,
    gate: Gate,
}

impl Subject for InEtcd {
    async fn set(&mut self, version: u64) {
        self.write(version).await;
        self.store.refresh().await.expect("the key may be read");
    }

    async fn write(&mut self, version: u64) {
        self.put(&version.to_string()).await;
    }

    async fn spoil(&mut self) -> bool {
        self.put("not a number").await;
        self.store.refresh().await.expect("the key may be read");
        true
    }

    async fn end(&mut self) -> bool {
        false // A store whose type is erased ends with its last handle.
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a count
    async fn held(&mut self) -> usize {
        self.cluster.node(0).metric("etcd_debugging_mvcc_watcher_total").await as usize
    }

    fn gate(&self) -> Option<Gate> {
        Some(self.gate.clone())
    }
}

impl InEtcd {
    async fn put(&self, value: &str) {
        self.client.kv_client().put("app/number", value, None).await.expect("the put is taken");
    }
}

async fn in_etcd() -> (impl ValueReader<u64, Watcher: Send> + Send + Sync, InEtcd) {
    let cluster = Cluster::start(1).await;
    let endpoint = cluster.node(0).endpoint();
    let url = format!("etcd://{}/app/", endpoint.trim_start_matches("http://"));
    let store = Opener::new().open(&url).await.unwrap();
    let (client, gate) = (cluster.client().await, Gate::default());
    let reader = store.value("number").decode(number(gate.clone()));
    (reader, InEtcd { cluster, client, store, gate })
}

fn on_tokio(law: LawFuture) {
    Runtime::new().expect("a runtime").block_on(law);
}

event_core::conformance_tests!(
    a_key_of_an_etcd,
    async || in_etcd().await,
    block_on = on_tokio,
    timeout = TIMEOUT,
);

/// A file of a directory.
struct InFile {
    dir: TempDir,
    store: BoxStore,
    gate: Gate,
}

impl InFile {
    fn put(&self, value: &str) {
        let unfinished = self.dir.path().join("unfinished");
        fs::write(&unfinished, value).expect("the directory can be written");
        fs::rename(unfinished, self.dir.path().join("number")).expect("the file can be replaced");
    }
}

impl Subject for InFile {
    async fn set(&mut self, version: u64) {
        self.write(version).await;
        self.store.refresh().await.expect("the file may be read");
    }

    async fn write(&mut self, version: u64) {
        self.put(&version.to_string());
    }

    async fn spoil(&mut self) -> bool {
        self.put("not a number");
        self.store.refresh().await.expect("the file may be read");
        true
    }

    async fn end(&mut self) -> bool {
        false // A store whose type is erased ends with its last handle.
    }

    async fn held(&mut self) -> usize {
        0 // What a directory holds is counted by the tests of event-file.
    }

    fn gate(&self) -> Option<Gate> {
        Some(self.gate.clone())
    }
}

async fn in_file() -> (impl ValueReader<u64, Watcher: Send> + Send + Sync, InFile) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(&format!("file://{}", dir.path().display())).await.unwrap();
    let gate = Gate::default();
    let reader = store.value("number").decode(number(gate.clone()));
    (reader, InFile { dir, store, gate })
}

event_core::conformance_tests!(a_file, async || in_file().await);
