//! Which directories are watched, and which keys depend on what happens there.
//!
//! A key depends on the paths of its chain. The directories of these paths are watched, each once, for as long as
//! a key depends on a path in it.

mod file_system;
mod notifier;
mod twins;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event_core::upstream::KeyId;

use crate::inbox::Inbox;
use crate::read::Identity;
use notifier::Notifier;
use twins::Twins;

/// How often a directory that is replaced all the time is watched again before the next check does so.
const ROUNDS: usize = 16;

#[derive(Debug)]
pub(crate) struct Watches {
    inbox: Arc<Inbox>,
    notifier: Notifier,
    only_polls: bool,
    dirs: HashMap<Arc<Path>, Dir>,
    /// Those of the directories that are watched, by what they are.
    twins: Twins,
    /// Those of the directories that are polled.
    polled: BTreeMap<Arc<Path>, Polled>,
    interests: HashMap<Arc<Path>, BTreeSet<Who>>,
}

/// What depends on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// The directory of the store.
    Root,
    /// A key or a map.
    Key(KeyId),
}

#[derive(Debug)]
struct Dir {
    /// How many paths in it something depends on.
    paths: usize,
    /// Which directory it was when it was watched. `None`: it could not be looked at.
    identity: Option<Identity>,
    is_watched: bool,
}

/// Why a directory is polled.
#[derive(Debug)]
enum Polled {
    /// The program wants it.
    Asked,
    Why(String),
}

impl Watches {
    pub(crate) fn new(inbox: Arc<Inbox>, only_polls: bool) -> Self {
        let notifier = Notifier::new(Arc::clone(&inbox));
        Self {
            notifier,
            only_polls,
            dirs: HashMap::new(),
            twins: Twins::new(Arc::clone(&inbox)),
            polled: BTreeMap::new(),
            interests: HashMap::new(),
            inbox,
        }
    }

    /// Replaces the paths that somebody is interested in. Returns whether nobody was interested in one of them so far: it
    /// may have changed before that.
    pub(crate) fn set(&mut self, who: Who, paths: &mut Vec<Arc<Path>>, new: Vec<PathBuf>) -> bool {
        if same(paths, &new) {
            return false;
        }
        let mut is_new = false;
        let new: Vec<Arc<Path>> = new.into_iter().map(|path| self.shared(path)).collect();
        for path in &new {
            is_new |= self.add(who, path);
        }
        let kept: HashSet<_> = new.iter().collect();
        for path in &*paths {
            if !kept.contains(path) {
                self.remove(who, path);
            }
        }
        *paths = new;
        is_new
    }

    /// Nobody is interested in these paths for `who` any more.
    pub(crate) fn clear(&mut self, who: Who, paths: &mut Vec<Arc<Path>>) {
        for path in paths.drain(..) {
            self.remove(who, &path);
        }
    }

    /// The path that is kept already, if there is one.
    fn shared(&self, path: PathBuf) -> Arc<Path> {
        match self.interests.get_key_value(&*path) {
            Some((path, _)) => Arc::clone(path),
            None => path.into(),
        }
    }

    fn add(&mut self, who: Who, path: &Arc<Path>) -> bool {
        let interested = self.interests.entry(Arc::clone(path)).or_default();
        let is_first = interested.is_empty();
        interested.insert(who);
        let Some(dir) = path.parent().filter(|_| is_first) else { return false };
        self.inbox.add_interest(Arc::clone(path));
        if let Some(dir) = self.dirs.get_mut(dir) {
            dir.paths += 1;
            return true;
        }
        let dir: Arc<Path> = dir.into();
        self.inbox.add_interest(Arc::clone(&dir));
        let new = self.watch(&dir, 1);
        self.dirs.insert(dir, new);
        true
    }

    fn remove(&mut self, who: Who, path: &Path) {
        let Some(interested) = self.interests.get_mut(path) else { return };
        interested.remove(&who);
        if !interested.is_empty() {
            return;
        }
        self.interests.remove(path);
        if !self.dirs.contains_key(path) {
            self.inbox.remove_interest(path);
        }
        let Some(dir) = path.parent() else { return };
        let Some(entry) = self.dirs.get_mut(dir) else { return };
        entry.paths -= 1;
        if entry.paths == 0 {
            let is_watched = entry.is_watched;
            self.dirs.remove(dir);
            self.polled.remove(dir);
            if is_watched {
                self.unwatch(dir);
            }
            if !self.interests.contains_key(dir) {
                self.inbox.remove_interest(dir);
            }
        }
        if self.dirs.is_empty() {
            self.notifier.stop();
        }
    }

