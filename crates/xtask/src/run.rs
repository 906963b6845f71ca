//! Running other programs.

use std::{
    env,
    process::{Command, Output},
    time::{Duration, Instant},
};

use crate::workspace;

/// A cargo command, at the workspace's root.
pub(crate) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(workspace::root());
    command
}

/// Adds a flag to one of the variables that hold flags, such as `RUSTFLAGS`.
pub(crate) fn with_flag(mut command: Command, variable: &str, flag: &str) -> Command {
    let flags = env::var(variable).unwrap_or_default();
    command.env(variable, format!("{flags} {flag}").trim_start());
    command
}

/// Runs a command that must succeed, telling which and how long it took.
pub(crate) fn step(name: &str, mut command: Command) -> Result<Duration, String> {
    eprintln!("\n== {name}: {}", line(&command));
    let start = Instant::now();
    let status =
        command.status().map_err(|error| format!("{name}: {}: {error}", line(&command)))?;
    let took = start.elapsed();
    if !status.success() {
        return Err(format!("\n== {name} failed after {:.1} s: {status}", took.as_secs_f64()));
    }
    eprintln!("== {name}: {:.1} s", took.as_secs_f64());
    Ok(took)
}

/// Runs a command quietly; what it said comes with the error.
pub(crate) fn quiet(mut command: Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("{}: {error}", line(&command)))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> = said.lines().collect();
    let said = said[said.len().saturating_sub(8)..].join("\n");
    Err(format!("{}: {}\n{said}", line(&command), output.status))
}

/// The command as one would type it.
fn line(command: &Command) -> String {
    let mut words: Vec<String> = Vec::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(format!("{}={:?}", name.display(), value.to_string_lossy()));
        }
    }
    let program = command.get_program().to_string_lossy();
    words.push(program.rsplit('/').next().unwrap_or_default().to_owned());
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}
