//! The adapters of maps.

mod boxed;
mod changes;
mod streams;

pub use boxed::BoxedMap;
pub use changes::{NextChange, NextChanges, WaitUntilSynced};
pub use streams::{IntoBatches, IntoChanges};

/// How many changes are taken under one lock.
const CHUNK: usize = 1024;
