//! Looking at the files of a map: which ones there are, which have to be read, and when they have settled.
//!
//! A map settles as a whole: what changed within the settle time is one step. A walk before the files are read, and one
//! after it, show whether what was read belongs together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use event_core::upstream::{Found, KeyId};
use event_core::{Bytes, Cause, CauseKind, Entry, Error, KeyRange};

use super::Driver;
use super::backoff::Backoff;
use super::look::Looked;
use super::root::Place;
use super::settling::{CERTAIN, Times};
use super::standing::Standing;
use crate::mount::{self, is_mount};
use crate::read::{self, Failure, Opened, Stamp};
use crate::walk::{Seen, Walk, walk};
use crate::watches::Who;

/// How often it walks again because there are new folders, before a pause.
const ROUNDS: usize = 16;

/// A range that is watched.
pub(super) struct Map {
    range: KeyRange,
    /// What its files depend on: folders, links, and files that links lead to.
    pub(super) paths: Vec<Arc<Path>>,
    /// Where file systems are mounted on its folders.
    mounts: BTreeSet<PathBuf>,
    /// What watchers have.
    files: BTreeMap<Bytes, File>,
    /// The last walk, and since when all walks found the same. A notification begins it anew.
    seen: Option<(Walk, Instant)>,
    /// What `seen` found is published.
    is_published: bool,
    /// When the change began that is waited for.
    since: Option<Instant>,
    pub(super) due: Option<Instant>,
    /// Why it can't be read as a whole.
    pub(super) standing: Standing,
}

/// A file that was read, or refused.
#[derive(Debug, Clone, Copy)]
struct File {
    /// `None`: it was refused.
    read: Option<Read>,
    is_linked: bool,
    is_mounted: bool,
}

#[derive(Debug, Clone, Copy)]
struct Read {
    stamp: Stamp,
    /// It can't have changed without its stamp.
    is_certain: bool,
}

/// What reading the files of a walk gave.
#[derive(Default)]
struct Contents {
    found: Vec<(Bytes, Found)>,
    files: BTreeMap<Bytes, File>,
    /// A file changed meanwhile.
    is_torn: bool,
    /// A file can't be read now. Watchers keep what they have of it.
    unreachable: Option<Cause>,
    has_failed: bool,
}

impl Map {
    pub(super) fn new(range: KeyRange) -> Self {
        Self {
            range,
            paths: Vec::new(),
            mounts: BTreeSet::new(),
            files: BTreeMap::new(),
            seen: None,
            is_published: false,
            since: None,
            due: None,
            standing: Standing::default(),
        }
    }

    /// Something changed. Returns when to look.
    pub(super) fn handle_change(&mut self, times: Times, now: Instant) -> Instant {
        if let Some((_, at)) = &mut self.seen {
            *at = now;
        }
        self.wait(now, times, now)
    }

    /// Waits until nothing has changed since `at` for the settle time, but not for ever.
    fn wait(&mut self, at: Instant, times: Times, now: Instant) -> Instant {
        let since = *self.since.get_or_insert(now);
        (at + times.settle).min(since + times.longest)
    }
}

impl Driver {
    pub(super) fn look_at_map(&mut self, id: KeyId) {
        let Some(mut map) = self.maps.remove(&id) else { return };
        let now = Instant::now();
        let looked = self.look_at_files(id, &mut map, now);
        match &looked {
            Looked::Done(None) => map.standing.backoff = Backoff::default(),
            Looked::Refused(_) => (map.since, map.is_published) = (None, false),
            _ => {}
        }
        let due = self.conclude(id, looked, &mut map.standing, now);
        self.maps.insert(id, map);
        self.set_due(id, due);
    }

    fn look_at_files(&mut self, id: KeyId, map: &mut Map, now: Instant) -> Looked {
        let times = self.times();
        let Some(place) = self.root.place().cloned() else { return Looked::Lost };
        let walk_now = |map: &Map| walk(&place.path, &map.range, self.options.follows_out);
        let mut found = walk_now(map);
        for _ in 0..ROUNDS {
            let Ok(walk) = &found else { break };
            let paths = walk.paths.iter().cloned().collect();
            if !self.watches.set(Who::Key(id), &mut map.paths, paths) {
                break;
            }
            found = walk_now(map); // what is watched only now may have changed before
        }
        let walk = match found {
            Ok(walk) => walk,
            Err(cause) => return Looked::Refused(cause),
        };
        if !Place::exists(&place) {
            return Looked::Lost;
        }
        if let Some(mount) = map.mounts.iter().find(|mount| !is_mount(mount)) {
            return Looked::Refused(mount::gone(mount));
        }
        let seen_at = match &map.seen {
            Some((seen, at)) if *seen == walk => *at,
            _ => {
                map.is_published = false;
                now
            }
        };
        let is_overdue = map.since.is_some_and(|since| now - since >= times.longest);
        if !(map.is_published || is_overdue || self.is_quiet(map, &walk, seen_at, now)) {
            map.seen = Some((walk, seen_at));
            return Looked::Later(map.wait(seen_at, times, now));
        }
        let contents = self.read_files(map, &walk, seen_at, now);
        let is_torn = contents.is_torn || walk_now(map).as_ref() != Ok(&walk);
        if is_torn && !is_overdue {
            let now = Instant::now();
            map.seen = None;
            return Looked::Later(map.wait(now, times, now));
        }
        if !Place::exists(&place) {
            return Looked::Lost;
        }
        let again = self.publish_files(id, map, &walk, contents, now);
        map.mounts.extend(walk.mounts.iter().cloned());
        let unread = walk.unread.first().map(|(_, cause)| cause.clone());
        (map.seen, map.since, map.is_published) = (Some((walk, seen_at)), None, !is_torn);
        match again {
            Err(cause) => Looked::Refused(cause),
            Ok(_) if unread.is_some() => unread.map_or(Looked::Done(None), Looked::Refused),
            Ok(_) if is_torn => Looked::Done(Some(now + times.settle)),
            Ok(again) => Looked::Done(again),
        }
    }

