//! One figure.

use serde::{Deserialize, Serialize};

/// One figure: what a contender took for some work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What was done, such as `set, watchers waiting`.
    pub work: String,
    /// How much of it there was, where the work comes in sizes: watchers, keys, threads, bytes.
    pub size: Option<u64>,
    /// Who did it, with the version: `ours`, `eyeball 0.8`.
    pub who: String,
    /// What it is compared as.
    pub role: Role,
    /// The figure: the median of the rounds, where there were several.
    pub value: f64,
    /// Its unit: `ns`, `s`, `B`. The work's name says whether that is for one operation.
    pub unit: String,
}

/// What a contender is compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// What this project offers.
    Ours,
    /// What a user would otherwise take.
    Peer,
    /// What no implementation can be below: the part of the work that all of them do.
    Floor,
}
