//! What one history of the store holds, at each of its revisions.

use std::borrow::Cow;
use std::ops::Range;

use event_core::{Bytes, Entry, KeyRange, Metadata};

use crate::seam::{Event, KeyValue, Keys};

pub(super) const KEYS: usize = 6;
/// What a program may subscribe to: each of the keys, and some ranges of them, which have the numbers after the keys'.
pub(super) const SUBJECTS: usize = KEYS + RANGES.len();
const RANGES: [Range<usize>; 4] = [1..4, 0..KEYS, 5..KEYS, 1..4];
/// The last one is of the keys only.
const KEYS_ONLY: usize = SUBJECTS - 1;

const NAMES: [&str; KEYS] = ["a", "b", "c", "d", "e", "f"];
/// Few, so that a key is often written with the bytes that it has, or had in another history.
const VALUES: [&str; 3] = ["", "1", "22"];

pub(super) fn name(key: usize) -> Bytes {
    Bytes::from_static(NAMES[key].as_bytes())
}

/// What a subject is, as the session has it.
pub(super) fn subject(at: usize) -> Keys {
    if at < KEYS {
        return Keys::One(name(at));
    }
    let keys = keys_of(at);
    let end = if keys.end < KEYS { name(keys.end) } else { Bytes::new() };
    let range = KeyRange::between(name(keys.start), end);
    Keys::Range(if is_keys_only(at) { range.keys_only() } else { range })
}

pub(super) fn is_keys_only(subject: usize) -> bool {
    subject == KEYS_ONLY
}

/// The subject that this is.
pub(super) fn subject_of(keys: &Keys) -> Option<usize> {
    (0..SUBJECTS).find(|at| subject(*at) == *keys)
}

/// The keys of a subject.
pub(super) fn keys_of(subject: usize) -> Range<usize> {
    subject.checked_sub(KEYS).map_or(subject..subject + 1, |range| RANGES[range].clone())
}

pub(super) fn value(random: &mut fastrand::Rng) -> Bytes {
    Bytes::from_static(VALUES[random.usize(..VALUES.len())].as_bytes())
}

/// The key of a name, if it is one of ours.
pub(super) fn key_of(name: &[u8]) -> Option<usize> {
    NAMES.iter().position(|known| known.as_bytes() == name)
}

/// A history, which a wipe or a restored snapshot ends, and which another one replaces.
#[derive(Debug, Clone)]
pub(super) struct History {
    pub(super) revision: i64,
    /// Watches from before it are canceled.
    pub(super) compacted: i64,
    /// The revision that it had when clients first saw it.
    pub(super) begun: i64,
    /// Each key's changes, oldest first.
    changes: [Vec<Event>; KEYS],
}

impl History {
    /// An empty store.
    pub(super) fn new() -> Self {
        Self { revision: 1, compacted: 0, begun: 1, changes: Default::default() }
    }

    /// A store restored from the snapshot that was taken at `revision`.
    pub(super) fn restored(&self, revision: i64) -> Self {
        let changes = self.changes.each_ref().map(|changes| {
            changes.iter().filter(|change| change.mod_revision <= revision).cloned().collect()
        });
        Self { revision, compacted: self.compacted.min(revision), begun: revision, changes }
    }

    /// Puts some keys in one transaction, or deletes those without a value. Deleting what is not
    /// there changes nothing.
    pub(super) fn write(&mut self, writes: &[(usize, Option<Bytes>)]) {
        let revision = self.revision + 1;
        for (key, value) in writes {
            let before = self.state(*key, revision);
            if value.is_some() || before.is_some() {
                let metadata = match value {
                    Some(value) => metadata(before, revision, value),
                    None => Metadata::new(),
                };
                let (key_name, value) = (name(*key), value.clone());
                let change = Event { key: key_name, mod_revision: revision, metadata, value };
                self.changes[*key].push(change);
                self.revision = revision;
            }
        }
    }

    /// Puts a key again and again.
    pub(super) fn write_often(&mut self, key: usize, times: usize, random: &mut fastrand::Rng) {
        for _ in 0..times {
            self.write(&[(key, Some(value(random)))]);
        }
    }

