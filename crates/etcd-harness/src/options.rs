//! What a cluster is started with.

use crate::{Authority, Binary, Cluster, access::Access};

/// How many nodes to start, and how.
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

    /// How many nodes; one, if not said.
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// Gives every node one more flag, such as `--auth-token-ttl=2`; it wins over the harness's own.
    pub fn arg(mut self, flag: impl Into<String>) -> Self {
        self.args.push(flag.into());
        self
    }

    /// Gives every node more flags.
    pub fn args<I: IntoIterator<Item: Into<String>>>(mut self, flags: I) -> Self {
        self.args.extend(flags.into_iter().map(Into::into));
        self
    }

    /// Serves clients over TLS, with a certificate of this authority.
    pub fn tls(mut self, authority: &Authority) -> Self {
        self.access = Access::tls(authority);
        self
    }

    /// Serves clients over TLS, and only those with a certificate of this authority too.
    pub fn mutual_tls(mut self, authority: &Authority) -> Self {
        self.access = Access::mutual_tls(authority);
        self
    }

    /// Starts this etcd, instead of the one that [`Binary::find`] finds.
    pub fn binary(mut self, binary: Binary) -> Self {
        self.binary = Some(binary);
        self
    }

    /// Starts the nodes and waits until all are healthy.
    ///
    /// # Panics
    ///
    /// If there is no etcd, or if they are not healthy within 30 s; the message has the end of a log.
    pub async fn start(self) -> Cluster {
        Cluster::start_with(&self).await
    }
}
