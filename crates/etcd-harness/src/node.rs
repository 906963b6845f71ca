//! One etcd server.

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

use crate::{
    Binary, Port,
    access::{Access, connect},
    http, metrics,
    peers::Peers,
    process::{Process, ending, tail},
};

const START_BOUND: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);
/// How much of a log a failure shows.
const TAIL: usize = 30;

/// One etcd server of a [`Cluster`](crate::Cluster).
///
/// What befalls it goes through `&self`, so that a task may break what another uses.
#[derive(Debug)]
pub struct Node {
    place: Place,
    binary: PathBuf,
    flags: Vec<String>,
    client_port: Port,
    metrics_port: Port,
    access: Access,
    peers: Arc<Peers>,
    state: Mutex<State>,
}

/// What a node is called and where it lives.
#[derive(Debug)]
pub(crate) struct Place {
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
    /// Somebody else listens on one of its ports.
    PortTaken,
    /// Anything else, in words.
    Failed(String),
}

impl Node {
    pub(crate) fn new(
        place: Place,
        binary: &Binary,
        shared_flags: Vec<String>,
        access: Access,
        peers: Arc<Peers>,
    ) -> Self {
        let mut node = Self {
            place,
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
            format!("--name={}", self.place.name),
            format!("--data-dir={}", self.data().display()),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-metrics-urls=http://{}", self.metrics_port.address()),
            format!("--listen-peer-urls=http://{}", self.place.peer_port.address()),
            format!("--initial-advertise-peer-urls={}", self.peers.advertised(self.place.index)),
        ]
    }

    /// Its name in the cluster, such as `node-0`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.place.name
    }

    /// Its number in the cluster, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.place.index
    }

    /// Where clients reach it, such as `http://127.0.0.1:12379`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{}://{}", self.access.scheme(), self.address())
    }

    /// Where clients reach it, as an address: what a [`Proxy`](crate::Proxy) is put before.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.client_port.address()
    }

    /// A client of this node alone.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub async fn client(&self) -> Client {
        connect(&[self.endpoint()], self.access.connect_options()).await
    }

    /// A client of this node alone that is logged in; see [`auth`](crate::auth).
    ///
    /// # Panics
    ///
    /// If it cannot log in.
    pub async fn client_as(&self, user: &str, password: &str) -> Client {
        let options = self.access.connect_options().with_user(user, password);
        connect(&[self.endpoint()], options).await
    }

    /// The id of its process, while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.state().process.as_ref().map(Process::id)
    }

    /// Whether its process runs, be it stopped or not.
    ///
    /// # Panics
    ///
    /// If the operating system does not tell.
    #[must_use]
    pub fn is_running(&self) -> bool {
        let mut state = self.state();
        let ended = state.process.as_mut().map(|process| process.ended().expect("a child is ours"));
        matches!(ended, Some(None))
    }

    /// Starts it on the same ports and data, and does not wait: where too few members run, it does not
    /// become healthy. See [`healthy`](Self::healthy).
    ///
    /// # Panics
    ///
    /// If it runs already, or cannot be started.
    pub async fn launch(&self) {
        assert!(!self.is_running(), "{} runs already", self.name());
        if let Err(error) = self.spawn().await {
            panic!("{} does not start: {error}", self.name());
        }
    }

    /// Waits until it serves: it knows a leader and answers a linearizable read.
    ///
    /// # Panics
    ///
    /// If it does not within 30 s; the message has the end of its log.
    pub async fn healthy(&self) {
        if let Err(error) = self.become_healthy().await {
            panic!("{} is not healthy: {error:?}", self.name());
        }
    }

    /// Whether it serves now: see [`healthy`](Self::healthy).
    pub async fn is_healthy(&self) -> bool {
        let answer = http::get(self.metrics_port.address(), "/health").await;
        matches!(answer, Ok((200, body)) if body.contains(r#""health":"true""#))
    }

    /// Starts it again on the same ports and data, and waits until it serves; kills it first if it runs.
    ///
    /// # Panics
    ///
    /// As [`launch`](Self::launch) and [`healthy`](Self::healthy).
    pub async fn restart(&self) {
        self.kill();
        self.launch().await;
        self.healthy().await;
    }

    /// One of its metrics, such as `etcd_debugging_mvcc_watcher_total`; with a bare name, the sum over
    /// all labels.
    ///
    /// # Panics
    ///
    /// If it does not answer within 2 s, or has no such metric.
    pub async fn metric(&self, name: &str) -> f64 {
        match self.try_metric(name).await {
            Ok(Some(value)) => value,
            Ok(None) => panic!("{} has no metric {name}", self.name()),
            Err(error) => panic!("{} does not tell its metrics: {error}", self.name()),
        }
    }

    /// What it has in memory that is in use, in bytes: its heap after a garbage collection, and its stacks.
    ///
    /// # Panics
    ///
    /// If it was not started with `--enable-pprof`, or does not answer within 2 s.
    pub async fn live_memory(&self) -> f64 {
        match http::get(self.address(), "/debug/pprof/heap?gc=1&debug=1").await {
            Ok((200, _)) => {}
            other => {
                panic!("{} collects no garbage: {:?}", self.name(), other.map(|other| other.0))
            }
        }
        let heap = self.metric("go_memstats_heap_alloc_bytes").await;
        heap + self.metric("go_memstats_stack_inuse_bytes").await
    }

    /// Whether it takes itself for the leader; a node that does not answer does not.
    pub async fn is_leader(&self) -> bool {
        matches!(self.try_metric("etcd_server_is_leader").await, Ok(Some(value)) if value > 0.0)
    }

    /// The last lines of what it has logged.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        tail(&self.log(), lines)
    }

    /// Runs, is not stopped and not cut off.
    pub(crate) fn takes_part(&self) -> bool {
        self.is_running() && !self.state().stopped && !self.peers.is_cut(self.place.index)
    }

    pub(crate) async fn spawn(&self) -> io::Result<()> {
        let process = Process::spawn(&self.binary, &self.flags, &self.log()).await?;
        self.peers.runs_as(self.place.index, process.id());
        *self.state() = State { process: Some(process), stopped: false };
        Ok(())
    }

    pub(crate) async fn become_healthy(&self) -> Result<(), StartError> {
        let start = Instant::now();
        while !self.is_healthy().await {
            if let Some(ending) = self.ending()? {
                let log = self.log_tail(TAIL);
                if log.contains("address already in use") {
                    return Err(StartError::PortTaken);
                }
                return Err(StartError::Failed(format!("it {ending}; its log ends:\n{log}")));
            }
            if start.elapsed() > START_BOUND {
                let log = self.log_tail(TAIL);
                return Err(StartError::Failed(format!(
                    "not healthy within {START_BOUND:?}; its log ends:\n{log}"
                )));
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// How its process ended, if it has.
    fn ending(&self) -> io::Result<Option<String>> {
        match &mut self.state().process {
            Some(process) => Ok(process.ended()?.map(ending)),
            None => Ok(Some("was killed".to_owned())),
        }
    }

    async fn try_metric(&self, name: &str) -> io::Result<Option<f64>> {
        let (_, text) = http::get(self.metrics_port.address(), "/metrics").await?;
        Ok(metrics::value(&text, name))
    }

    fn data(&self) -> PathBuf {
        self.place.folder.join("data")
    }

    fn log(&self) -> PathBuf {
        self.place.folder.join("etcd.log")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
