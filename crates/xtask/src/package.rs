//! Packages the published crates and builds the packages, as `cargo publish` does.
//!
//! The crates depend on each other, and no registry has them yet. Cargo packages them in one call, and
//! builds each against the packages of the others.

use std::time::Duration;

use crate::{
    metadata::Metadata,
    run::{cargo, step},
    workspace,
};

/// Cargo does not complain if one of these is missing.
const FILES: &[&str] = &["README.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// Packages the published crates and builds the packages.
pub(crate) fn check() -> Result<Duration, String> {
    let published = Metadata::read()?.published();
    for file in
        published.iter().flat_map(|package| FILES.iter().map(|file| package.folder.join(file)))
    {
        if !file.is_file() {
            return Err(format!("a package needs {}", file.display()));
        }
    }
    // Uncommitted changes are allowed: at the desk, you want to check before you commit. In CI there are none.
    let mut command = cargo(["package", "--quiet", "--allow-dirty"]);
    for package in &published {
        command.args(["--package", &package.name]);
    }
    // Unless this is set, cargo builds each package in a new folder, from nothing.
    command.env("CARGO_TARGET_DIR", workspace::target());
    step("package", command)
}
