//! Packages the published crates and builds the packages, as `cargo publish` does.
//!
//! The crates depend on each other, and no registry has them yet. Cargo packages them in one call, and
//! builds each against the packages of the others.

use std::{env, fs, path::PathBuf, process::Command, time::Duration};

use crate::{
    metadata::{Metadata, Published},
    run::{self, cargo, step},
    workspace,
};

/// Cargo does not complain if one of these is missing.
const FILES: &[&str] = &["README.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// Packages the published crates and builds the packages.
pub(crate) fn check() -> Result<Duration, String> {
    let published = Metadata::read()?.published();
    for file in
        published.iter().flat_map(|package| FILES.iter().map(|file| package.folder.join(file)))
    {
        if !file.is_file() {
            return Err(format!("a package needs {}", file.display()));
        }
    }
    forget_earlier_runs(&published)?;
    // Uncommitted changes are allowed: at the desk, you want to check before you commit. In CI there are none.
    let package = on_all(&published, &["package", "--quiet", "--allow-dirty"]);
    step("package", package)
}

/// Removes what earlier runs left of the packages.
///
/// Cargo builds each package against the others as a registry has them, where the content of a version
/// never changes. Without this, it builds against the sources of the first run.
fn forget_earlier_runs(published: &[Published]) -> Result<(), String> {
    run::quiet(on_all(published, &["clean"]))?;
    let Some(sources) = cargo_home().and_then(|home| fs::read_dir(home.join("registry/src")).ok())
    else {
        return Ok(());
    };
    // Cargo names the folder of a registry for its host. A registry in a folder has none.
    let local = sources.flatten().filter(|it| it.file_name().to_string_lossy().starts_with('-'));
    for registry in local {
        for Published { name, version, .. } in published {
            // Most of them are not there.
            let _ = fs::remove_dir_all(registry.path().join(format!("{name}-{version}")));
        }
    }
    Ok(())
}

/// A cargo command for all published crates, in a target folder of its own. There, cargo keeps the
/// dependencies for the next run.
fn on_all(published: &[Published], args: &[&str]) -> Command {
    let mut command = cargo(args.iter().copied());
    command.env("CARGO_TARGET_DIR", workspace::target().join("packages"));
    command.env("CARGO_PROFILE_DEV_DEBUG", "0"); // nobody runs what is built
    for package in published {
        command.args(["--package", &package.name]);
    }
    command
}

fn cargo_home() -> Option<PathBuf> {
    let chosen = env::var_os("CARGO_HOME").map(PathBuf::from);
    chosen.or_else(|| Some(env::home_dir()?.join(".cargo")))
}
