//! event-core as its users see it.

mod adapters;
mod allocation;
mod bounded;
mod conformance_catches;
mod current;
mod erasure;
mod latest;
mod laws;
mod memory;
mod mock;
mod panics;
mod refresh;
mod shared;
mod woken;
