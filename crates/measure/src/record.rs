//! One measurement.

use serde::{Deserialize, Serialize};

/// One measurement: what one contender needed for one benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The name of the benchmark, such as `set, all wait, u64`.
    pub work: String,
    /// The size of the benchmark, if it has one: a number of watchers, keys, threads or bytes.
    pub size: Option<u64>,
    /// The contender, with its version: `ours`, `eyeball 0.8`.
    pub who: String,
    /// What the contender is in the comparison.
    pub role: Role,
    /// The measured value: the median, if there were several rounds.
    pub value: f64,
    /// The unit of the value: `ns`, `s`, `B`. The benchmark defines whether the value is per operation.
    pub unit: String,
}

/// What a contender is in the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// This project.
    Ours,
    /// Another crate or approach that a user could choose instead.
    Peer,
    /// The lower bound: only the part of the work that no implementation can avoid.
    Floor,
}
