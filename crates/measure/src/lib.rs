//! Helpers for the benchmarks: measurements of several contenders side by side, as JSON lines and as a
//! table of ratios.
//!
//! Why not criterion? It measures one contender at a time, minutes apart. In those minutes the clock of a
//! shared machine drifts by more than the contenders differ. Here all contenders take turns within one
//! run. The report has the median of each contender and the ratios between them.

pub mod clock;
pub mod machine;

mod record;
mod report;
mod rounds;
mod task;

pub use record::{Record, Role};
pub use report::Report;
pub use rounds::{median, percentile, rounds};
pub use task::{Task, Woken};
