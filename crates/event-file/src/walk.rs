//! What is in the folders of a range: every file, where its path leads, and what it looks like.
//!
//! A walk reads no file. Two walks that are equal saw the same files, in the same state.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use event_core::{Bytes, Cause, CauseKind, KeyRange};

use crate::key;
use crate::mount::is_mount;
use crate::read::{self, Identity, Stamp};
use crate::resolve::{End, resolve};
use crate::watches::all_in;

/// How many files and folders a walk looks at. Links between folders can make a few folders endless.
const MOST: usize = 1_000_000;

/// What a walk found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    /// By the full key.
    pub(crate) files: BTreeMap<Bytes, Seen>,
    /// What the folders look like. `None`: it was gone when it was looked at.
    folders: BTreeMap<PathBuf, Option<Stamp>>,
    /// A change of any of these paths may change what the next walk finds.
    pub(crate) paths: BTreeSet<PathBuf>,
    /// Where file systems are mounted on folders.
    pub(crate) mounts: BTreeSet<PathBuf>,
    /// The folders that can't be read: what their keys begin with, and why.
    pub(crate) unread: Vec<(Bytes, Cause)>,
}

/// What is there under a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    File {
        /// Without links.
        path: PathBuf,
        kind: FileType,
        stamp: Stamp,
    },
    Refused(Cause),
}

/// A folder to look into.
struct Folder {
    /// Without links.
    path: PathBuf,
    /// What the keys of its files begin with.
    prefix: Vec<u8>,
    /// The folders that it is in, and itself.
    within: Vec<Identity>,
}

/// Looks for the files of a range below a directory, whose path has no link.
///
/// # Errors
///
/// The range can have no key here, or there is too much in it.
pub(crate) fn walk(root: &Path, range: &KeyRange, follows_out: bool) -> Result<Walk, Cause> {
    let mut walker = Walker { root, range, follows_out, walk: Walk::default(), todo: Vec::new() };
    walker.start()?;
    let mut entries = 0;
    while let Some(folder) = walker.todo.pop() {
        walker.look_into(&folder, &mut entries)?;
    }
    Ok(walker.walk)
}

struct Walker<'a> {
    root: &'a Path,
    range: &'a KeyRange,
    follows_out: bool,
    walk: Walk,
    todo: Vec<Folder>,
}

