//! The settings of a cluster.

use crate::{Authority, Binary, Cluster, access::Access};

/// Configures and starts a [`Cluster`]. [`Cluster::builder`] makes one.
///
/// ```no_run
/// # async fn example() {
/// use etcd_harness::Cluster;
///
/// let cluster = Cluster::builder().nodes(3).arg("--max-request-bytes=10485760").start().await;
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ClusterBuilder {
    pub(crate) nodes: usize,
    pub(crate) args: Vec<String>,
    pub(crate) access: Access,
    pub(crate) binary: Option<Binary>,
}

impl ClusterBuilder {
    pub(crate) fn new() -> Self {
        Self { nodes: 1, args: Vec::new(), access: Access::default(), binary: None }
    }

    /// Sets the number of nodes. The default is one.
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// Adds a flag for every node, such as `--auth-token-ttl=2`. It overrides a flag of the harness.
    pub fn arg(mut self, flag: impl Into<String>) -> Self {
        self.args.push(flag.into());
        self
    }

    /// Adds flags for every node, as [`arg`](Self::arg) does.
    pub fn args<I: IntoIterator<Item: Into<String>>>(mut self, flags: I) -> Self {
        self.args.extend(flags.into_iter().map(Into::into));
        self
    }

    /// Serves clients over TLS, with a certificate that this authority issues.
    pub fn tls(mut self, authority: &Authority) -> Self {
        self.access = Access::tls(authority);
        self
    }

    /// Serves clients over TLS, and requires that each client has a certificate of this authority.
    pub fn mutual_tls(mut self, authority: &Authority) -> Self {
        self.access = Access::mutual_tls(authority);
        self
    }

    /// Sets which etcd to start. The default is [`Binary::find`].
    pub fn binary(mut self, binary: Binary) -> Self {
        self.binary = Some(binary);
        self
    }

    /// Starts the nodes and waits until all are healthy.
    ///
    /// # Panics
    ///
    /// If there is no etcd, or if a node is not healthy within 30 s. The message has the end of the node's
    /// log.
    pub async fn start(self) -> Cluster {
        Cluster::start_with(&self).await
    }
}
