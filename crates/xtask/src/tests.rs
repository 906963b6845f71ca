//! Commands that run tests.

use std::{env, num::NonZero, thread, time::Duration};

use crate::{
    etcd,
    run::{cargo, step, with_flag},
    workspace,
};

/// Finds an etcd and runs every test with it.
pub(crate) fn all(args: &[String]) -> Result<Duration, String> {
    let etcd = etcd::get()?;
    let mut command = cargo(["test", "--workspace", "--all-features"]);
    command.args(args).env("ETCD_BIN", etcd.path);
    if env::var_os("RUST_TEST_THREADS").is_none() {
        // Most tests wait for a server, so more of them than there are cores run at once.
        let cores = thread::available_parallelism().map_or(2, NonZero::get);
        command.env("RUST_TEST_THREADS", (2 * cores).to_string());
    }
    step("test", command)
}

/// Runs the tests of the cell under loom.
///
/// Why not loom's usual `--cfg loom`? That one changes tokio and other crates too.
pub(crate) fn loom() -> Result<Duration, String> {
    let mut command = cargo(["test", "--package", "event-core", "--lib", "--release", "loom"]);
    // Different flags rebuild everything. In the usual folder, the next usual build would start over.
    command.env("CARGO_TARGET_DIR", workspace::target().join("loom"));
    step("loom", with_flag(command, "RUSTFLAGS", "--cfg event_loom"))
}

/// Finds an etcd and runs the fault table with it.
pub(crate) fn faults(args: &[String]) -> Result<(), String> {
    run_faults(&["--release"], args).map(drop)
}

/// Runs the rows of the fault table that need more than an etcd. A row says so where it can't run. Without
/// optimizations, because the tests have built what it needs.
pub(crate) fn quick_faults() -> Result<Duration, String> {
    run_faults(&[], &["--quick".to_owned()])
}

fn run_faults(flags: &[&str], args: &[String]) -> Result<Duration, String> {
    let etcd = etcd::get()?;
    // One row drives the example, which reads its certificates from files.
    let mut example = cargo(["build", "--quiet", "--package", "examples"]);
    example.args(["--example", "config_watch"]).args(flags);
    step("faults", example)?;
    let mut command = cargo(["run", "--quiet", "--package", "faults"]);
    command.args(flags).arg("--").args(args).env("ETCD_BIN", etcd.path);
    step("faults", command)
}

/// Runs the session through random schedules.
pub(crate) fn simulate(schedules: &str) -> Result<(), String> {
    let mut command =
        cargo(["test", "--release", "--package", "event-etcd", "--lib", "simulation"]);
    command.env("EVENT_SCHEDULES", schedules);
    step("simulate", command).map(drop)
}
