//! event-core as its users see it.

mod adapters;
mod allocation;
mod erasure;
mod latest;
mod laws;
mod memory;
mod mock;
