//! One server process, which never outlives the test.

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

/// util-linux's `setpriv`, with which the kernel kills the server when we die without a chance to.
static SETPRIV: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join("setpriv")).find(|path| path.is_file())
});

/// A running server; dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts a program, with all it says appended to `log`.
    pub(crate) async fn spawn(program: &Path, args: &[String], log: &Path) -> io::Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        let mut command = command(program);
        command.args(args).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // etcd takes options from such variables, and warns of those it does not know.
        for name in own_variables() {
            command.env_remove(name);
        }
        // On a thread that lives as long as we do: to the kernel a thread's end is a parent's death.
        let spawned = background::spawn(async move { command.spawn() }).await;
        Ok(Self { child: spawned.map_err(io::Error::other)?? })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only where the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a process ended, in words.
pub(crate) fn ending(status: ExitStatus) -> String {
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

fn own_variables() -> impl Iterator<Item = OsString> {
    let of_etcd = |name: &OsString| name.to_string_lossy().starts_with("ETCD_");
    env::vars_os().map(|(name, _)| name).filter(of_etcd)
}