impl Walker<'_> {
    /// Follows the path of the folder that all keys of the range are in.
    fn start(&mut self) -> Result<(), Cause> {
        let prefix = self.range.as_prefix();
        let Some(end) = prefix.iter().rposition(|byte| *byte == b'/') else {
            self.push(self.root.to_owned(), Vec::new(), &[]);
            return Ok(());
        };
        let name = &prefix[..end];
        key::check(name).map_err(|why| Cause::new(CauseKind::InvalidArgument, why))?;
        let prefix = prefix[..=end].to_vec();
        match self.follow(self.root, key::path(name)) {
            Followed::To(path, kind) if kind.is_dir() => self.push(path, prefix, &[]),
            Followed::To(..) | Followed::Nowhere => {}
            Followed::Refused(cause) => self.walk.unread.push((prefix.into(), cause)),
        }
        Ok(())
    }

    /// Follows a path from a directory, and notes what it depends on.
    fn follow(&mut self, dir: &Path, path: &Path) -> Followed {
        let mut resolved = resolve(dir, path);
        let is_outside = |path: &PathBuf| !path.starts_with(self.root);
        let leads_out = !self.follows_out && resolved.chain.last().is_some_and(is_outside);
        if leads_out {
            resolved.chain.retain(|path| !is_outside(path)); // what is outside is not watched
        }
        let last = resolved.chain.last().cloned();
        self.walk.paths.extend(resolved.chain);
        if leads_out {
            let why = "it is a symbolic link that leads out of the directory: see `Options::follow_links_out`";
            return Followed::Refused(Cause::new(CauseKind::PermissionDenied, why));
        }
        match (resolved.end, last) {
            (End::Found(kind), Some(path)) => Followed::To(path, kind),
            (End::Found(_) | End::Missing, _) => Followed::Nowhere,
            (End::TooManyLinks, _) => {
                let why = "it has too many symbolic links";
                Followed::Refused(Cause::new(CauseKind::InvalidArgument, why))
            }
            (End::Failed(error), _) => Followed::Refused(read::cause(&error)),
        }
    }

    fn look_at(&mut self, path: PathBuf) {
        let look = |path: &PathBuf| Stamp::of_path(path).ok();
        self.walk.folders.entry(path).or_insert_with_key(look);
    }

    fn push(&mut self, path: PathBuf, prefix: Vec<u8>, within: &[Identity]) {
        let Ok(metadata) = fs::metadata(&path) else {
            self.look_at(path);
            return;
        };
        let identity = Identity::of(&metadata);
        // A link to a folder further up would lead to the same files without end.
        if Identity::IS_KNOWN && within.contains(&identity) {
            return;
        }
        let within = [within, &[identity]].concat();
        self.todo.push(Folder { path, prefix, within });
    }

    fn look_into(&mut self, folder: &Folder, entries: &mut usize) -> Result<(), Cause> {
        self.look_at(folder.path.clone());
        self.walk.paths.insert(all_in(&folder.path));
        if folder.path != self.root && is_mount(&folder.path) {
            self.walk.mounts.insert(folder.path.clone());
        }
        let listed = match fs::read_dir(&folder.path) {
            Ok(listed) => listed,
            Err(error) => {
                self.cant_read(folder, &error);
                return Ok(());
            }
        };
        for entry in listed {
            *entries += 1;
            if *entries > MOST {
                let why = format!("it has more than {MOST} files and folders");
                return Err(Cause::new(CauseKind::TooLarge, why));
            }
            match entry {
                Ok(entry) => self.look_at_entry(folder, &entry),
                Err(error) => self.cant_read(folder, &error),
            }
        }
        Ok(())
    }

    fn cant_read(&mut self, folder: &Folder, error: &io::Error) {
        if error.kind() != io::ErrorKind::NotFound {
            let kind = read::cause(error).kind();
            let cause = Cause::new(kind, format!("{}: {error}", folder.path.display()));
            self.walk.unread.push((folder.prefix.clone().into(), cause));
        }
    }

    fn look_at_entry(&mut self, folder: &Folder, entry: &fs::DirEntry) {
        let name = entry.file_name();
        let Some(name) = key::of_file_name(&name) else { return };
        // Kubernetes keeps the versions of a `ConfigMap` under such names, which no key of it can have.
        if name.starts_with(b"..") {
            return;
        }
        let name = [&folder.prefix[..], name].concat();
        let Ok(kind) = entry.file_type() else { return }; // it is gone again: so the folder changed
        let (path, kind) = if kind.is_symlink() {
            match self.follow(&folder.path, Path::new(&entry.file_name())) {
                Followed::To(path, kind) => (path, kind),
                Followed::Nowhere => return,
                Followed::Refused(cause) => {
                    if self.range.contains(&name) {
                        self.walk.files.insert(name.into(), Seen::Refused(cause));
                    }
                    return;
                }
            }
        } else {
            (entry.path(), kind)
        };
        if kind.is_dir() {
            let prefix = [&name[..], b"/"].concat();
            if may_have_keys(self.range, &prefix) {
                self.push(path, prefix, &folder.within);
            }
        } else if self.range.contains(&name) {
            let seen = match Stamp::of_path(&path) {
                Ok(stamp) => Seen::File { path, kind, stamp },
                Err(error) if error.kind() == io::ErrorKind::NotFound => return,
                Err(error) => Seen::Refused(read::cause(&error)),
            };
            self.walk.files.insert(name.into(), seen);
        }
    }
}

/// Where a path leads.
enum Followed {
    To(PathBuf, FileType),
    Nowhere,
    Refused(Cause),
}

/// Whether a range may have a key that begins with this, which ends with a `/`.
fn may_have_keys(range: &KeyRange, prefix: &[u8]) -> bool {
    let is_below = prefix.len() > range.as_prefix().len();
    !(range.is_one_level() && is_below)
        && range.end().is_none_or(|end| prefix < &end[..])
        && (prefix >= &range.start()[..] || range.start().starts_with(prefix))
}

