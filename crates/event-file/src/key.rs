//! The names of keys, as paths.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Says why a store has no key of this name, if so. The check of an upstream: it touches no file.
pub(crate) fn check(name: &[u8]) -> Result<(), String> {
    if name.is_empty() {
        return Err("the key's name is empty".to_owned());
    }
    if name.contains(&0) {
        return Err("the key's name has a zero byte, which no path has".to_owned());
    }
    if name.starts_with(b"/") {
        return Err("the key is an absolute path: name it relative to the directory".to_owned());
    }
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" => return Err("the key has an empty component: remove the extra `/`".to_owned()),
            b"." | b".." => {
                return Err("the key has a component `.` or `..`, which are not allowed".to_owned());
            }
            _ => {}
        }
    }
    check_system(name)
}

/// The path of a key below the directory of its store, of a name that [`check`] allows.
#[cfg(unix)]
pub(crate) fn path(name: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt;

    Path::new(OsStr::from_bytes(name))
}

#[cfg(not(unix))]
pub(crate) fn path(name: &[u8]) -> &Path {
    Path::new(std::str::from_utf8(name).unwrap_or_default())
}

/// The component of a key that a file name is. `None` if no key can have it.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "on other systems it refuses some")]
pub(crate) fn of_file_name(name: &OsStr) -> Option<&[u8]> {
    use std::os::unix::ffi::OsStrExt;

    Some(name.as_bytes())
}

#[cfg(not(unix))]
pub(crate) fn of_file_name(name: &OsStr) -> Option<&[u8]> {
    Some(name.to_str()?.as_bytes())
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "on other systems it refuses some")]
fn check_system(_: &[u8]) -> Result<(), String> {
    Ok(())
}

#[cfg(not(unix))]
fn check_system(name: &[u8]) -> Result<(), String> {
    match std::str::from_utf8(name) {
        Ok(name) if !name.contains(['\\', ':']) => Ok(()),
        _ => Err("the key has a `\\`, a `:` or is not UTF-8, and this system has no such path"
            .to_owned()),
    }
}

/// The path of a directory, from the root of the file system on. It touches no file.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, String> {
    if path.as_os_str().is_empty() {
        return Err("the path is empty".to_owned());
    }
    std::path::absolute(path).map_err(|error| format!("the path can't be made absolute: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_could_leave_the_directory_is_refused_with_words() {
        for (name, words) in [
            (&b""[..], "empty"),
            (b"/etc/passwd", "absolute"),
            (b"../secret", "`..`"),
            (b"a/../../secret", "`..`"),
            (b"..", "`..`"),
            (b"a/.", "`.`"),
            (b"a//b", "empty component"),
            (b"a/", "empty component"),
            (b"a\0b", "zero byte"),
        ] {
            let why = check(name).unwrap_err();
            assert!(why.contains(words), "{name:?}: {why}");
        }
        for name in [&b"a"[..], b"a/b", b"..data/key", b"a..b", b".hidden", b"two words"] {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
    }
}
