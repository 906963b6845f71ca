//! A disk that stops answering.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::Node;

/// How long the tracer may take to attach to all threads.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(10);
/// How long each sync hangs, in microseconds: longer than any test.
const HANGS: &str = "inject=fdatasync,fsync:delay_enter=600000000";

/// A node whose writes to its disk hang. Dropping it lets them go on.
#[derive(Debug)]
pub struct StalledDisk {
    tracer: Child,
}

impl Node {
    /// Stalls the node's disk: from now on each `fsync` and each `fdatasync` hangs. The process goes on.
    ///
    /// Start the cluster with the flag `--unsafe-no-fsync=false`. Without it, the nodes do not sync.
    ///
    /// # Errors
    ///
    /// Says why this can't be done here. It needs `strace`, and the permission to trace.
    ///
    /// # Panics
    ///
    /// If the node does not run.
    pub async fn stall_disk(&self) -> Result<StalledDisk, String> {
        let Some(id) = self.process_id() else { panic!("{} does not run", self.name()) };
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", HANGS]);
        command.args(["-p", &id.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let tracer = command.spawn().map_err(|error| format!("strace: {error}"))?;
        let mut stalled = StalledDisk { tracer };
        let start = Instant::now();
        while !is_traced(id) {
            if let Ok(Some(status)) = stalled.tracer.try_wait() {
                return Err(format!("strace may not trace here ({status})"));
            }
            if start.elapsed() > ATTACH_TIMEOUT {
                return Err(format!("strace did not attach within {ATTACH_TIMEOUT:?}"));
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(stalled)
    }
}

impl Drop for StalledDisk {
    fn drop(&mut self) {
        // The kernel detaches the threads when their tracer ends.
        let _ = self.tracer.kill();
        let _ = self.tracer.wait();
    }
}

/// Whether all threads of a process have a tracer.
fn is_traced(process: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return false };
    threads.flatten().all(|thread| {
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        status
            .lines()
            .any(|line| line.strip_prefix("TracerPid:").is_some_and(|tracer| tracer.trim() != "0"))
    })
}
