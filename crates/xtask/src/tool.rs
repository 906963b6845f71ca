//! Programs that come from crates.io.

use std::{fs, path::PathBuf};

use crate::{
    run::{cargo, step},
    workspace,
};

/// Installs a program under the target folder, unless that version is there.
pub(crate) fn install(name: &str, version: &str) -> Result<PathBuf, String> {
    let root = workspace::target().join("tools");
    let program = root.join("bin").join(name);
    let installed = fs::read_to_string(root.join(".crates.toml")).unwrap_or_default();
    if !program.is_file() || !installed.contains(&format!("\"{name} {version} ")) {
        // A debug build is quicker to make, and quick enough.
        let mut command = cargo(["install", name, "--locked", "--debug", "--version", version]);
        command.arg("--root").arg(&root);
        step("install", command)?;
    }
    Ok(program)
}
