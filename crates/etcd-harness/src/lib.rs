//! Starts real etcd servers for tests, and injects faults.
//!
//! - A [`Cluster`] is one or more etcd nodes on loopback. Each node is a process of its own. Dropping the
//!   cluster kills them all.
//! - A [`Node`] can be killed, stopped, cut off from its peers, wiped and restored.
//! - A [`Proxy`] forwards TCP connections to a node or to any other server. It can reset, hold, refuse, delay
//!   and throttle them.
//! - A [`Service`] is a program that people put before an etcd, or use in its place.
//! - [`eventually`] waits for a condition, with a timeout. Use it instead of a fixed sleep.
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
//! [`Binary`] documents which etcd is started.
//!
//! The functions panic instead of returning an error, because a test can't continue without its server.
//! The message says what is wrong.
//!
//! The proxies do not run on the test's runtime. A test that blocks its thread does not stall them. Don't
//! pause tokio's time in a test that uses this crate: the timeouts would expire at once.

mod binary;
mod eventually;
mod port;
mod tls;

mod cluster;
mod cluster_builder;
mod node;

mod proxy;
mod service;

pub mod auth;

mod access;
mod background;
mod connection;
mod data;
mod http;
mod metrics;
mod peers;
mod process;
mod sockets;

pub use binary::Binary;
pub use cluster::Cluster;
pub use cluster_builder::ClusterBuilder;
pub use data::DataCopy;
pub use eventually::{Outcome, eventually};
pub use node::{Node, StalledDisk};
pub use port::Port;
pub use proxy::Proxy;
pub use service::{Service, ServiceKind};
pub use tls::{Authority, Identity};
