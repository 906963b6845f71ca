//! The table of set-ups: a store behind each proxy that people run.

use std::{path::PathBuf, process::Command, time::Duration};

use crate::{
    debian, etcd, golang,
    programs::PROGRAMS,
    run::{cargo, step},
    workspace,
};

/// Each minor version that is in use, as the Go module proxy has it. Debian has 3.4.
const ETCDS: &[&str] = &["v3.5.21", "v3.6.16", "v3.7.3"];
const PAGE: &str = "docs/set-ups.md";

/// Gets all programs and every version of etcd, checks all set-ups, and writes the table into the page.
///
/// With `--quick`, it checks what is here. With words, only the set-ups whose name has them; the page stays.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    if args.iter().any(|arg| arg == "--quick") {
        return quick(args).map(drop);
    }
    let mut command = compat(args);
    let mut etcds = vec![("the etcd of Debian".to_owned(), debians())];
    etcds.extend(ETCDS.iter().map(|version| (format!("etcd {version}"), built(version))));
    for (name, got) in etcds {
        match got {
            Ok(path) => command.arg("--etcd").arg(path),
            Err(error) => command.args(["--missing", &because(&name, &error)]),
        };
    }
    for program in PROGRAMS {
        match program.get() {
            Ok(path) => add(&mut command, program.name, &path),
            Err(error) => drop(command.args(["--missing", &because(program.name, &error)])),
        }
    }
    if args.is_empty() {
        command.arg("--page").arg(workspace::root().join(PAGE));
    }
    step("compat", command).map(drop)
}

/// Checks the set-ups that are here with one etcd and a short silence, and says which are not here.
pub(crate) fn quick(args: &[String]) -> Result<Duration, String> {
    let mut command = compat(args);
    command.arg("--etcd").arg(etcd::get()?.path);
    for program in PROGRAMS {
        match program.find() {
            Ok(path) => add(&mut command, program.name, &path),
            Err(error) => drop(command.args(["--missing", &because(program.name, &error)])),
        }
    }
    step("compat", command)
}

/// The crate that checks, without optimizations: the tests have built what it needs.
fn compat(args: &[String]) -> Command {
    let mut command = cargo(["run", "--quiet", "--package", "compat", "--"]);
    command.args(args);
    command
}

fn add(command: &mut Command, name: &str, path: &std::path::Path) {
    command.args(["--program", &format!("{name}={}", path.display())]);
}

fn because(name: &str, error: &str) -> String {
    format!("{name}={}", error.lines().next().unwrap_or_default())
}

fn debians() -> Result<PathBuf, String> {
    let kept = kept("debian");
    if !kept.is_file() {
        debian::etcd(&kept)?;
    }
    Ok(kept)
}

fn built(version: &str) -> Result<PathBuf, String> {
    let kept = kept(version);
    if !kept.is_file() {
        golang::build_version(version, &kept)?;
    }
    Ok(kept)
}

fn kept(version: &str) -> PathBuf {
    workspace::etcd().join("versions").join(version).join("etcd")
}
