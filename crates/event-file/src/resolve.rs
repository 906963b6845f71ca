//! Where a path leads, link by link.
//!
//! Why not `fs::canonicalize`? It says where a path ends, and not which links it went through. A swap of any of them is
//! a new version, so the directory of each has to be watched.

use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// As many links as Linux follows.
const MOST_LINKS: usize = 40;

/// What a path leads to.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The links on the way, and where it ends: the file, or the first component that does not exist. A change of any of
    /// them may change what the path leads to. None of them has a link among its parents.
    pub(crate) chain: Vec<PathBuf>,
    pub(crate) end: End,
}

#[derive(Debug)]
pub(crate) enum End {
    /// Something exists at the last path of the chain.
    Found(FileType),
    Missing,
    TooManyLinks,
    Failed(io::Error),
}

/// Follows `path` from `base`, a directory whose path has no link.
pub(crate) fn resolve(base: &Path, path: &Path) -> Resolved {
    let mut chain = Vec::new();
    let (mut current, mut found) = (base.to_owned(), None);
    let (mut todo, mut links) = (Vec::new(), 0);
    push(&mut todo, path);
    while let Some(part) = todo.pop() {
        if found.is_some_and(|kind: FileType| !kind.is_dir()) {
            // More follows what is no directory.
            chain.push(current);
            return Resolved { chain, end: End::Missing };
        }
        if part == "." {
            continue;
        }
        if part == ".." {
            current.pop();
            found = None;
            continue;
        }
        let next = current.join(&part);
        match fs::symlink_metadata(&next) {
            Ok(metadata) if metadata.is_symlink() => {
                links += 1;
                match fs::read_link(&next) {
                    _ if links > MOST_LINKS => {
                        chain.push(next);
                        return Resolved { chain, end: End::TooManyLinks };
                    }
                    Ok(target) => {
                        chain.push(next);
                        push(&mut todo, &target);
                    }
                    // It was replaced between the two calls: look again.
                    Err(_) => todo.push(part),
                }
            }
            Ok(metadata) => {
                found = Some(metadata.file_type());
                current = next;
            }
            Err(error) => {
                let end = match error.kind() {
                    ErrorKind::NotFound => End::Missing,
                    ErrorKind::NotADirectory => {
                        chain.push(current);
                        return Resolved { chain, end: End::Missing };
                    }
                    _ => End::Failed(error),
                };
                chain.push(next);
                return Resolved { chain, end };
            }
        }
    }
    let end =
        match found.map_or_else(|| fs::symlink_metadata(&current).map(|it| it.file_type()), Ok) {
            Ok(kind) => End::Found(kind),
            Err(error) => End::Failed(error),
        };
    chain.push(current);
    Resolved { chain, end }
}

/// Puts the components of a path on a stack. An absolute one begins with the root, which replaces what it is joined to.
fn push(todo: &mut Vec<OsString>, path: &Path) {
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.ends_with(b"/") || bytes.ends_with(b"/.") {
        // The components don't have it, and it makes the path one of a directory.
        todo.push(".".into());
    }
    todo.extend(path.components().rev().map(|part| part.as_os_str().to_owned()));
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn each_link_on_the_way_is_in_the_chain() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        fs::create_dir(base.join("..2024")).unwrap();
        fs::write(base.join("..2024/key"), "").unwrap();
        symlink("..2024", base.join("..data")).unwrap();
        symlink("..data/key", base.join("key")).unwrap();
        symlink(base.join("key"), base.join("absolute")).unwrap();
        let Resolved { chain, end } = resolve(&base, Path::new("absolute"));
        let expected = ["absolute", "key", "..data", "..2024/key"].map(|name| base.join(name));
        assert_eq!(chain, expected);
        assert!(matches!(end, End::Found(kind) if kind.is_file()));
    }

    #[test]
    fn what_is_missing_ends_the_chain() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        symlink("a/b/c", base.join("key")).unwrap();
        let Resolved { chain, end } = resolve(&base, Path::new("key"));
        assert_eq!(chain, [base.join("key"), base.join("a")]);
        assert!(matches!(end, End::Missing));
        fs::write(base.join("a"), "a file and no folder").unwrap();
        let Resolved { chain, end } = resolve(&base, Path::new("key"));
        assert_eq!(chain, [base.join("key"), base.join("a")]);
        assert!(matches!(end, End::Missing));
    }

    #[test]
    fn links_in_a_circle_end() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        symlink("b", base.join("a")).unwrap();
        symlink("a", base.join("b")).unwrap();
        let resolved = resolve(&base, Path::new("a"));
        assert!(matches!(resolved.end, End::TooManyLinks));
    }

    #[test]
    fn what_follows_a_file_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        fs::write(base.join("file"), "").unwrap();
        for target in ["file/", "file/.", "file/../file", "file/..", "./file/"] {
            let link = base.join("link");
            let _ = fs::remove_file(&link);
            symlink(target, &link).unwrap();
            let Resolved { chain, end } = resolve(&base, Path::new("link"));
            assert!(matches!(end, End::Missing), "{target}: {end:?}");
            assert_eq!(chain, [link, base.join("file")], "it may become a directory");
        }
        let resolved = resolve(Path::new(""), &base.join("."));
        assert!(matches!(resolved.end, End::Found(kind) if kind.is_dir()));
    }

    #[test]
    fn a_link_may_go_up() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        fs::create_dir(base.join("a")).unwrap();
        symlink("..", base.join("a/up")).unwrap();
        let resolved = resolve(&base, Path::new("a/up"));
        assert_eq!(resolved.chain.last(), Some(&base));
        assert!(matches!(resolved.end, End::Found(kind) if kind.is_dir()));
    }
}
