//! What the benchmarks share: figures measured side by side, as JSON lines and as a table of ratios.
//!
//! Why not criterion? It measures one thing at a time, minutes apart, and this machine's clock drifts
//! more in minutes than the peers differ. Here all contenders take turns within one run, and what is
//! told is the median of each and its ratio to the others.

mod record;
mod report;
mod rounds;

pub use record::{Record, Role};
pub use report::Report;
pub use rounds::{median, percentile, rounds};
