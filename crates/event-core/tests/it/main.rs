//! event-core as its users see it.

mod adapters;
mod allocation;
mod conformance_catches;
mod erasure;
mod latest;
mod laws;
mod memory;
mod mock;
