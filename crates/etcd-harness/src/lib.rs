//! Starts real etcd servers for tests, and breaks them on purpose.
//!
//! A [`Cluster`] is a number of etcd nodes on loopback, each a process of its own, gone when the
//! cluster is dropped. A [`Node`] can be killed, stopped, cut from its peers, wiped, restored. A
//! [`Proxy`] stands before a node (or anything else on TCP) and resets, holds, refuses or delays what
//! passes. Tests wait with [`eventually`] for a condition, with a bound, and never sleep and hope.
//!
//! ```no_run
//! use std::time::Duration;
//! use etcd_harness::{Cluster, Proxy, eventually};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), etcd_client::Error> {
//! let cluster = Cluster::start(3).await;
//! let mut client = cluster.client().await;
//! client.put("key", "value", None).await?;
//!
//! let leader = cluster.leader().await;
//! leader.kill();
//! let successor = cluster.leader().await;
//! assert_ne!(leader.name(), successor.name());
//!
//! let proxy = Proxy::start(successor.address());
//! let mut through = etcd_client::Client::connect([proxy.endpoint()], None).await?;
//! through.get("key", None).await?;
//! proxy.reset().await;
//! eventually(Duration::from_secs(5), "the client is back", async || {
//!     through.get("key", None).await.is_ok()
//! })
//! .await;
//! # Ok(()) }
//! ```
//!
//! Which etcd is started: see [`Binary`]. Everything here panics, with a message that says what is
//! wrong, where a test could not go on anyway. The processes and proxies run beside the test's own
//! runtime: a test that blocks its thread does not stall them. Don't pause tokio's time around them.

mod binary;
mod eventually;
mod port;
mod tls;

mod cluster;
mod node;
mod options;

mod proxy;

pub mod auth;

mod access;
mod background;
mod carry;
mod data;
mod dialler;
mod http;
mod metrics;
mod peers;
mod process;

pub use binary::Binary;
pub use cluster::Cluster;
pub use data::DataCopy;
pub use eventually::{Outcome, eventually};
pub use node::Node;
pub use options::ClusterBuilder;
pub use port::Port;
pub use proxy::Proxy;
pub use tls::{Authority, Identity};
