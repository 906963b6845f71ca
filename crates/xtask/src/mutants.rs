//! Runs cargo-mutants on the code that keeps the promises. `.cargo/mutants.toml` says which code that is.

use std::process::Command;

use crate::{etcd, run::step, tool, workspace};

const TOOL: &str = "cargo-mutants";
/// The version that `.cargo/mutants.toml` is written for.
const VERSION: &str = "27.1.0";

/// Runs cargo-mutants.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let etcd = etcd::get()?;
    let installed = workspace::on_path(TOOL);
    let tool = installed.map_or_else(|| tool::install(TOOL, VERSION), Ok)?;
    let mut command = Command::new(tool);
    command.current_dir(workspace::root()).env("ETCD_BIN", etcd.path);
    command.args(["mutants", "--output"]).arg(workspace::target()).args(args);
    step("mutants", command).map(drop)
}
