//! Programs built from the Go module proxy.

use std::{env, fs, path::Path, process::Command};

use crate::{run, workspace};

const MODULE: &str = "go.etcd.io/etcd/server/v3";
/// Newest first. An older Go may be able to build only an older etcd.
const VERSIONS: &[&str] = &["v3.7.3", "v3.6.16", "v3.5.9"];

/// Builds the newest etcd that this Go can build.
pub(crate) fn build(binary: &Path) -> Result<(), String> {
    if workspace::on_path("go").is_none() {
        return Err("the PATH has no Go to build one".to_owned());
    }
    let mut failures = Vec::new();
    for version in VERSIONS {
        match build_version(version, binary) {
            Ok(()) => return Ok(()),
            Err(error) => failures.push(error),
        }
    }
    Err(failures.join("\n  * "))
}

/// Builds an etcd of this version.
pub(crate) fn build_version(version: &str, binary: &Path) -> Result<(), String> {
    build_package(MODULE, version, binary)
}

/// Builds the program of a module.
pub(crate) fn build_package(package: &str, version: &str, binary: &Path) -> Result<(), String> {
    eprintln!("building {package} {version} from the Go module proxy ...");
    if workspace::on_path("go").is_none() {
        return Err("the PATH has no Go to build one".to_owned());
    }
    let name = binary.file_name().unwrap_or_default().to_string_lossy();
    let module = workspace::etcd().join("go").join(format!("{name}-{version}"));
    for folder in [Some(module.as_path()), binary.parent()].into_iter().flatten() {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let manifest = module.join("go.mod");
    fs::write(&manifest, "module for-tests\n")
        .map_err(|error| format!("{}: {error}", manifest.display()))?;
    run::quiet(go(&module, &["get", &format!("{package}@{version}")]))?;
    // Built under another name first: an interrupted build must not look like an etcd.
    let unfinished = binary.with_extension("unfinished");
    run::quiet(go(&module, &["build", "-o", &unfinished.to_string_lossy(), package]))?;
    fs::rename(&unfinished, binary).map_err(|error| format!("{}: {error}", binary.display()))
}

fn go(module: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("go");
    command.args(args).current_dir(module).env("CGO_ENABLED", "0").env("GOWORK", "off");
    if env::var_os("GOTOOLCHAIN").is_none() {
        // If etcd needs a newer Go, the proxy has that too.
        command.env("GOTOOLCHAIN", "auto");
    }
    command
}
