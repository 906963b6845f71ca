//! Running other programs.

use std::{
    borrow::BorrowMut,
    env,
    process::{Command, Output},
    time::{Duration, Instant},
};

use crate::workspace;

/// A cargo command that runs at the workspace's root.
pub(crate) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(workspace::root());
    command
}

/// Adds a flag to a variable that holds flags, such as `RUSTFLAGS`.
pub(crate) fn with_flag(mut command: Command, variable: &str, flag: &str) -> Command {
    let flags = env::var(variable).unwrap_or_default();
    command.env(variable, format!("{flags} {flag}").trim_start());
    command
}

/// Runs a command that must succeed. Prints the command and the time that it took, which it returns.
pub(crate) fn step(name: &str, command: Command) -> Result<Duration, String> {
    steps(name, vec![command])
}

/// Runs commands that must succeed, one after the other, as one step.
pub(crate) fn steps(name: &str, commands: Vec<Command>) -> Result<Duration, String> {
    eprintln!();
    let start = Instant::now();
    for mut command in commands {
        eprintln!("== {name}: {}", line(&command));
        let status =
            command.status().map_err(|error| format!("{name}: {}: {error}", line(&command)))?;
        if !status.success() {
            let time = start.elapsed().as_secs_f64();
            return Err(format!("\n== {name} failed after {time:.1} s: {status}"));
        }
    }
    let time = start.elapsed();
    eprintln!("== {name}: {:.1} s", time.as_secs_f64());
    Ok(time)
}

/// Runs a command that must succeed, and prints nothing. An error has the end of its stderr.
pub(crate) fn quiet(mut command: impl BorrowMut<Command>) -> Result<Output, String> {
    let command = command.borrow_mut();
    let output = command.output().map_err(|error| format!("{}: {error}", line(command)))?;
    if output.status.success() {
        return Ok(output);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stderr: Vec<&str> = stderr.lines().collect();
    let end = stderr[stderr.len().saturating_sub(8)..].join("\n");
    Err(format!("{}: {}\n{end}", line(command), output.status))
}

/// The command as a person would type it.
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