    /// Whether what a walk found has not changed for the settle time.
    fn is_quiet(&self, map: &Map, walk: &Walk, seen_at: Instant, now: Instant) -> bool {
        // The clock of a file server may be another one.
        let has_our_clock = !self.options.only_polls && !self.watches.polls(&map.paths);
        let age = walk.age().filter(|_| has_our_clock);
        age.is_some_and(|age| age >= self.options.settle)
            || now.saturating_duration_since(seen_at) >= self.options.settle
    }

    /// Reads the files that may have changed.
    fn read_files(&self, map: &Map, walk: &Walk, seen_at: Instant, now: Instant) -> Contents {
        let mut contents = Contents::default();
        let keys_only = map.range.is_keys_only();
        // Of the keys only, nothing is read that could be out of date.
        let is_certain = keys_only || now.saturating_duration_since(seen_at) >= CERTAIN;
        for (key, seen) in &walk.files {
            let (read, state) = match seen {
                Seen::Refused(cause) => (Err(Failure::Refused(cause.clone())), None),
                Seen::File { path, kind, stamp } => {
                    let known = map.files.get(key);
                    let is_known = |read: Read| read.stamp == *stamp && read.is_certain;
                    if let Some(known) = known.filter(|known| known.read.is_some_and(is_known)) {
                        contents.files.insert(key.clone(), *known);
                        continue;
                    }
                    let max_size = self.options.max_size;
                    let (read_now, is_linked) = if keys_only {
                        (read::unread(*kind, *stamp), false)
                    } else {
                        let opened = Opened::open(path, *kind, max_size);
                        let is_linked = opened.as_ref().is_ok_and(|opened| opened.is_linked);
                        (opened.and_then(|opened| opened.read(max_size)), is_linked)
                    };
                    let is_mounted = !self.options.only_polls && is_mount(path);
                    let read = Some(Read { stamp: *stamp, is_certain });
                    let file = File { read, is_linked, is_mounted };
                    (read_now, Some((*stamp, file)))
                }
            };
            contents.add(key, read, state, map, self.revision + 1);
        }
        // A key whose file can't be read now is not gone.
        let gone = map.files.iter().filter(|(key, _)| !walk.files.contains_key(*key));
        for (key, file) in gone {
            if walk.is_unread(key) {
                contents.files.insert(key.clone(), *file);
            } else {
                contents.found.push((key.clone(), Ok(None)));
            }
        }
        contents
    }

    /// Publishes a step. Returns when to look again, or why the range was not read as a whole.
    fn publish_files(
        &mut self,
        id: KeyId,
        map: &mut Map,
        walk: &Walk,
        contents: Contents,
        now: Instant,
    ) -> Result<Option<Instant>, Cause> {
        let Contents { found, files, unreachable, has_failed, .. } = contents;
        let is_synced = walk.unread.is_empty() && unreachable.is_none();
        if self.publisher.found_some(id, found, is_synced) {
            self.revision += 1;
        }
        map.files = files;
        let has = |is_so: fn(&File) -> bool| map.files.values().any(is_so);
        for (set, has) in [
            (&mut self.linked, has(|file| file.is_linked)),
            (&mut self.mounted, has(|file| file.is_mounted)),
        ] {
            if has {
                set.insert(id);
            } else {
                set.remove(&id);
            }
        }
        match unreachable {
            Some(cause) => Err(cause),
            None if has_failed => Ok(Some(now + map.standing.backoff.next())),
            None => Ok(None),
        }
    }
}

impl Contents {
    /// What reading a file gave. `state` is what it looked like before.
    fn add(
        &mut self,
        key: &Bytes,
        read: Result<crate::read::Contents, Failure>,
        state: Option<(Stamp, File)>,
        map: &Map,
        revision: i64,
    ) {
        let refused = File { read: None, is_linked: false, is_mounted: false };
        match read {
            Ok(contents) => {
                let (stamp, file) = state.map_or((contents.stamp, refused), |state| state);
                self.is_torn |= contents.stamp != stamp;
                self.files.insert(key.clone(), file);
                self.found.push((key.clone(), Ok(Some((contents.bytes, revision)))));
            }
            Err(Failure::Moved) => {
                self.is_torn = true;
                self.files.extend(map.files.get(key).map(|file| (key.clone(), *file)));
            }
            Err(Failure::Refused(cause)) if cause.kind() == CauseKind::Unreachable => {
                let why = format!("{}: {}", event_core::KeyName(key), cause.message());
                self.unreachable = Some(Cause::new(cause.kind(), why));
                self.files.extend(map.files.get(key).map(|file| (key.clone(), *file)));
            }
            Err(Failure::Refused(cause)) => {
                let error = Error::new(cause.kind().error_kind(), cause.message());
                let error = error.at(&Entry::never_seen(key.clone()));
                self.has_failed = true;
                self.files.insert(key.clone(), refused);
                self.found.push((key.clone(), Err(error)));
            }
        }
    }
}