    /// Watches a directory in which somebody is interested in so many paths.
    fn watch(&mut self, dir: &Arc<Path>, paths: usize) -> Dir {
        let (identity, is_watched, polled) = if self.only_polls {
            (identity(dir), false, Some(Polled::Asked))
        } else {
            match self.notify(dir) {
                Ok(identity) => (identity, true, file_system::why_polled(dir).map(Polled::Why)),
                Err(why) => (identity(dir), false, Some(Polled::Why(why))),
            }
        };
        // What is gone again is left soon, and says nothing.
        match polled.filter(|_| identity.is_some()) {
            Some(polled) => self.polled.insert(Arc::clone(dir), polled),
            None => self.polled.remove(dir),
        };
        Dir { paths, identity, is_watched }
    }

    /// Asks for notifications of a directory, unless those of another path of it tell all. Returns what it is, or `None`
    /// if it is not known which one is watched.
    fn notify(&mut self, dir: &Arc<Path>) -> Result<Option<Identity>, String> {
        for _ in 0..ROUNDS {
            let before = identity(dir);
            if before.is_some_and(|identity| self.twins.join(identity, dir)) {
                return Ok(before);
            }
            self.notifier.watch(dir)?;
            if let Some(identity) = before.filter(|_| identity(dir) == before) {
                self.twins.begin(identity, dir);
                return Ok(before);
            }
            // It was replaced between the two looks.
            self.notifier.unwatch(dir);
        }
        self.notifier.watch(dir)?;
        Ok(None)
    }

    /// Ends the watch of a directory. If the system watches it by this path, it watches it by another one from now on, and
    /// whoever is interested in that one looks again.
    fn unwatch(&mut self, dir: &Path) {
        let Some(rest) = self.twins.remove(dir) else { return };
        self.notifier.unwatch(dir);
        for twin in rest {
            let Some(Dir { paths, .. }) = self.dirs.get(&twin) else { continue };
            let new = self.watch(&twin, *paths);
            self.dirs.insert(Arc::clone(&twin), new);
            let meant = self.interests.keys().filter(|path| path.parent() == Some(&*twin));
            self.inbox.doubt(meant.cloned());
        }
    }

    /// Watches a directory again, which may be another one than before, and those below it, whose watches notify removes
    /// with that one. Returns what depends on a path there.
    pub(crate) fn renew(&mut self, dir: &Path) -> BTreeSet<Who> {
        let below = self.dirs.keys().filter(|path| path.starts_with(dir));
        for dir in below.cloned().collect::<Vec<_>>() {
            self.watch_again(&dir);
        }
        self.interested_in(|path| path.starts_with(dir))
    }

    /// Returns whether it is watched now.
    fn watch_again(&mut self, dir: &Arc<Path>) -> bool {
        let Some(Dir { paths, is_watched, .. }) = self.dirs.get(dir) else { return false };
        let paths = *paths;
        if *is_watched {
            self.unwatch(dir);
        }
        let new = self.watch(dir, paths);
        let is_watched = new.is_watched;
        self.dirs.insert(Arc::clone(dir), new);
        is_watched
    }

    /// Looks whether each directory is still the one that is watched, and tries again to watch those that could not be.
    /// Returns what depends on a path of one that is watched anew.
    pub(crate) fn check(&mut self) -> BTreeSet<Who> {
        let mut who = BTreeSet::new();
        for dir in self.dirs.keys().cloned().collect::<Vec<_>>() {
            let Some(entry) = self.dirs.get(&dir) else { continue };
            if identity(&dir) != entry.identity {
                who.extend(self.renew(&dir));
            } else if !entry.is_watched && !self.only_polls && self.watch_again(&dir) {
                who.extend(self.interested_in(|path| path.parent() == Some(&*dir)));
            }
        }
        who
    }

    /// What depends on this path.
    pub(crate) fn of_path(&self, path: &Path) -> impl Iterator<Item = Who> {
        self.interests.get(path).into_iter().flatten().copied()
    }

    pub(crate) fn is_dir(&self, path: &Path) -> bool {
        self.dirs.contains_key(path)
    }

    /// What depends on a path of this directory, if it is watched.
    pub(crate) fn of_dir(&self, dir: &Path) -> Option<BTreeSet<Who>> {
        self.dirs.get(dir)?;
        Some(self.interested_in(|path| path.parent() == Some(dir)))
    }

    /// What depends on a path of a directory that is polled.
    pub(crate) fn of_polled(&self) -> BTreeSet<Who> {
        self.interested_in(|path| path.parent().is_some_and(|dir| self.polled.contains_key(dir)))
    }

