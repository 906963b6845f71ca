//! Commands that run and draw benchmarks.

use crate::{
    etcd,
    run::{cargo, step},
    workspace,
};

/// Finds an etcd and compares a store with hand-written loops on it.
pub(crate) fn etcd(args: &[String]) -> Result<(), String> {
    run("bench-etcd", args)
}

/// Finds an etcd and compares maps of a store with hand-written loops and with Go's mirror on it.
pub(crate) fn etcd_maps(args: &[String]) -> Result<(), String> {
    run("bench-etcd-maps", &[&["maps".to_owned()], args].concat())
}

/// Compares a map in memory with those of other crates.
pub(crate) fn maps(args: &[String]) -> Result<(), String> {
    let manifest = "crates/bench-maps/Cargo.toml";
    let mut command = cargo(["run", "--quiet", "--release", "--manifest-path", manifest]);
    // A package of its own: it would have a target folder of its own, too.
    command.arg("--target-dir").arg(workspace::target().join("bench-maps")).arg("--").args(args);
    step("bench-maps", command).map(drop)
}

/// Finds an etcd and runs a fleet of stores on it.
pub(crate) fn fleet(args: &[String]) -> Result<(), String> {
    run("fleet", &[&["fleet".to_owned()], args].concat())
}

fn run(name: &str, args: &[String]) -> Result<(), String> {
    let etcd = etcd::get()?;
    let mut command = cargo(["run", "--quiet", "--release", "--package", "bench-etcd", "--"]);
    command.args(args).env("ETCD_BIN", etcd.path);
    step(name, command).map(drop)
}

/// Draws the recorded runs.
pub(crate) fn charts() -> Result<(), String> {
    step("charts", cargo(["run", "--quiet", "--package", "charts"])).map(drop)
}
