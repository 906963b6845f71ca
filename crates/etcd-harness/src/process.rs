//! A server process that never outlives the test.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::LazyLock,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::background;

/// The path of util-linux's `setpriv`. Started through it, a server is killed by the kernel if the test
/// process dies without running destructors.
static SETPRIV: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join("setpriv")).find(|path| path.is_file())
});

/// A server process. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts a program. Its output is appended to `log`.
    pub(crate) async fn spawn(program: &Path, args: &[String], log: &Path) -> io::Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        let mut command = command(program);
        command.args(args).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // etcd reads options from these variables, and warns about those that it does not know.
        for name in etcd_variables() {
            command.env_remove(name);
        }
        // `--pdeathsig` kills the server when the thread that spawned it ends. The background threads live
        // as long as the process.
        let spawned = background::spawn(async move { command.spawn() }).await;
        Ok(Self { child: spawned.map_err(io::Error::other)?? })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// The exit status. `None` if the process still runs.
    pub(crate) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Describes an exit status, such as `exited with code 1`.
pub(crate) fn describe(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("was killed by signal {signal}"),
        None => format!("exited with code {}", status.code().unwrap_or(-1)),
    }
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path, lines: usize) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn command(program: &Path) -> Command {
    let Some(setpriv) = SETPRIV.as_deref() else { return Command::new(program) };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

fn etcd_variables() -> impl Iterator<Item = OsString> {
    let is_etcd = |name: &OsString| name.to_string_lossy().starts_with("ETCD_");
    env::vars_os().map(|(name, _)| name).filter(is_etcd)
}