    /// Writes keys that nobody watches.
    pub(super) fn write_elsewhere(&mut self, times: i64) {
        self.revision += times;
    }

    /// What the key held at a revision: the change that wrote it, unless it was not there.
    fn state(&self, key: usize, revision: i64) -> Option<&Event> {
        let count = self.changes[key].partition_point(|change| change.mod_revision <= revision);
        self.changes[key][..count].last().filter(|change| change.value.is_some())
    }

    /// What a read finds now.
    pub(super) fn found(&self, key: usize) -> Option<KeyValue> {
        self.found_at(key, self.revision)
    }

    /// What a read finds of an earlier revision.
    pub(super) fn found_at(&self, key: usize, revision: i64) -> Option<KeyValue> {
        let change = self.state(key, revision)?;
        let (mod_revision, metadata) = (change.mod_revision, change.metadata);
        Some(KeyValue { mod_revision, metadata, value: change.value.clone()? })
    }

    /// What the entry of a subject's key is at a revision.
    pub(super) fn entry_at(&self, subject: usize, key: usize, revision: i64) -> Option<Entry> {
        let found = self.found_at(key, revision)?;
        let found = if is_keys_only(subject) { found.without_value() } else { found };
        Some(found.into_entry(name(key)))
    }

    /// The changes of a subject's keys from one revision to another, both included.
    pub(super) fn events(&self, subject: usize, from: i64, to: i64) -> Cow<'_, [Event]> {
        if subject < KEYS {
            return self.events_of(subject, from, to).into();
        }
        let mut events: Vec<Event> =
            keys_of(subject).flat_map(|key| self.events_of(key, from, to)).cloned().collect();
        events.sort_by_key(|event| event.mod_revision);
        events.into()
    }

    /// Whether a key of the subject changed from one revision to another, both included.
    pub(super) fn has_events(&self, subject: usize, from: i64, to: i64) -> bool {
        keys_of(subject).any(|key| !self.events_of(key, from, to).is_empty())
    }

    /// The revision of the first change of a subject's keys, from one revision on.
    pub(super) fn next_change(&self, subject: usize, from: i64) -> Option<i64> {
        let next = |key| Some(self.events_of(key, from, self.revision).first()?.mod_revision);
        keys_of(subject).filter_map(next).min()
    }

    fn events_of(&self, key: usize, from: i64, to: i64) -> &[Event] {
        let changes = &self.changes[key];
        let first = changes.partition_point(|change| change.mod_revision < from);
        let last = changes.partition_point(|change| change.mod_revision <= to);
        &changes[first..last.max(first)]
    }

    /// Whether the key held this at its revision, or was not there.
    pub(super) fn has(&self, key: usize, entry: &Entry) -> bool {
        let revision = entry.revision().unwrap_or(0);
        let state = self.state(key, revision);
        revision <= self.revision
            && match entry.value() {
                None => state.is_none(),
                Some(_) => state.is_some_and(|change| change.clone().into_entry() == *entry),
            }
    }

    /// Whether the key held this at some time from revision `since` on.
    pub(super) fn held(&self, key: usize, entry: &Entry, since: i64) -> bool {
        let mut later = self.events_of(key, since + 1, self.revision).iter();
        if entry.value().is_none() {
            return self.state(key, since).is_none() || later.any(|change| change.value.is_none());
        }
        let same = |change: &Event| change.clone().into_entry() == *entry;
        self.state(key, since).is_some_and(same) || later.any(same)
    }
}

/// The metadata of a write. A value that is not empty is bound to a lease.
fn metadata(before: Option<&Event>, revision: i64, value: &Bytes) -> Metadata {
    let before = before.map_or(Metadata::new(), |before| before.metadata);
    Metadata::new()
        .with_create_revision(before.create_revision().unwrap_or(revision))
        .with_version(before.version().unwrap_or(0) + 1)
        .with_lease(i64::from(!value.is_empty()))
}
