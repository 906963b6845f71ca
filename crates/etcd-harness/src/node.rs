//! One etcd server.

mod disk;
mod faults;

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use etcd_client::Client;
use tokio::time::sleep;

pub use self::disk::StalledDisk;

use crate::{
    Binary, Port,
    access::{Access, connect},
    http, metrics,
    peers::Peers,
    process::{Process, describe, tail},
};

const START_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How many lines of the log an error message has.
const LOG_LINES: usize = 30;

/// One etcd server of a [`Cluster`](crate::Cluster).
///
/// Its methods take `&self`, so one task can inject a fault while another uses the node.
#[derive(Debug)]
pub struct Node {
    config: NodeConfig,
    binary: PathBuf,
    flags: Vec<String>,
    client_port: Port,
    metrics_port: Port,
    access: Access,
    peers: Arc<Peers>,
    state: Mutex<State>,
}

/// The name, folder and peer port of a node.
#[derive(Debug)]
pub(crate) struct NodeConfig {
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) peer_port: Port,
}

#[derive(Debug, Default)]
struct State {
    process: Option<Process>,
    stopped: bool,
}

/// Why a node did not become healthy.
#[derive(Debug)]
pub(crate) enum StartError {
    /// Another process listens on one of its ports.
    PortTaken,
    /// Any other reason.
    Failed(String),
}

impl Node {
    pub(crate) fn new(
        config: NodeConfig,
        binary: &Binary,
        shared_flags: Vec<String>,
        access: Access,
        peers: Arc<Peers>,
    ) -> Self {
        let mut node = Self {
            config,
            binary: binary.path().to_owned(),
            flags: Vec::new(),
            client_port: Port::claim(),
            metrics_port: Port::claim(),
            access,
            peers,
            state: Mutex::default(),
        };
        node.flags = node.own_flags();
        node.flags.extend(shared_flags);
        node
    }

    fn own_flags(&self) -> Vec<String> {
        let client = self.endpoint();
        vec![
            format!("--name={}", self.config.name),
            format!("--data-dir={}", self.data().display()),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-metrics-urls=http://{}", self.metrics_port.address()),
            format!("--listen-peer-urls=http://{}", self.config.peer_port.address()),
            format!("--initial-advertise-peer-urls={}", self.peers.advertised(self.config.index)),
        ]
    }

