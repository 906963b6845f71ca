//! Which etcd the tests start.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    process::Command,
};

const HOW_TO_GET_ONE: &str = "there is no etcd to test with. Any of these gets one:
  * `cargo xtask test` finds or builds one, and runs every test with it;
  * ETCD_BIN=/path/to/etcd names one;
  * `apt-get install etcd-server` puts one on the PATH;
  * `go build go.etcd.io/etcd/server/v3`, in a module that requires it, builds one from the Go proxy.";

/// An etcd server program and its version.
///
/// The one that `ETCD_BIN` names, else the `etcd` on the PATH, else the one that `cargo xtask` has put
/// under the workspace's target folder.
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
    /// If there is none; the message lists the ways to get one.
    #[must_use]
    pub fn find() -> Self {
        if let Some(named) = env::var_os("ETCD_BIN").filter(|named| !named.is_empty()) {
            let path = PathBuf::from(named);
            assert!(path.is_file(), "ETCD_BIN names {}, and no such file is there", path.display());
            return Self::at(path);
        }
        let Some(path) = on_path().or_else(under_target) else { panic!("{HOW_TO_GET_ONE}") };
        Self::at(path)
    }

    /// The etcd at a path of the caller's choice.
    ///
    /// # Panics
    ///
    /// If it does not run or tells no version.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let output = match Command::new(&path).arg("--version").output() {
            Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
            Err(error) => panic!("{} does not run: {error}", path.display()),
        };
        let Some(version) = parse_version(&output) else {
            panic!("{} --version tells no version: {output:?}", path.display());
        };
        Self { path, version }
    }

    /// Where the program is.
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
    let chosen = env::var_os("CARGO_TARGET_DIR").map(|target| workspace.join(target));
    let usual = workspace.join("target");
    chosen.into_iter().chain([usual]).map(|t| t.join("etcd/bin/etcd")).find(|p| p.is_file())
}

/// Reads the first line of `etcd --version`, such as `etcd Version: 3.4.23`.
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
    fn a_version_is_read_with_and_without_a_suffix() {
        assert_eq!(parse_version("etcd Version: 3.4.23\nGit SHA: x\n"), Some((3, 4, 23)));
        assert_eq!(parse_version("etcd Version: 3.7.0-rc.1\n"), Some((3, 7, 0)));
        assert_eq!(parse_version("something else"), None);
    }
}
