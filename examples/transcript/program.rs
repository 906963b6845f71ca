//! One of the two programs, and what it prints.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

/// How long a line may take. A longer wait indicates a bug.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Where a long line is cut.
const WIDTH: usize = 69;

/// A program that runs. Dropping it kills it.
pub(crate) struct Program {
    name: &'static str,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: ChildStderr,
}

impl Program {
    /// Starts an example of this package.
    ///
    /// # Panics
    ///
    /// If it is not built.
    pub(crate) fn start(name: &'static str, endpoint: &str) -> Self {
        let mut command = Command::new(path(name));
        command.arg(endpoint).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().expect("cargo builds the examples");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let stderr = child.stderr.take().expect("stderr is piped");
        Self { name, child, stdout, stderr }
    }

    /// What it prints until each of these lines was printed: values first, then the health.
    ///
    /// The two are versions of two values, so either may come first. Whether the program sees that the store is
    /// still connecting depends on which of them is faster. The transcript leaves that line out.
    ///
    /// # Panics
    ///
    /// If a line does not come.
    pub(crate) async fn until(&mut self, expected: &[&str]) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        while !expected.iter().all(|line| lines.iter().any(|printed| printed == line)) {
            match timeout(TIMEOUT, self.stdout.next_line()).await {
                Ok(Ok(Some(line))) if line == "health: connecting" => {}
                Ok(Ok(Some(line))) => lines.push(line),
                end => {
                    panic!("{} printed {lines:?}, and not all of {expected:?}: {end:?}", self.name)
                }
            }
        }
        lines.sort_by_key(|line| line.starts_with("health"));
        lines
    }

    /// What it prints until it ends, and how it ends.
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub(crate) async fn end(mut self) -> Vec<String> {
        let rest = async {
            let mut lines = Vec::new();
            while let Ok(Some(line)) = self.stdout.next_line().await {
                lines.push(line);
            }
            let mut stderr = String::new();
            let _ = self.stderr.read_to_string(&mut stderr).await;
            lines.extend(stderr.lines().map(cut));
            let status = self.child.wait().await.expect("it is our child");
            lines.push(format!("({status})"));
            lines
        };
        let rest = timeout(TIMEOUT, rest).await;
        rest.unwrap_or_else(|_| panic!("{} does not end", self.name))
    }
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{} …", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

/// `target/<profile>/examples/<name>`. This program is there too, or is a test in a folder beside it.
fn path(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("this program has a path");
    let mut folders = this.ancestors().map(|folder| folder.join("examples").join(name));
    folders.find(|path| path.is_file()).unwrap_or_else(|| {
        panic!("there is no {name}: `cargo build -p examples --examples` builds it")
    })
}
