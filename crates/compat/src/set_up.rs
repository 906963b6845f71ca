//! A set-up: an etcd, and what stands before it.

use std::path::PathBuf;

use etcd_client::Client;
use etcd_harness::{Binary, Cluster, Proxy, Service, ServiceKind};

use crate::writer::Writer;

/// What a store connects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An etcd.
    Direct,
    /// A program before an etcd or in its place.
    Service(ServiceKind),
}

/// What is to be started.
#[derive(Clone, Debug)]
pub(crate) struct SetUp {
    kind: Kind,
    etcd: Option<Binary>,
    program: Option<PathBuf>,
}

impl SetUp {
    pub(crate) fn new(kind: Kind, etcd: Option<&Binary>, program: Option<PathBuf>) -> Self {
        Self { kind, etcd: etcd.cloned(), program }
    }

    /// Such as `3.7.3 | nginx, grpc_pass`: two cells of the table.
    pub(crate) fn name(&self) -> String {
        let version = self.etcd.as_ref().map_or("–".to_owned(), |etcd| {
            let (major, minor, patch) = etcd.version();
            format!("{major}.{minor}.{patch}")
        });
        match self.kind {
            Kind::Direct => format!("{version} | direct"),
            Kind::Service(kind) => format!("{version} | {kind}"),
        }
    }

    pub(crate) async fn start(self) -> Running {
        let cluster = match self.etcd {
            Some(etcd) => Some(Cluster::builder().binary(etcd).start().await),
            None => None,
        };
        let targets: Vec<_> = cluster.iter().map(|cluster| cluster.node(0).address()).collect();
        let service = match (self.kind, self.program) {
            (Kind::Service(kind), Some(program)) => {
                Some(Service::start(kind, program, &targets).await)
            }
            _ => None,
        };
        let behind = service.as_ref().map(Service::address).or(targets.first().copied());
        let counter = Proxy::start(behind.expect("a set-up has an etcd or a program"));
        Running { kind: self.kind, cluster, service, counter }
    }
}

/// A set-up that runs.
#[derive(Debug)]
pub(crate) struct Running {
    kind: Kind,
    cluster: Option<Cluster>,
    service: Option<Service>,
    /// Between the store and the rest, to count the connections.
    counter: Proxy,
}

impl Running {
    /// What the store connects to.
    pub(crate) fn endpoint(&self) -> String {
        self.counter.endpoint()
    }

    /// How often a store connected.
    pub(crate) fn connections(&self) -> u64 {
        self.counter.accepted()
    }

    /// Resets the connections of the store.
    pub(crate) async fn reset_connections(&self) {
        self.counter.reset().await;
    }

    /// Whether it has a program that can be restarted by itself.
    pub(crate) fn has_proxy(&self) -> bool {
        self.service.is_some() && self.cluster.is_some()
    }

    pub(crate) async fn restart_proxy(&self) {
        if let Some(service) = &self.service {
            service.restart().await;
        }
    }

    /// Restarts what has the data.
    pub(crate) async fn restart_server(&self) {
        match &self.cluster {
            Some(cluster) => cluster.node(0).restart().await,
            None => self.restart_proxy().await,
        }
    }

    /// A client of what has the data, past the proxy.
    pub(crate) async fn writer(&self) -> Writer {
        let client = match (&self.cluster, &self.service) {
            (Some(cluster), _) => Ok(cluster.client().await),
            (None, Some(service)) => Client::connect([service.endpoint()], None).await,
            (None, None) => unreachable!("a set-up has an etcd or a program"),
        };
        let is_kine = self.kind == Kind::Service(ServiceKind::Kine);
        Writer::new(client.expect("the server accepts connections"), is_kine)
    }
}
