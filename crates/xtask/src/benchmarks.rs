//! Commands that run and draw benchmarks.

use crate::{
    etcd,
    run::{cargo, step},
};

/// Finds an etcd and compares a store with hand-written loops on it.
pub(crate) fn etcd(args: &[String]) -> Result<(), String> {
    run("bench-etcd", args)
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
