//! Getting an etcd to test with.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{debian, golang, run, workspace};

const WAYS: &str = "There is no etcd to test with. Do one of these:
  * set ETCD_BIN=/path/to/etcd;
  * put an etcd on the PATH, for example with `apt-get install etcd-server`;
  * put a Go on the PATH. This command then builds an etcd from the Go module proxy;
  * on Debian or Ubuntu, make their archive reachable. This command then unpacks etcd-server.";

/// An etcd that starts.
#[derive(Debug)]
pub(crate) struct Etcd {
    pub(crate) path: PathBuf,
}

/// Finds an etcd or makes one, and prints its path to stderr.
pub(crate) fn get() -> Result<Etcd, String> {
    if let Some(named) = env::var_os("ETCD_BIN").filter(|named| !named.is_empty()) {
        // The path is relative to the folder of this command. The tests run in another one.
        let path = env::current_dir().unwrap_or_default().join(named);
        return accept(path, "named by ETCD_BIN");
    }
    let mut tried = Vec::new();
    if let Some(path) = workspace::on_path("etcd") {
        match accept(path, "on the PATH") {
            Ok(etcd) => return Ok(etcd),
            Err(error) => tried.push(error),
        }
    }
    let kept = workspace::etcd().join("bin/etcd");
    if kept.is_file() {
        match accept(kept.clone(), "from an earlier run") {
            Ok(etcd) => return Ok(etcd),
            Err(error) => tried.push(error),
        }
    }
    for (how, make) in [
        ("built from the Go module proxy", golang::build as fn(&Path) -> Result<(), String>),
        ("unpacked from Debian's etcd-server", debian::etcd),
    ] {
        match make(&kept).and_then(|()| accept(kept.clone(), how)) {
            Ok(etcd) => return Ok(etcd),
            Err(error) => tried.push(error),
        }
    }
    Err(format!("{WAYS}\n\nFailed attempts:\n  * {}", tried.join("\n  * ")))
}

/// Accepts a program that prints the version of an etcd.
fn accept(path: PathBuf, how: &str) -> Result<Etcd, String> {
    let mut command = Command::new(&path);
    command.arg("--version");
    let output =
        run::quiet(command).map_err(|error| format!("{}, {how}: {error}", path.display()))?;
    let version = String::from_utf8_lossy(&output.stdout);
    let Some(version) = version.lines().find_map(|line| line.strip_prefix("etcd Version: ")) else {
        return Err(format!("{}, {how}: this is no etcd", path.display()));
    };
    eprintln!("etcd {version} at {} ({how})", path.display());
    Ok(Etcd { path })
}
