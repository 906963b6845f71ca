//! A number of etcd nodes that are one store.

use std::{fs, io, sync::Arc, time::Duration};

use etcd_client::{Client, ConnectOptions};
use tempfile::TempDir;

use crate::{
    Binary, ClusterBuilder, Node, Port,
    access::{Access, connect},
    eventually,
    node::{Place, StartError},
    peers::Peers,
};

/// A busy machine may be slow to elect; a test that waits longer than this has found a bug.
const LEADER_BOUND: Duration = Duration::from_secs(20);
/// Ports may be taken between our look and the server's.
const ATTEMPTS: usize = 3;
/// How much of each log a failed test shows.
const LOG_TAIL: usize = 15;

/// Real etcd servers on loopback, with their data in a temporary folder.
///
/// All are killed when this is dropped, by a panic too.
#[derive(Debug)]
pub struct Cluster {
    // The order matters: the servers end before their folder goes.
    nodes: Vec<Node>,
    access: Access,
    binary: Binary,
    _folder: TempDir,
}

impl Cluster {
    /// Starts `nodes` nodes and waits until all are healthy.
    ///
    /// # Panics
    ///
    /// As [`ClusterBuilder::start`].
    pub async fn start(nodes: usize) -> Self {
        Self::builder().nodes(nodes).start().await
    }

    /// A cluster of one node, to be changed before it is started.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::new()
    }

    pub(crate) async fn start_with(options: &ClusterBuilder) -> Self {
        let binary = options.binary.clone().unwrap_or_else(Binary::find);
        for _ in 0..ATTEMPTS {
            match Self::try_start(options, &binary).await {
                Ok(cluster) => return cluster,
                Err(StartError::PortTaken) => {}
                Err(StartError::Failed(why)) => panic!("{binary} does not start: {why}"),
            }
        }
        panic!("{binary} does not start: {ATTEMPTS} times its ports were taken by somebody else");
    }

    async fn try_start(options: &ClusterBuilder, binary: &Binary) -> Result<Self, StartError> {
        let folder = TempDir::with_prefix("etcd-harness-")?;
        let listening: Vec<Port> = (0..options.nodes).map(|_| Port::claim()).collect();
        let targets: Vec<_> = listening.iter().map(Port::address).collect();
        let peers = Arc::new(Peers::start(&targets)?);
        let shared = shared_flags(options, binary, &peers);

        let mut nodes = Vec::new();
        for (index, peer_port) in listening.into_iter().enumerate() {
            let place = folder.path().join(name(index));
            fs::create_dir(&place)?;
            let mut flags = shared.clone();
            flags.extend(options.access.server_flags(&place)?);
            flags.extend(options.args.iter().cloned());
            let place = Place { index, name: name(index), folder: place, peer_port };
            nodes.push(Node::new(place, binary, flags, options.access.clone(), peers.clone()));
        }
        for node in &nodes {
            node.spawn().await?;
        }
        for node in &nodes {
            node.become_healthy().await?;
        }
        let (access, binary) = (options.access.clone(), binary.clone());
        Ok(Self { nodes, access, binary, _folder: folder })
    }

    /// The etcd that runs.
    #[must_use]
    pub fn binary(&self) -> &Binary {
        &self.binary
    }

    /// A node, counted from 0.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[must_use]
    pub fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// All nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Where clients reach the nodes, in order.
    #[must_use]
    pub fn endpoints(&self) -> Vec<String> {
        self.nodes.iter().map(Node::endpoint).collect()
    }

    /// A client of all nodes, to write with.
    ///
    /// It balances over all of them, the dead ones too; while some are down, a node's own client
    /// ([`Node::client`]) is the surer way.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub async fn client(&self) -> Client {
        connect(&self.endpoints(), self.connect_options()).await
    }

    /// A client that is logged in; see [`auth`](crate::auth).
    ///
    /// # Panics
    ///
    /// If it cannot log in.
    pub async fn client_as(&self, user: &str, password: &str) -> Client {
        connect(&self.endpoints(), self.connect_options().with_user(user, password)).await
    }

    /// What the clients above connect with: bounds, and what TLS needs.
    #[must_use]
    pub fn connect_options(&self) -> ConnectOptions {
        self.access.connect_options()
    }

    /// The leader, as soon as there is one among the nodes that run and are not cut off.
    ///
    /// # Panics
    ///
    /// If there is none within 20 s.
    pub async fn leader(&self) -> &Node {
        eventually(LEADER_BOUND, "a node is the leader", async || self.leader_now().await).await
    }

    /// A node that is not the leader, the first that runs and is not cut off.
    ///
    /// # Panics
    ///
    /// If there is no leader within 20 s, or no other node.
    pub async fn follower(&self) -> &Node {
        let leader = self.leader().await;
        let follower =
            self.nodes.iter().find(|node| node.takes_part() && node.name() != leader.name());
        follower.expect("no node but the leader takes part")
    }

    async fn leader_now(&self) -> Option<&Node> {
        for node in self.nodes.iter().filter(|node| node.takes_part()) {
            if node.is_leader().await {
                return Some(node);
            }
        }
        None
    }
}

fn name(index: usize) -> String {
    format!("node-{index}")
}

/// The flags that all nodes have in common.
fn shared_flags(options: &ClusterBuilder, binary: &Binary, peers: &Peers) -> Vec<String> {
    let members: Vec<String> = (0..options.nodes)
        .map(|index| format!("{}={}", name(index), peers.advertised(index)))
        .collect();
    let mut flags = vec![
        format!("--initial-cluster={}", members.join(",")),
        "--initial-cluster-state=new".to_owned(),
        "--initial-cluster-token=etcd-harness".to_owned(),
        "--heartbeat-interval=100".to_owned(),
        "--election-timeout=1000".to_owned(),
    ];
    // A process that is killed loses nothing that it wrote; only a machine that dies needs fsync.
    if binary.version() >= (3, 5, 0) {
        flags.push("--unsafe-no-fsync".to_owned());
    }
    flags
}

impl Drop for Cluster {
    /// A test that fails shows what the servers said last: their folder goes with the cluster.
    fn drop(&mut self) {
        if std::thread::panicking() {
            for node in &self.nodes {
                eprintln!("-- {}, its log's end:\n{}", node.name(), node.log_tail(LOG_TAIL));
            }
        }
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}
