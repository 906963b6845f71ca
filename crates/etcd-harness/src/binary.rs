//! Finds the etcd that the tests start.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    process::Command,
};

const NOT_FOUND: &str = "no etcd found. Choose one of these ways to provide one:
  * run `cargo xtask test`, which finds or builds an etcd and runs every test with it;
  * set ETCD_BIN=/path/to/etcd;
  * run `apt-get install etcd-server`, which puts an etcd on the PATH;
  * run `go build go.etcd.io/etcd/server/v3` in a Go module that requires it.";

/// An etcd server program and its version.
///
/// [`find`](Self::find) looks in this order: the path in `ETCD_BIN`; `etcd` on the PATH; the etcd that
/// `cargo xtask` put into the workspace's target folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    path: PathBuf,
    version: (u32, u32, u32),
}

impl Binary {
    /// Finds the etcd to test with.
    ///
    /// # Panics
    ///
    /// If there is none. The message lists the ways to provide one.
    #[must_use]
    pub fn find() -> Self {
        if let Some(path) = env::var_os("ETCD_BIN").filter(|path| !path.is_empty()) {
            let path = PathBuf::from(path);
            assert!(path.is_file(), "ETCD_BIN is {}, which is not a file", path.display());
            return Self::at(path);
        }
        let Some(path) = on_path().or_else(under_target) else { panic!("{NOT_FOUND}") };
        Self::at(path)
    }

    /// The etcd at a path.
    ///
    /// # Panics
    ///
    /// If it does not run, or does not print its version.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let output = match Command::new(&path).arg("--version").output() {
            Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
            Err(error) => panic!("cannot run {}: {error}", path.display()),
        };
        let Some(version) = parse_version(&output) else {
            panic!("{} --version printed no version: {output:?}", path.display());
        };
        Self { path, version }
    }

    /// The path of the program.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version: major, minor, patch.
    #[must_use]
    pub fn version(&self) -> (u32, u32, u32) {
        self.version
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.version;
        write!(f, "etcd {major}.{minor}.{patch} at {}", self.path.display())
    }
}

fn on_path() -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join("etcd")).find(|p| p.is_file())
}

fn under_target() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let configured = env::var_os("CARGO_TARGET_DIR").map(|target| workspace.join(target));
    let default = workspace.join("target");
    configured.into_iter().chain([default]).map(|t| t.join("etcd/bin/etcd")).find(|p| p.is_file())
}

/// Parses the output of `etcd --version`, in which one line is such as `etcd Version: 3.4.23`.
fn parse_version(output: &str) -> Option<(u32, u32, u32)> {
    let version = output.lines().find_map(|line| line.strip_prefix("etcd Version: "))?;
    let mut parts = version.trim().splitn(3, '.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    let patch = parts.next()?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some((major, minor, patch))
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn a_version_is_parsed_with_and_without_a_suffix() {
        assert_eq!(parse_version("etcd Version: 3.4.23\nGit SHA: x\n"), Some((3, 4, 23)));
        assert_eq!(parse_version("etcd Version: 3.7.0-rc.1\n"), Some((3, 7, 0)));
        assert_eq!(parse_version("something else"), None);
    }
}