    fn interested_in(&self, is_meant: impl Fn(&Path) -> bool) -> BTreeSet<Who> {
        let meant = self.interests.iter().filter(|(path, _)| is_meant(path));
        meant.flat_map(|(_, who)| who).copied().collect()
    }

    /// Whether one of these paths is in a directory that is polled.
    pub(crate) fn polls(&self, paths: &[Arc<Path>]) -> bool {
        let mut dirs = paths.iter().filter_map(|path| path.parent());
        self.poll_any() && dirs.any(|dir| self.polled.contains_key(dir))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.dirs.is_empty()
    }

    /// Whether a directory is polled.
    pub(crate) fn poll_any(&self) -> bool {
        !self.polled.is_empty()
    }

    /// Why a directory is polled though the program did not ask for it: that of the first in the order of the names.
    pub(crate) fn why_polled(&self) -> Option<(&Path, &str)> {
        self.polled.iter().find_map(|(path, polled)| match polled {
            Polled::Why(why) => Some((&**path, &**why)),
            Polled::Asked => None,
        })
    }
}

/// The path that stands for all that is in a directory: what is interested in it hears of a change of any file there.
/// No notification has such a path.
pub(crate) fn all_in(dir: &Path) -> PathBuf {
    dir.join("..")
}

/// Whether there is nothing to [`set`](Watches::set).
pub(crate) fn same(paths: &[Arc<Path>], new: &[PathBuf]) -> bool {
    paths.iter().map(|path| &**path).eq(new.iter().map(|path| &**path))
}

fn identity(dir: &Path) -> Option<Identity> {
    fs::metadata(dir).ok().map(|metadata| Identity::of(&metadata))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watches(only_polls: bool) -> Watches {
        Watches::new(Arc::new(Inbox::new(crate::signal::Signal::new())), only_polls)
    }

    #[test]
    fn a_directory_is_watched_while_somebody_is_interested_in_a_path_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        let (mut watches, mut paths) = (watches(false), Vec::new());
        assert!(watches.set(Who::Root, &mut paths, vec![base.join("a"), base.join("b")]));
        assert!(!watches.set(Who::Root, &mut paths, vec![base.join("b")]));
        let other = vec![base.join("b"), base.join("c")];
        assert!(watches.set(Who::Root, &mut paths, other), "`c` may have changed unnoticed");
        assert_eq!(watches.dirs.len(), 1);
        watches.clear(Who::Root, &mut paths);
        assert!(watches.is_empty() && watches.interests.is_empty());
    }

    #[test]
    fn a_directory_that_was_replaced_is_watched_anew() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        let (inner, other) = (base.join("inner"), base.join("other"));
        fs::create_dir(&inner).unwrap();
        fs::create_dir(&other).unwrap();
        let (mut watches, mut paths) = (watches(false), Vec::new());
        watches.set(Who::Root, &mut paths, vec![inner.join("key")]);
        assert!(watches.check().is_empty());
        fs::rename(&inner, base.join("old")).unwrap();
        fs::rename(&other, &inner).unwrap();
        assert_eq!(watches.check(), BTreeSet::from([Who::Root]));
        assert!(watches.check().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_has_two_paths_is_watched_until_both_are_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        let (one, two) = (base.join("one"), base.join("two"));
        fs::create_dir(&one).unwrap();
        std::os::unix::fs::symlink("one", &two).unwrap();
        let mut watches = watches(false);
        let (mut of_one, mut of_two) = (Vec::new(), Vec::new());
        let id = Who::Root;
        watches.set(id, &mut of_one, vec![one.join("key")]);
        watches.set(id, &mut of_two, vec![two.join("key")]);
        watches.clear(id, &mut of_one);
        let doubted = watches.inbox.take().paths;
        assert!(doubted.contains_key(&*two.join("key")), "{doubted:?}");
        fs::write(one.join("key"), "").unwrap();
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !watches.inbox.take().paths.contains_key(&*two.join("key")) {
            assert!(std::time::Instant::now() < until, "it is not watched any more");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        watches.clear(id, &mut of_two);
        assert!(watches.is_empty() && watches.twins.is_empty());
    }

    #[test]
    fn what_the_program_asked_for_is_no_cause() {
        let dir = tempfile::tempdir().unwrap();
        let (mut watches, mut paths) = (watches(true), Vec::new());
        watches.set(Who::Root, &mut paths, vec![dir.path().join("key")]);
        assert!(watches.poll_any() && watches.polls(&paths));
        assert_eq!(watches.why_polled(), None);
    }
}
