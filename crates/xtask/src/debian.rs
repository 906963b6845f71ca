//! Debian's packages, unpacked and not installed.
//!
//! Why not `apt-get install`? It needs root, it changes the machine, and it starts the services that it
//! installs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{run, workspace};

const ETCD: &str = "etcd-server";

/// Unpacks the package `etcd-server` and copies the server to `binary`.
pub(crate) fn etcd(binary: &Path) -> Result<(), String> {
    let content = unpack(&[ETCD.to_owned()], &workspace::etcd().join("debian"))?;
    if let Some(bin) = binary.parent() {
        create(bin)?;
    }
    fs::copy(content.join("usr/bin/etcd"), binary)
        .map(drop)
        .map_err(|error| format!("{ETCD}: {error}"))
}

/// Downloads packages into a folder, unpacks them there, and returns the folder with their content.
///
/// A package may be named with a version, such as `etcd-server=3.4*`.
pub(crate) fn unpack(packages: &[String], folder: &Path) -> Result<PathBuf, String> {
    if workspace::on_path("apt-get").is_none() || workspace::on_path("dpkg-deb").is_none() {
        return Err("this machine has no apt-get and dpkg-deb".to_owned());
    }
    eprintln!("downloading Debian's {} ...", packages.join(", "));
    // An earlier run may have left another version.
    let _ = fs::remove_dir_all(folder);
    create(folder)?;
    if run::quiet(download(packages, folder, &[])).is_err() {
        let own = own_lists(folder)?;
        run::quiet(apt_get(folder, &own).arg("update"))?;
        run::quiet(download(packages, folder, &own))?;
    }
    // Unpacked under another name first: an interrupted run must not look like a complete one.
    let (unfinished, content) = (folder.join("unfinished"), folder.join("content"));
    for package in downloaded(folder)? {
        run::quiet(Command::new("dpkg-deb").arg("--extract").arg(package).arg(&unfinished))?;
    }
    fs::rename(&unfinished, &content).map_err(|error| format!("{}: {error}", content.display()))?;
    Ok(content)
}

fn download(packages: &[String], folder: &Path, options: &[String]) -> Command {
    let mut command = apt_get(folder, options);
    command.arg("download").args(packages);
    command
}

fn apt_get(folder: &Path, options: &[String]) -> Command {
    let mut command = Command::new("apt-get");
    command.current_dir(folder);
    // If root runs apt, apt downloads as a user of its own, who may not write into our folder.
    command.args(["-o", "APT::Sandbox::User=root"]);
    command.args(options.iter().flat_map(|option| ["-o", option]));
    command
}

/// Options that keep the package lists in a folder of ours. The machine may have no lists yet, and only
/// root may update them.
fn own_lists(folder: &Path) -> Result<Vec<String>, String> {
    let (lists, cache) = (folder.join("lists"), folder.join("cache"));
    create(&lists.join("partial"))?;
    create(&cache.join("archives/partial"))?;
    Ok(vec![
        format!("Dir::State::Lists={}", lists.display()),
        format!("Dir::Cache={}", cache.display()),
    ])
}

fn downloaded(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let packages: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "deb")).collect();
    if packages.is_empty() {
        return Err(format!("apt-get left no package in {}", folder.display()));
    }
    Ok(packages)
}

fn create(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}
