//! What the system says of processes.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// The processor's name.
pub(crate) fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name"));
    line.map_or("an unknown processor", |line| line.trim_start_matches([' ', '\t', ':'])).to_owned()
}

/// What a process has in memory, in bytes.
pub(crate) fn resident(id: u32) -> f64 {
    kilobytes(id, "VmRSS:")
}

/// The most that a process had in memory since it began, or since [`forget_peak`], in bytes.
pub(crate) fn peak(id: u32) -> f64 {
    kilobytes(id, "VmHWM:")
}

/// Begins the peak of a process anew, from what it has now.
pub(crate) fn forget_peak(id: u32) {
    fs::write(format!("/proc/{id}/clear_refs"), "5").expect("the process is ours");
}

/// What a process has in memory that is of no file, in bytes.
pub(crate) fn anonymous(id: u32) -> f64 {
    kilobytes(id, "RssAnon:")
}

/// A line of what the system says of a process's memory, in bytes.
fn kilobytes(id: u32, name: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) * 1024.0
}

/// The time that the threads of a process have run so far, in seconds.
///
/// Of `schedstat`, in nanoseconds: `stat` counts ticks of 10 ms, too coarse for who is idle. Those of
/// threads that have ended are not in it: our followers end none.
pub(crate) fn cpu_time(id: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{id}/task")).expect("the process runs");
    let paths = threads.flatten().map(|thread| thread.path().join("schedstat"));
    let run = |path: PathBuf| -> Option<u64> {
        fs::read_to_string(path).ok()?.split(' ').next()?.parse().ok()
    };
    Duration::from_nanos(paths.filter_map(run).sum()).as_secs_f64()
}
