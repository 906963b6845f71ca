//! The machine that runs the benchmarks, and the versions of the contenders.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

/// How many threads can run in parallel.
#[must_use]
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The processor, the number of cores and the compiler, in one line.
#[must_use]
pub fn description() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let rustc = Command::new(rustc).arg("--version").output();
    let rustc = rustc.map_or_else(
        |error| format!("rustc: {error}"),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    format!("{model}, {} cores, {rustc}", cores())
}

/// The name of a crate with the major and minor version in the workspace's lock file: `eyeball 0.8`.
#[must_use]
pub fn with_version(name: &str) -> String {
    with_version_in(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")), name)
}

/// The same, with the version in a lock file.
#[must_use]
pub fn with_version_in(lock: &Path, name: &str) -> String {
    let lock = fs::read_to_string(lock).unwrap_or_default();
    let entry = format!("\nname = \"{name}\"\nversion = \"");
    let version = lock.split_once(&entry).map_or("", |(_, rest)| rest);
    let version: Vec<&str> = version.split(['.', '"']).take(2).collect();
    format!("{name} {}", version.join("."))
}
