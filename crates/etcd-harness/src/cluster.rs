//! A cluster of etcd nodes.

use std::{fs, io, sync::Arc, time::Duration};

use etcd_client::{Client, ConnectOptions};
use tempfile::TempDir;

use crate::{
    Binary, ClusterBuilder, Node, Port,
    access::{Access, connect},
    eventually,
    node::{NodeConfig, StartError},
    peers::Peers,
};

/// An election may be slow on a busy machine. A longer wait indicates a bug.
const LEADER_TIMEOUT: Duration = Duration::from_secs(20);
/// How often to try to start. Another process may take a port before the server listens on it.
const ATTEMPTS: usize = 3;
/// How many lines of each log a failed test prints.
const LOG_LINES: usize = 15;

/// Real etcd servers on loopback, with their data in a temporary folder.
///
/// Dropping the cluster kills all servers, also when a test panics.
#[derive(Debug)]
pub struct Cluster {
    // The order matters: the servers must end before their folder is deleted.
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

    /// A builder, which starts one node unless you configure it otherwise.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::new()
    }

    pub(crate) async fn start_with(options: &ClusterBuilder) -> Self {
        let binary = options.binary.clone().unwrap_or_else(Binary::find);
        for _ in 0..ATTEMPTS {
            match Self::try_start(options, &binary).await {
                Ok(cluster) => return cluster,
                Err(StartError::PortTaken) => {}
                Err(StartError::Failed(reason)) => panic!("cannot start {binary}: {reason}"),
            }
        }
        panic!("cannot start {binary}: another process took its ports {ATTEMPTS} times");
    }

    async fn try_start(options: &ClusterBuilder, binary: &Binary) -> Result<Self, StartError> {
        let folder = TempDir::with_prefix("etcd-harness-")?;
        let peer_ports: Vec<Port> = (0..options.nodes).map(|_| Port::claim()).collect();
        let targets: Vec<_> = peer_ports.iter().map(Port::address).collect();
        let peers = Arc::new(Peers::start(&targets)?);
        let shared = shared_flags(options, binary, &peers);

        let mut nodes = Vec::new();
        for (index, peer_port) in peer_ports.into_iter().enumerate() {
            let name = name(index);
            let folder = folder.path().join(&name);
            fs::create_dir(&folder)?;
            let mut flags = shared.clone();
            flags.extend(options.access.server_flags(&folder)?);
            flags.extend(options.args.iter().cloned());
            let config = NodeConfig { index, name, folder, peer_port };
            nodes.push(Node::new(config, binary, flags, options.access.clone(), peers.clone()));
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

    /// The node with this index, counted from 0.
    ///
    /// # Panics
    ///
    /// If there is no such node.
    #[must_use]
    pub fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// All nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The URLs of the nodes for clients, in the order of the nodes.
    #[must_use]
    pub fn endpoints(&self) -> Vec<String> {
        self.nodes.iter().map(Node::endpoint).collect()
    }

    /// Connects a client to all nodes.
    ///
    /// It balances its requests over all nodes, including those that are down. If a node may be down, use
    /// [`Node::client`] of another.
    ///
    /// # Panics
    ///
    /// If it can't connect.
    pub async fn client(&self) -> Client {
        connect(&self.endpoints(), self.connect_options()).await
    }

    /// Connects a client to all nodes and logs it in. [`auth`](crate::auth) adds users.
    ///
    /// # Panics
    ///
    /// If it can't connect or log in.
    pub async fn client_as(&self, user: &str, password: &str) -> Client {
        connect(&self.endpoints(), self.connect_options().with_user(user, password)).await
    }

    /// The options of the clients that the methods above connect: timeouts and TLS.
    #[must_use]
    pub fn connect_options(&self) -> ConnectOptions {
        self.access.connect_options()
    }

    /// Waits for a leader among the nodes that run and are not cut off.
    ///
    /// # Panics
    ///
    /// If there is none within 20 s.
    pub async fn leader(&self) -> &Node {
        eventually(LEADER_TIMEOUT, "a node is the leader", async || self.leader_now().await).await
    }

    /// The first node that runs, is not cut off, and is not the leader.
    ///
    /// # Panics
    ///
    /// If there is no leader within 20 s, or if there is no such node.
    pub async fn follower(&self) -> &Node {
        let leader = self.leader().await;
        let follower =
            self.nodes.iter().find(|node| node.is_active() && node.name() != leader.name());
        follower.expect("only the leader runs and is not cut off")
    }

    async fn leader_now(&self) -> Option<&Node> {
        for node in self.nodes.iter().filter(|node| node.is_active()) {
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

/// The flags that are the same for all nodes.
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
    // Killing a process loses nothing that it wrote. Only a crash of the machine does, which no test causes.
    if binary.version() >= (3, 5, 0) {
        flags.push("--unsafe-no-fsync".to_owned());
    }
    flags
}

impl Drop for Cluster {
    /// If the test failed, prints the end of each log, because the logs are deleted with the cluster.
    fn drop(&mut self) {
        if std::thread::panicking() {
            for node in &self.nodes {
                eprintln!("-- end of the log of {}:\n{}", node.name(), node.log_tail(LOG_LINES));
            }
        }
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}
