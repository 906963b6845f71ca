//! What has to pass.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    etcd, instructions, run,
    run::{cargo, step, with_flag},
    workspace,
};

const CLIPPY: &[&str] =
    &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
const DOC: &[&str] = &["doc", "--workspace", "--no-deps", "--all-features"];
const EXAMPLE: &[&str] = &["run", "--package", "examples", "--example", "config_watch"];

/// Gets an etcd and runs every test, with it.
pub(crate) fn test(args: &[String]) -> Result<(), String> {
    step("test", tests(args)?).map(drop)
}

/// Gets an etcd and runs the fault table, with it.
pub(crate) fn faults(args: &[String]) -> Result<(), String> {
    let etcd = etcd::get()?;
    let mut command = cargo(["run", "--quiet", "--release", "--package", "faults", "--"]);
    command.args(args).env("ETCD_BIN", etcd.path);
    step("faults", command).map(drop)
}

/// Gets an etcd and measures a store beside loops written by hand, with it.
pub(crate) fn bench_etcd(args: &[String]) -> Result<(), String> {
    let etcd = etcd::get()?;
    let mut command = cargo(["run", "--quiet", "--release", "--package", "bench-etcd", "--"]);
    command.args(args).env("ETCD_BIN", etcd.path);
    step("bench-etcd", command).map(drop)
}

/// Draws the recorded benchmarks.
pub(crate) fn charts() -> Result<(), String> {
    step("charts", cargo(["run", "--quiet", "--package", "charts"])).map(drop)
}

/// Runs the session through random schedules.
pub(crate) fn simulate(schedules: &str) -> Result<(), String> {
    let mut command =
        cargo(["test", "--release", "--package", "event-etcd", "--lib", "simulation"]);
    command.env("EVENT_SCHEDULES", schedules);
    step("simulate", command).map(drop)
}

/// Runs the tests of the cell under loom.
pub(crate) fn loom() -> Result<(), String> {
    step("loom", interleavings()).map(drop)
}

/// Runs all of it, until something fails.
pub(crate) fn all() -> Result<(), String> {
    has_component("fmt", "rustfmt")?;
    has_component("clippy", "clippy")?;
    let took = [
        ("format", step("format", cargo(["fmt", "--all", "--check"]))?),
        ("clippy", step("clippy", cargo(CLIPPY.iter().copied()))?),
        ("test", step("test", tests(&[])?)?),
        ("loom", step("loom", interleavings())?),
        ("docs", step("docs", docs())?),
        ("example", step("example", cargo(EXAMPLE.iter().copied()))?),
        ("instructions", instructions()?),
    ];
    eprintln!("\n== all passed");
    for (name, took) in took {
        eprintln!("{name:>12} {:7.1} s", took.as_secs_f64());
    }
    let total: Duration = took.iter().map(|(_, took)| took).sum();
    eprintln!("{:>12} {:7.1} s", "total", total.as_secs_f64());
    Ok(())
}

fn tests(args: &[String]) -> Result<Command, String> {
    let etcd = etcd::get()?;
    let mut command = cargo(["test", "--workspace", "--all-features"]);
    command.args(args).env("ETCD_BIN", etcd.path);
    Ok(command)
}

/// No count fails it, nor that there is no valgrind.
fn instructions() -> Result<Duration, String> {
    let start = Instant::now();
    instructions::run(&[]).map(|()| start.elapsed())
}

/// With a cfg of our own: loom's usual `--cfg loom` changes tokio and others too.
fn interleavings() -> Command {
    let mut command = cargo(["test", "--package", "event-core", "--lib", "--release", "loom"]);
    // Other flags build everything anew: in the usual folder that would undo the usual build.
    command.env("CARGO_TARGET_DIR", workspace::target().join("loom"));
    with_flag(command, "RUSTFLAGS", "--cfg event_loom")
}

fn docs() -> Command {
    with_flag(cargo(DOC.iter().copied()), "RUSTDOCFLAGS", "-D warnings")
}

/// A minimal toolchain comes without some of cargo's commands.
fn has_component(subcommand: &str, component: &str) -> Result<(), String> {
    run::quiet(cargo([subcommand, "--version"])).map(drop).map_err(|_| {
        format!(
            "this toolchain has no `cargo {subcommand}`: `rustup component add {component}` adds it"
        )
    })
}
