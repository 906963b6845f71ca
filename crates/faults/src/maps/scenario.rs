//! A store that follows a map, a writer that knows nothing of it, and what is required of both.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use etcd_client::Client;
use etcd_harness::{Cluster, Node, eventually};
use event_core::{HealthState, MapReader, ReaderExt};
use event_etcd::{EtcdStore, Options};
use tokio::time::{sleep, timeout};

use super::FOLDER;
use super::writer::Writer;
use crate::Running;
use crate::health_log::{self, HealthLog};
use crate::mirror::Mirror;
use crate::row::Row;
use crate::scenario::NEVER;
use crate::watches;

/// How long the writer goes on after the fault is over.
const GOES_ON: Duration = Duration::from_millis(500);
/// What the last writes may take to arrive.
const SOON: Duration = Duration::from_secs(2);

pub(super) struct Scenario {
    pub(super) store: EtcdStore,
    mirror: Mirror,
    writer: Writer,
    /// Reads the folder in the end.
    client: Client,
    health: HealthLog,
    servers: Vec<SocketAddr>,
    /// How many watches the servers had before the store's.
    before: u64,
    marks: u64,
}

impl Scenario {
    /// A store with a synced map, which is live. Each client of `clients` is of one member.
    pub(super) async fn start(
        servers: Vec<SocketAddr>,
        endpoints: Vec<String>,
        options: Options,
        clients: Vec<Client>,
    ) -> Self {
        let before = watches::count(&servers).await;
        let client = clients[0].clone();
        let writer = Writer::start(clients).await;
        let options = options.ordered_endpoints(true);
        let store =
            EtcdStore::connect(endpoints, options).await.expect("the endpoints are well formed");
        let mirror = Mirror::start(store.map(FOLDER).watch());
        let health = HealthLog::start(&store);
        assert!(mirror.synced(NEVER).await, "the map is synced");
        timeout(NEVER, health_log::state(&store, HealthState::Live)).await.expect("it is live");
        // So that every kind of write was there before the fault.
        sleep(GOES_ON).await;
        Self { store, mirror, writer, client, health, servers, before, marks: 0 }
    }

    /// On all members of a cluster, with a writer that does not pass the endpoints.
    pub(super) async fn on(cluster: &Cluster, endpoints: Vec<String>) -> Self {
        let mut clients = Vec::new();
        for node in cluster.nodes() {
            clients.push(node.client().await);
        }
        let servers = cluster.nodes().iter().map(Node::address).collect();
        Self::start(servers, endpoints, Options::new(), clients).await
    }

    /// Marks a moment, and waits until the map has the mark. Says how long after `since` that is.
    pub(super) async fn catches_up(&mut self, since: Instant) -> Duration {
        self.marks += 1;
        self.writer.mark(self.marks).await;
        let marked = self.mirror.marked(self.marks, NEVER).await;
        marked.map_or(NEVER, |at| at.saturating_duration_since(since))
    }

    /// Waits until the store's revision is above this one.
    pub(super) async fn history_is_past(&self, revision: i64) {
        eventually(NEVER, "the new history is past the old one", async || {
            self.revision().await.is_some_and(|now| now > revision)
        })
        .await;
    }

    /// The store's revision.
    pub(super) async fn revision(&self) -> Option<i64> {
        let read = self.client.kv_client().get("any", None).await.ok()?;
        read.header().map(etcd_client::ResponseHeader::revision)
    }

    /// The node that the store is connected to.
    pub(super) async fn node_in_use<'a>(&self, cluster: &'a Cluster) -> &'a Node {
        let health = self.store.health().get().await.expect("the store goes on");
        let endpoint = health.source.expect("a live store has an endpoint");
        let nodes = cluster.nodes().iter();
        let mut nodes = nodes.filter(|node| node.endpoint() == *endpoint);
        nodes.next().expect("one of the cluster's")
    }

    /// What came of it: `fault` when it began, `from` where the time to the next step is measured from.
    pub(super) fn end(mut self, fault: Instant, from: Instant, bound: Duration) -> Running {
        Box::pin(async move {
            let took = self.catches_up(from).await;
            self.ended(fault, took, bound, None).await
        })
    }

    /// The same, where the time was measured already. The folder is read by `reader`, or else by the first client.
    pub(super) fn ended(
        self,
        fault: Instant,
        took: Duration,
        bound: Duration,
        reader: Option<Client>,
    ) -> Running {
        Box::pin(self.compare(fault, took, bound, reader))
    }

    async fn compare(
        self,
        fault: Instant,
        took: Duration,
        bound: Duration,
        reader: Option<Client>,
    ) -> Row {
        sleep(GOES_ON).await;
        let (wrote, mut panicked) = self.writer.stop().await;
        let client = reader.unwrap_or(self.client);
        let lost = self.mirror.differences(&client, FOLDER, SOON).await;
        let (detected, said) = self.health.since(fault).await;
        let figures = self.mirror.figures();
        panicked |= self.mirror.end().await;
        panicked |= self.health.end().await;
        // The store lives on: what is dropped is the watcher alone.
        let left = watches::left_over(&self.servers, self.before).await;
        let row = Row {
            detected,
            lost: u32::try_from(lost).unwrap_or(u32::MAX),
            backward: figures.backward,
            said: format!("{wrote}, {} steps; {said}", figures.steps),
            ..Row::new(took, bound)
        };
        row.require(figures.halves == 0, format!("{} half transactions", figures.halves))
            .require(left == 0, format!("{left} watches left"))
            .require(!panicked, "a panic")
    }
}
