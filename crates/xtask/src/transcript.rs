//! The transcript at the start of the README.

use crate::{
    etcd,
    run::{cargo, step},
};

/// Finds an etcd, and records what the README's two programs print while it is killed.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let etcd = etcd::get()?;
    step("programs", cargo(["build", "--quiet", "--package", "examples", "--examples"]))?;
    let mut command = cargo(["run", "--quiet", "--package", "examples"]);
    command.args(["--example", "transcript", "--"]).args(args).env("ETCD_BIN", etcd.path);
    step("transcript", command).map(drop)
}
