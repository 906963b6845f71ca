//! The server that all contenders of a work follow.

use std::time::Duration;

use etcd_client::Client;
use etcd_harness::{Cluster, Node, eventually};

const WATCHES: &str = "etcd_debugging_mvcc_watcher_total";
const BOUND: Duration = Duration::from_secs(60);

/// A fresh etcd of one node, and a client to write with.
pub(crate) struct Server {
    pub(crate) cluster: Cluster,
    pub(crate) writer: Client,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let cluster = Cluster::builder().arg("--enable-pprof").start().await;
        let writer = cluster.client().await;
        Self { cluster, writer }
    }

    pub(crate) fn node(&self) -> &Node {
        self.cluster.node(0)
    }

    pub(crate) fn endpoint(&self) -> String {
        self.node().endpoint()
    }

    /// How many watches it has.
    pub(crate) async fn watches(&self) -> f64 {
        self.node().metric(WATCHES).await
    }

    /// Waits until it has so many watches.
    pub(crate) async fn has_watches(&self, count: usize) {
        let all = f64::from(u32::try_from(count).expect("a count"));
        eventually(BOUND, "the watches are there", async || self.watches().await >= all).await;
    }

    /// Waits until the last contender is gone, for the next one's turn.
    pub(crate) async fn is_left(&self) {
        eventually(BOUND, "no watch is left", async || self.watches().await <= 0.0).await;
    }
}
