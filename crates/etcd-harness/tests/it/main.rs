//! The public behaviour of etcd-harness.

mod auth;
mod cluster;
mod eventually;
mod node;
mod peers;
mod proxy;
mod service;
mod tls;

use std::time::Duration;

/// Long enough for every operation on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);
