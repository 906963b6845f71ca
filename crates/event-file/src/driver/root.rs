//! The directory of the store: whether it is there, and where its path leads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use event_core::{Cause, CauseKind};

use super::backoff::Backoff;
use crate::mount::{self, is_mount};
use crate::read::{self, Identity};
use crate::resolve::{End, resolve};
use crate::watches::{Watches, Who};

#[derive(Debug)]
pub(super) struct Root {
    /// As the program named it, but absolute.
    path: PathBuf,
    /// What it depends on beside itself: links, and what is missing.
    chain: Vec<Arc<Path>>,
    pub(super) state: RootState,
    /// Where a file system was mounted at the directory.
    mounted: Option<PathBuf>,
    backoff: Backoff,
    /// When to look again while it is lost.
    pub(super) due: Option<Instant>,
}

#[derive(Debug)]
pub(super) enum RootState {
    Unknown,
    Found(Place),
    Lost(Cause),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Without links.
    pub(super) path: PathBuf,
    identity: Identity,
}

/// How often the path is followed until it depends on the same paths as before.
const ROUNDS: usize = 16;

impl Root {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            chain: Vec::new(),
            state: RootState::Unknown,
            mounted: None,
            backoff: Backoff::default(),
            due: None,
        }
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn place(&self) -> Option<&Place> {
        match &self.state {
            RootState::Found(place) => Some(place),
            RootState::Unknown | RootState::Lost(_) => None,
        }
    }

    /// Looks where the directory is. Returns whether it is another one than before, or is found again.
    pub(super) fn look(&mut self, watches: &mut Watches, now: Instant) -> bool {
        let mut found = self.find(watches);
        for _ in 1..ROUNDS {
            match found {
                (true, _) => found = self.find(watches),
                (false, _) => break,
            }
        }
        let state = match found.1 {
            Ok(place) => {
                self.due = None;
                self.backoff = Backoff::default();
                RootState::Found(place)
            }
            Err(cause) => {
                self.due = Some(now + self.backoff.next());
                RootState::Lost(cause)
            }
        };
        let is_changed = match (&self.state, &state) {
            (RootState::Found(before), RootState::Found(place)) => before != place,
            (_, RootState::Found(_)) => true,
            _ => false,
        };
        self.state = state;
        is_changed
    }

    /// Nothing is watched any more.
    pub(super) fn forget(&mut self, watches: &mut Watches) {
        watches.clear(Who::Root, &mut self.chain);
        (self.state, self.due, self.backoff) = (RootState::Unknown, None, Backoff::default());
        self.mounted = None;
    }

    /// Follows the path. Also returns whether it depends on other paths than before.
    fn find(&mut self, watches: &mut Watches) -> (bool, Result<Place, Cause>) {
        let mut resolved = resolve(Path::new(""), &self.path);
        let found = match &resolved.end {
            End::Found(kind) if kind.is_dir() => resolved.chain.pop(),
            _ => None,
        };
        let is_new = watches.set(Who::Root, &mut self.chain, resolved.chain);
        let path = self.path.display();
        let lost = |kind, why: String| Err(Cause::new(kind, why));
        let place = match (found, resolved.end) {
            (Some(found), _) => self.place_at(found),
            (None, End::Found(_)) => {
                lost(CauseKind::Unreachable, format!("{path} is not a directory"))
            }
            (None, End::Missing) => {
                lost(CauseKind::Unreachable, format!("the directory {path} does not exist"))
            }
            (None, End::TooManyLinks) => {
                lost(CauseKind::Unreachable, format!("{path} has too many symbolic links"))
            }
            (None, End::Failed(error)) => Err(self.failed(&error)),
        };
        (is_new, place)
    }

    fn place_at(&mut self, path: PathBuf) -> Result<Place, Cause> {
        let metadata = fs::metadata(&path).map_err(|error| self.failed(&error))?;
        let identity = Identity::of(&metadata);
        if is_mount(&path) {
            self.mounted = Some(path.clone());
        } else if self.mounted.as_ref() == Some(&path) {
            return Err(mount::gone(&path));
        }
        Ok(Place { path, identity })
    }

    fn failed(&self, error: &io::Error) -> Cause {
        let kind = read::cause(error).kind();
        Cause::new(kind, format!("the directory {}: {error}", self.path.display()))
    }
}

impl Place {
    /// Whether it is still there.
    pub(super) fn exists(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| Identity::of(&metadata) == self.identity)
    }
}
