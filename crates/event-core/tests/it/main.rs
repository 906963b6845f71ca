//! The public behaviour of event-core.

mod adapters;
mod allocation;
mod bounded;
mod erasure;
mod latest;
mod laws;
mod memory;
mod mock;
mod panics;
mod refresh;
mod woken;
