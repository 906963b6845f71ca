//! Getting an etcd to test with.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{debian, golang, run, workspace};

const WAYS: &str = "There is no etcd to test with. Any of these gets one:
  * ETCD_BIN=/path/to/etcd names one;
  * `apt-get install etcd-server` puts Debian's on the PATH;
  * with a Go on the PATH, this command builds one from the Go proxy;
  * on Debian and Ubuntu, with their archive in reach, this command unpacks etcd-server by itself.";

/// An etcd that runs.
#[derive(Debug)]
pub(crate) struct Etcd {
    pub(crate) path: PathBuf,
}

/// Finds an etcd, or makes one, and tells which it is.
pub(crate) fn get() -> Result<Etcd, String> {
    if let Some(named) = env::var_os("ETCD_BIN").filter(|named| !named.is_empty()) {
        // Relative to where the command was given, which is not where the tests run.
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
        ("built from the Go proxy", golang::build as fn(&Path) -> Result<(), String>),
        ("unpacked from Debian's etcd-server", debian::unpack),
    ] {
        match make(&kept).and_then(|()| accept(kept.clone(), how)) {
            Ok(etcd) => return Ok(etcd),
            Err(error) => tried.push(error),
        }
    }
    Err(format!("{WAYS}\n\nWhat was tried:\n  * {}", tried.join("\n  * ")))
}

/// Takes an etcd that tells its version.
fn accept(path: PathBuf, how: &str) -> Result<Etcd, String> {
    let mut command = Command::new(&path);
    command.arg("--version");
    let output =
        run::quiet(command).map_err(|error| format!("{}, {how}: {error}", path.display()))?;
    let version = String::from_utf8_lossy(&output.stdout);
    let Some(version) = version.lines().find_map(|line| line.strip_prefix("etcd Version: ")) else {
        return Err(format!("{}, {how}: that is no etcd", path.display()));
    };
    eprintln!("etcd {version} at {} ({how})", path.display());
    Ok(Etcd { path })
}