impl Walk {
    /// How long ago something changed last, by the clock of the file system. `None` if that is not known.
    pub(crate) fn age(&self) -> Option<Duration> {
        let files = self.files.values().filter_map(|seen| match seen {
            Seen::File { stamp, .. } => Some(stamp.age()),
            Seen::Refused(_) => None,
        });
        let folders = self.folders.values().map(|stamp| stamp.as_ref()?.age());
        files.chain(folders).try_fold(Duration::MAX, |youngest, age| Some(youngest.min(age?)))
    }

    /// Whether a key may be there, in a folder that can't be read.
    pub(crate) fn is_unread(&self, key: &[u8]) -> bool {
        self.unread.iter().any(|(prefix, _)| key.starts_with(prefix))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn keys(root: &Path, range: &KeyRange) -> Vec<String> {
        let walk = walk(root, range, false).unwrap();
        walk.files.keys().map(|key| String::from_utf8(key.to_vec()).unwrap()).collect()
    }

    #[test]
    fn a_range_decides_which_folders_are_looked_into() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        for file in ["a/b/c", "a/d", "ab/e", "b", ".hidden/f", "..data/g", "a/..h"] {
            fs::create_dir_all(base.join(file).parent().unwrap()).unwrap();
            fs::write(base.join(file), "").unwrap();
        }
        assert_eq!(keys(&base, &KeyRange::all()), [".hidden/f", "a/b/c", "a/d", "ab/e", "b"]);
        assert_eq!(keys(&base, &KeyRange::folder("a")), ["a/b/c", "a/d"]);
        assert_eq!(keys(&base, &KeyRange::folder("a").one_level()), ["a/d"]);
        assert_eq!(keys(&base, &KeyRange::all().one_level()), ["b"]);
        assert_eq!(keys(&base, &KeyRange::prefix("a")), ["a/b/c", "a/d", "ab/e"]);
        assert_eq!(keys(&base, &KeyRange::prefix("a/b")), ["a/b/c"]);
        assert_eq!(keys(&base, &KeyRange::between("a/c", "ab/f")), ["a/d", "ab/e"]);
        assert_eq!(keys(&base, &KeyRange::folder("b")), [""; 0], "it is a file");
        let looked_into = walk(&base, &KeyRange::folder("a"), false).unwrap().paths;
        assert!(!looked_into.contains(&all_in(&base.join("ab"))));
        for name in ["/", "../a/", "a//", "./"] {
            let cause = walk(&base, &KeyRange::prefix(name), false).unwrap_err();
            assert_eq!(cause.kind(), CauseKind::InvalidArgument, "{name}");
        }
    }

    #[test]
    fn links_to_folders_are_followed_and_end() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap().join("root");
        fs::create_dir_all(base.join("a/b")).unwrap();
        fs::write(base.join("a/b/c"), "").unwrap();
        symlink("..", base.join("a/up")).unwrap();
        symlink(".", base.join("a/same")).unwrap();
        symlink("a/b", base.join("link")).unwrap();
        symlink("nowhere", base.join("dangling")).unwrap();
        symlink("loop", base.join("loop")).unwrap();
        symlink(dir.path(), base.join("out")).unwrap();
        let walk = walk(&base, &KeyRange::all(), false).unwrap();
        let kind = |name: &str| match &walk.files[name.as_bytes()] {
            Seen::File { .. } => None,
            Seen::Refused(cause) => Some(cause.kind()),
        };
        let keys: Vec<_> = walk.files.keys().map(|key| &key[..]).collect();
        assert_eq!(keys, [&b"a/b/c"[..], b"link/c", b"loop", b"out"]);
        assert_eq!((kind("a/b/c"), kind("link/c")), (None, None));
        assert_eq!(kind("loop"), Some(CauseKind::InvalidArgument));
        assert_eq!(kind("out"), Some(CauseKind::PermissionDenied));
        assert!(!walk.paths.contains(dir.path()));
    }
}