    /// The name of the node in the cluster, such as `node-0`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The index of the node in the cluster, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.config.index
    }

    /// The URL for clients, such as `http://127.0.0.1:12379`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{}://{}", self.access.scheme(), self.address())
    }

    /// The address for clients. It can be the target of a [`Proxy`](crate::Proxy).
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.client_port.address()
    }

    /// Connects a client to this node only.
    ///
    /// # Panics
    ///
    /// If it can't connect.
    pub async fn client(&self) -> Client {
        connect(&[self.endpoint()], self.access.connect_options()).await
    }

    /// Connects a client to this node only and logs it in. [`auth`](crate::auth) adds users.
    ///
    /// # Panics
    ///
    /// If it can't connect or log in.
    pub async fn client_as(&self, user: &str, password: &str) -> Client {
        let options = self.access.connect_options().with_user(user, password);
        connect(&[self.endpoint()], options).await
    }

    /// The id of the node's process. `None` if the node was killed.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.state().process.as_ref().map(Process::id)
    }

    /// Whether the node's process runs. A process that is stopped (SIGSTOP) runs too.
    ///
    /// # Panics
    ///
    /// If the operating system does not report the state of the process.
    #[must_use]
    pub fn is_running(&self) -> bool {
        let mut state = self.state();
        let Some(process) = &mut state.process else { return false };
        process.try_wait().expect("cannot wait for the process").is_none()
    }

    /// Starts the node on the same ports and with the same data. Does not wait until it is healthy.
    ///
    /// If too few members of the cluster run, the node does not become healthy. [`healthy`](Self::healthy)
    /// waits until it does.
    ///
    /// # Panics
    ///
    /// If the node already runs, or can't be started.
    pub async fn launch(&self) {
        assert!(!self.is_running(), "{} already runs", self.name());
        if let Err(error) = self.spawn().await {
            panic!("cannot start {}: {error}", self.name());
        }
    }

    /// Waits until the node is healthy: it knows a leader and serves a linearizable read.
    ///
    /// # Panics
    ///
    /// If it is not healthy within 30 s. The message has the end of its log.
    pub async fn healthy(&self) {
        match self.become_healthy().await {
            Ok(()) => {}
            Err(StartError::PortTaken) => panic!("{}: a port is already in use", self.name()),
            Err(StartError::Failed(reason)) => panic!("{}: {reason}", self.name()),
        }
    }

    /// Whether the node is healthy now, as [`healthy`](Self::healthy) defines it.
    pub async fn is_healthy(&self) -> bool {
        let response = http::get(self.metrics_port.address(), "/health").await;
        matches!(response, Ok((200, body)) if body.contains(r#""health":"true""#))
    }

    /// Kills the node if it runs, starts it on the same ports and with the same data, and waits until it is
    /// healthy.
    ///
    /// # Panics
    ///
    /// As [`launch`](Self::launch) and [`healthy`](Self::healthy).
    pub async fn restart(&self) {
        self.kill();
        self.launch().await;
        self.healthy().await;
    }

    /// The value of a metric, such as `etcd_debugging_mvcc_watcher_total`. If `name` has no labels, the sum
    /// over all labels.
    ///
    /// # Panics
    ///
    /// If the node does not respond within 2 s, or has no such metric.
    pub async fn metric(&self, name: &str) -> f64 {
        match self.try_metric(name).await {
            Ok(Some(value)) => value,
            Ok(None) => panic!("{} has no metric {name}", self.name()),
            Err(error) => panic!("cannot read the metrics of {}: {error}", self.name()),
        }
    }

    /// The memory in use, in bytes: the heap after a garbage collection, and the stacks.
    ///
    /// # Panics
    ///
    /// If the node was not started with `--enable-pprof`, or does not respond within 2 s.
    pub async fn live_memory(&self) -> f64 {
        // What lies in a pool of Go's, such as gRPC's buffers, survives one collection.
        for _ in 0..2 {
            match http::get(self.address(), "/debug/pprof/heap?gc=1&debug=1").await {
                Ok((200, _)) => {}
                Ok((status, _)) => {
                    panic!("cannot start a garbage collection in {}: status {status}", self.name())
                }
                Err(error) => {
                    panic!("cannot start a garbage collection in {}: {error}", self.name())
                }
            }
        }
        let heap = self.metric("go_memstats_heap_alloc_bytes").await;
        heap + self.metric("go_memstats_stack_inuse_bytes").await
    }

    /// Whether the node considers itself the leader. `false` if it does not respond.
    pub async fn is_leader(&self) -> bool {
        matches!(self.try_metric("etcd_server_is_leader").await, Ok(Some(value)) if value > 0.0)
    }

    /// The last lines of the node's log.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        tail(&self.log(), lines)
    }

    /// Whether the node runs, is not stopped, and is not cut off.
    pub(crate) fn is_active(&self) -> bool {
        self.is_running() && !self.state().stopped && !self.peers.is_cut(self.config.index)
    }

    pub(crate) async fn spawn(&self) -> io::Result<()> {
        let process = Process::spawn(&self.binary, &self.flags, &self.log()).await?;
        self.peers.set_process(self.config.index, process.id());
        *self.state() = State { process: Some(process), stopped: false };
        Ok(())
    }

    pub(crate) async fn become_healthy(&self) -> Result<(), StartError> {
        let start = Instant::now();
        while !self.is_healthy().await {
            if let Some(exit) = self.exit()? {
                let log = self.log_tail(LOG_LINES);
                if log.contains("address already in use") {
                    return Err(StartError::PortTaken);
                }
                return Err(StartError::Failed(format!("it {exit}; end of its log:\n{log}")));
            }
            if start.elapsed() > START_TIMEOUT {
                let log = self.log_tail(LOG_LINES);
                return Err(StartError::Failed(format!(
                    "not healthy within {START_TIMEOUT:?}; end of its log:\n{log}"
                )));
            }
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// How the process ended, such as `exited with code 1`. `None` if it still runs.
    fn exit(&self) -> io::Result<Option<String>> {
        match &mut self.state().process {
            Some(process) => Ok(process.try_wait()?.map(describe)),
            None => Ok(Some("was killed".to_owned())),
        }
    }

    async fn try_metric(&self, name: &str) -> io::Result<Option<f64>> {
        let (_, text) = http::get(self.metrics_port.address(), "/metrics").await?;
        Ok(metrics::value(&text, name))
    }

    fn data(&self) -> PathBuf {
        self.config.folder.join("data")
    }

    fn log(&self) -> PathBuf {
        self.config.folder.join("etcd.log")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
