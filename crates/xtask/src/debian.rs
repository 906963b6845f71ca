//! The etcd of Debian's package `etcd-server`, unpacked and not installed.
//!
//! Why not `apt-get install`? It needs root, and starts a service that nobody asked for.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{run, workspace};

const PACKAGE: &str = "etcd-server";

/// Fetches the package and takes the server out of it.
pub(crate) fn unpack(binary: &Path) -> Result<(), String> {
    if workspace::on_path("apt-get").is_none() || workspace::on_path("dpkg-deb").is_none() {
        return Err("this is no Debian or Ubuntu to take a package from".to_owned());
    }
    eprintln!("fetching Debian's {PACKAGE} ...");
    let folder = workspace::etcd().join("debian");
    // What an earlier run left may be of another release.
    let _ = fs::remove_dir_all(&folder);
    create(&folder)?;
    if run::quiet(download(&folder, &[])).is_err() {
        let own = own_lists(&folder)?;
        run::quiet(apt_get(&folder, &own, &["update"]))?;
        run::quiet(download(&folder, &own))?;
    }
    let package = downloaded(&folder)?;
    let content = folder.join("content");
    let mut unpack = Command::new("dpkg-deb");
    unpack.arg("--extract").arg(package).arg(&content);
    run::quiet(unpack)?;
    if let Some(bin) = binary.parent() {
        create(bin)?;
    }
    fs::copy(content.join("usr/bin/etcd"), binary)
        .map(drop)
        .map_err(|error| format!("{PACKAGE}: {error}"))
}

fn download(folder: &Path, options: &[String]) -> Command {
    apt_get(folder, options, &["download", PACKAGE])
}

fn apt_get(folder: &Path, options: &[String], args: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.current_dir(folder);
    // As root, apt fetches as a user of its own, who may not write here.
    command.args(["-o", "APT::Sandbox::User=root"]);
    command.args(options.iter().flat_map(|option| ["-o", option])).args(args);
    command
}

/// Options that keep the package lists in a folder of ours: the machine may have none yet, and only
/// root may change the machine's own.
fn own_lists(folder: &Path) -> Result<Vec<String>, String> {
    let (lists, cache) = (folder.join("lists"), folder.join("cache"));
    create(&lists.join("partial"))?;
    create(&cache.join("archives/partial"))?;
    Ok(vec![
        format!("Dir::State::Lists={}", lists.display()),
        format!("Dir::Cache={}", cache.display()),
    ])
}

fn downloaded(folder: &Path) -> Result<PathBuf, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .ok_or_else(|| format!("apt-get put no {PACKAGE} into {}", folder.display()))
}

fn create(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}
