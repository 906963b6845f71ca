//! Checks the published crates with no feature, with each feature alone, and with all.
//!
//! The other checks build the workspace with all features. A missing `cfg`, or a dependency that only
//! another feature turns on, shows up only here.

use std::{process::Command, time::Duration};

use crate::{
    metadata::{Metadata, Published},
    run::{cargo, steps},
};

/// Runs clippy on each published crate with each selection of features.
pub(crate) fn check() -> Result<Duration, String> {
    let published = Metadata::read()?.published();
    steps("features", published.iter().flat_map(selections).collect())
}

fn selections(package: &Published) -> Vec<Command> {
    if package.features.is_empty() {
        // The check `package` builds the crate by itself.
        return Vec::new();
    }
    let mut selections = vec![vec!["--no-default-features"]];
    for feature in &package.features {
        selections.push(vec!["--no-default-features", "--features", feature]);
    }
    selections.push(vec!["--all-features"]);
    let clippy = |selection: Vec<&str>| {
        let mut command = cargo(["clippy", "--quiet", "--package", &package.name]);
        command.args(selection).args(["--", "-D", "warnings"]);
        command
    };
    selections.into_iter().map(clippy).collect()
}
