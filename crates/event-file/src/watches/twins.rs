//! Paths of the same directory.
//!
//! A directory has two paths if it is mounted twice, or for a moment when it is renamed and a link takes its place. The
//! system watches the directory and not the path: a second watch is the first one, and to remove either removes both.
//! So it is watched by one path, and what happens there is true for all.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::inbox::Inbox;
use crate::read::Identity;

#[derive(Debug)]
pub(super) struct Twins {
    inbox: Arc<Inbox>,
    /// The paths of each directory. The system watches the first one.
    paths: BTreeMap<Identity, Vec<Arc<Path>>>,
    /// Those of the paths that have an identity.
    identities: BTreeMap<Arc<Path>, Identity>,
}

impl Twins {
    pub(super) fn new(inbox: Arc<Inbox>) -> Self {
        Self { inbox, paths: BTreeMap::new(), identities: BTreeMap::new() }
    }

    /// The directory with this path is watched by the system.
    pub(super) fn begin(&mut self, identity: Identity, path: &Arc<Path>) {
        if Identity::IS_KNOWN {
            self.paths.insert(identity, vec![Arc::clone(path)]);
            self.identities.insert(Arc::clone(path), identity);
        }
    }

    /// Returns whether the directory is watched by another path. Then notifications are for this one, too.
    pub(super) fn join(&mut self, identity: Identity, path: &Arc<Path>) -> bool {
        let Some(paths) = self.paths.get_mut(&identity) else { return false };
        paths.push(Arc::clone(path));
        self.identities.insert(Arc::clone(path), identity);
        tell(&self.inbox, paths);
        true
    }

    /// If the system watches this path, returns the other ones, which are not watched any more then.
    pub(super) fn remove(&mut self, path: &Path) -> Option<Vec<Arc<Path>>> {
        let Some(identity) = self.identities.remove(path) else { return Some(Vec::new()) };
        let paths = self.paths.get_mut(&identity)?;
        if paths.first().is_some_and(|first| &**first != path) {
            paths.retain(|other| &**other != path);
            tell(&self.inbox, paths);
            return None;
        }
        let mut rest = self.paths.remove(&identity)?;
        let first = rest.remove(0);
        self.inbox.set_twins(&first, Vec::new());
        for other in &rest {
            self.identities.remove(other);
        }
        Some(rest)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.identities.is_empty()
    }
}

fn tell(inbox: &Inbox, paths: &[Arc<Path>]) {
    if let Some((first, rest)) = paths.split_first() {
        inbox.set_twins(first, rest.to_vec());
    }
}
