//! event-etcd against real etcd servers, started by the harness.

mod arguments;
mod auth;
mod certificates;
mod compaction;
mod faults;
mod following;
mod health;
mod hostile;
mod lag;
mod large;
mod laws;
mod logs;
mod map_laws;
mod maps;
mod metadata;
mod metrics;
mod ready;
mod set_ups;
mod sharing;
mod support;
mod terminator;
mod tls;
mod transport;
