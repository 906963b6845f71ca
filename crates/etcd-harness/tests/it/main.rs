//! The harness does what it says.

mod auth;
mod cluster;
mod eventually;
mod node;
mod peers;
mod proxy;
mod tls;

use std::time::Duration;

/// Long enough for anything on a busy machine, short enough for somebody who waits.
const BOUND: Duration = Duration::from_secs(20);
