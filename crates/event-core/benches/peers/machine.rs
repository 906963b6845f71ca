//! What it ran on.

use std::fs;
use std::process::Command;
use std::thread;

/// Threads that run at once.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Processor, cores and compiler, in a line.
pub(crate) fn line() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("a processor that tells no name", |(_, model)| model);
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let rustc = Command::new(rustc).arg("--version").output();
    let rustc = rustc.map_or_else(
        |error| format!("rustc: {error}"),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    format!("{model}, {} cores, {rustc}", cores())
}

/// A crate's name and the two first numbers of the version that was built: `eyeball 0.8`.
pub(crate) fn versioned(name: &str) -> String {
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap_or_default();
    let entry = format!("\nname = \"{name}\"\nversion = \"");
    let version = lock.split_once(&entry).map_or("", |(_, rest)| rest);
    let version: Vec<&str> = version.split(['.', '"']).take(2).collect();
    format!("{name} {}", version.join("."))
}
