//! Checks the published crates with no feature, with each feature alone, and with all.
//!
//! The other checks build the workspace with all features. A missing `cfg`, or a dependency that only
//! another feature turns on, shows up only here.
//!
//! A crate that has default features has tests of what is refused without them. They run here, too.

use std::{process::Command, time::Duration};

use crate::{
    metadata::{Metadata, Published},
    run::{cargo, steps},
};

/// Runs clippy on each published crate with each selection of features, and the tests of a crate without its
/// default features.
pub(crate) fn check() -> Result<Duration, String> {
    let published = Metadata::read()?.published();
    let with_default = published.iter().filter(|package| package.has_default_features);
    let without = with_default.map(test_without_features);
    steps("features", published.iter().flat_map(selections).chain(without).collect())
}

fn test_without_features(package: &Published) -> Command {
    let mut command = cargo(["test", "--quiet", "--no-default-features", "--lib"]);
    command.args(["--package", &package.name, "--", "without_"]);
    command
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
