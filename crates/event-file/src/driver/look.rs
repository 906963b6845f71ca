//! Looking at one key: where its path leads, what the file looks like, and whether to read it.

use std::fs::FileType;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use event_core::upstream::KeyId;
use event_core::{Bytes, Cause, CauseKind};

use super::backoff::Backoff;
use super::root::Place;
use super::settling::Verdict;
use super::{Driver, Key, Look};
use crate::key;
use crate::mount::{self, is_mount, mount_of};
use crate::read::{self, Contents, Failure, Opened};
use crate::resolve::{End, resolve};
use crate::watches::{self, Who};

/// How many keys are read before it looks what programs want and what was notified.
const KEYS: usize = 128;
/// How often a path is followed or opened again because it changed meanwhile, before a pause.
const ROUNDS: usize = 16;

/// What looking at a key or a map came to.
pub(super) enum Looked {
    /// What watchers have is what the file has. If it changed meanwhile, look again at this time.
    Done(Option<Instant>),
    Refused(Cause),
    /// Look again at this time.
    Later(Instant),
    /// The directory of the store is gone.
    Lost,
    /// Its directories have to be watched, which only the thread of the store can do.
    HandOver,
}

impl Driver {
    /// Looks at some of the keys that may have changed.
    pub(super) fn look_at_keys(&mut self) {
        for _ in 0..KEYS {
            let Some((id, look)) = self.dirty.pop_first() else { return };
            if self.maps.contains_key(&id) {
                self.look_at_map(id);
            } else {
                self.look_at_key(id, look);
            }
            if self.root_is_dirty {
                return;
            }
        }
    }

    pub(super) fn look_at_key(&mut self, id: KeyId, look: Look) {
        let Some(mut key) = self.keys.remove(id) else { return };
        let now = Instant::now();
        let looked = self.look_at(id, &mut key, look, now);
        match &looked {
            Looked::Done(_) => key.standing.backoff = Backoff::default(),
            Looked::Refused(_) => key.settling.forget_change(),
            _ => {}
        }
        let due = self.conclude(id, looked, &mut key.standing, now);
        self.keys.insert(id, key);
        self.set_due(id, due);
    }

    fn look_at(&mut self, id: KeyId, key: &mut Key, look: Look, now: Instant) -> Looked {
        let times = self.times();
        for _ in 0..ROUNDS {
            let end = match self.follow(id, key) {
                Ok(Some(end)) => end,
                Ok(None) => continue,
                Err(looked) => return looked,
            };
            let Some(path) = key.chain.last().map(Arc::clone) else { return Looked::Lost };
            if let Some(cause) = key.unmounted(&path) {
                return Looked::Refused(cause);
            }
            let kind = match end {
                End::Found(kind) => kind,
                End::Missing => return self.handle_missing(id, key, now),
                End::TooManyLinks => {
                    let why = "it has too many symbolic links";
                    return Looked::Refused(Cause::new(CauseKind::InvalidArgument, why));
                }
                End::Failed(error) => return Looked::Refused(read::cause(&error)),
            };
            match self.read(id, key, &path, kind, look, now) {
                Ok(looked) => return looked,
                Err(Failure::Moved) => {} // it was replaced meanwhile
                Err(Failure::Refused(cause)) => return Looked::Refused(cause),
            }
        }
        self.root_is_dirty = true; // perhaps there is a link on the way to it now
        Looked::Later(now + times.settle)
    }

    /// Follows the path of a key. `None`: it depends on other paths than before, so it has to be followed
    /// again.
    fn follow(&mut self, id: KeyId, key: &mut Key) -> Result<Option<End>, Looked> {
        let Some(place) = self.root.place() else { return Err(Looked::Lost) };
        let mut resolved = resolve(&place.path, key::path(&key.name));
        let is_outside = |path: &PathBuf| !path.starts_with(&place.path);
        let leads_out = !self.options.follows_out && resolved.chain.last().is_some_and(is_outside);
        if leads_out {
            // What is outside is not watched.
            resolved.chain.retain(|path| !is_outside(path));
        }
        if self.only_reads && !watches::same(&key.chain, &resolved.chain) {
            return Err(Looked::HandOver);
        }
        if self.watches.set(Who::Key(id), &mut key.chain, resolved.chain) {
            return Ok(None);
        }
        if leads_out {
            let why = "it is a symbolic link that leads out of the directory: see `Options::follow_links_out`";
            return Err(Looked::Refused(Cause::new(CauseKind::PermissionDenied, why)));
        }
        Ok(Some(resolved.end))
    }

    fn handle_missing(&mut self, id: KeyId, key: &mut Key, now: Instant) -> Looked {
        if !self.root.place().is_some_and(Place::exists) {
            return Looked::Lost;
        }
        if let Verdict::Wait(until) = key.settling.look(None, None, self.times(), now) {
            return Looked::Later(until);
        }
        self.mounted.remove(&id);
        self.linked.remove(&id);
        key.settling.handle_read(None, now);
        self.publish(id, key, None);
        Looked::Done(None)
    }

    fn read(
        &mut self,
        id: KeyId,
        key: &mut Key,
        path: &Path,
        kind: FileType,
        look: Look,
        now: Instant,
    ) -> Result<Looked, Failure> {
        let (times, max_size) = (self.times(), self.options.max_size);
        if let Some(place) = self.root.place() {
            key.mount = mount_of(path, &place.path);
        }
        let opened = Opened::open(path, kind, max_size)?;
        let state = Some(opened.stamp);
        let is_mounted = !self.options.only_polls && is_mount(path);
        if is_mounted {
            self.mounted.insert(id);
        } else {
            self.mounted.remove(&id);
        }
        if opened.is_linked {
            self.linked.insert(id);
        } else {
            self.linked.remove(&id);
        }
        if look == Look::Poll && key.settling.is_certain(state) {
            return Ok(Looked::Done(None));
        }
        // The clock of a file server may be another one.
        let age = opened.stamp.age().filter(|_| !is_mounted && !self.watches.polls(&key.chain));
        let verdict = key.settling.look(state, age, times, now);
        if let Verdict::Wait(until) = verdict {
            return Ok(Looked::Later(until));
        }
        let Contents { bytes, stamp } = opened.read(max_size)?;
        let is_torn = Some(stamp) != state;
        if is_torn && verdict != Verdict::ReadAnyway {
            let due = key.settling.handle_torn(Some(stamp), times, Instant::now());
            return Ok(Looked::Later(due));
        }
        key.settling.handle_read(state, now);
        self.publish(id, key, Some(bytes));
        Ok(Looked::Done(is_torn.then(|| now + times.settle)))
    }

    fn publish(&mut self, id: KeyId, key: &Key, value: Option<Bytes>) {
        if self.publisher.found(id, &key.name, value, self.revision + 1) {
            self.revision += 1;
        }
    }
}

impl Key {
    /// The cause if its path leads to where a file system was mounted that is gone. What is there now is what was covered:
    /// it is no newer version.
    fn unmounted(&self, path: &Path) -> Option<Cause> {
        let mount = self.mount.as_ref()?;
        let leads_there = path.starts_with(mount) || mount.starts_with(path);
        (leads_there && !is_mount(mount)).then(|| mount::gone(mount))
    }
}
