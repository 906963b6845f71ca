//! event-core as its users see it.

mod adapters;
mod allocation;
mod bounded;
mod conformance_catches;
mod current;
mod erasure;
mod errors;
mod for_latest;
mod latest;
mod laws;
mod map_adapters;
mod map_conformance_catches;
mod map_laws;
mod maps;
mod memory;
mod mock;
mod or_else;
mod panics;
mod refresh;
mod shared;
mod stores;
mod testing;
mod timed;
mod upstream;
mod woken;
