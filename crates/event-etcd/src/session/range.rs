//! What is known of a range, whatever the connection.
//!
//! A range costs its keys once more, and a few bytes for each version, but not its content.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;
use std::ops::Bound;

use event_core::{Bytes, Entry, KeyRange};

use super::version::Version;
use crate::seam::{Event, KeyValue};

#[derive(Debug)]
pub(crate) struct Range {
    keys: KeyRange,
    /// What was published and is there.
    known: BTreeMap<Bytes, Version>,
    /// It was read as a whole once.
    is_synced: bool,
    /// The history was replaced, and the range was not read as a whole since.
    is_outdated: bool,
    /// The key that was probed last.
    probed: Bytes,
}

/// What a read found of a key, if that is not what is known of it.
pub(crate) type Difference = (Bytes, Option<KeyValue>);

/// What a page has, compared with what is known.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// In the order of the keys.
    pub(crate) differences: Vec<Difference>,
    /// A key's revision went down, or a revision has another value: the history was replaced (E14).
    pub(crate) went_back: bool,
    /// A key was written at a revision up to which the range is known, without that change.
    pub(crate) contradicts: bool,
}

impl Range {
    pub(crate) fn new(keys: KeyRange) -> Self {
        Self {
            keys,
            known: BTreeMap::new(),
            is_synced: false,
            is_outdated: false,
            probed: Bytes::new(),
        }
    }

    pub(crate) fn name(&self) -> &Bytes {
        self.keys.start()
    }

    pub(crate) fn keys(&self) -> &KeyRange {
        &self.keys
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    pub(crate) fn is_synced(&self) -> bool {
        self.is_synced
    }

    /// Whether the server may send this key. A range of one level also gets keys that it does not have.
    pub(crate) fn may_have(&self, key: &[u8]) -> bool {
        key >= &self.keys.start()[..] && self.keys.end().is_none_or(|end| key < &end[..])
    }

    pub(crate) fn revision_of(&self, key: &[u8]) -> Option<i64> {
        self.known.get(key).map(|known| known.revision)
    }

    /// The revisions of the keys from `from` up to `to`, in the order of the keys.
    pub(crate) fn revisions(
        &self,
        from: &Bytes,
        to: Option<&Bytes>,
    ) -> impl Iterator<Item = (&Bytes, i64)> {
        let to = to.map_or(Bound::Unbounded, |to| Bound::Excluded(&to[..]));
        let known = self.known.range::<[u8], _>((Bound::Included(&from[..]), to));
        known.map(|(key, found)| (key, found.revision))
    }

    /// The newest version of the keys that are there, unless it is of an earlier history.
    pub(crate) fn newest(&self) -> Option<(Bytes, Version)> {
        let known = self.known.iter().filter(|_| !self.is_outdated);
        let (key, newest) = known.max_by_key(|(_, known)| known.revision)?;
        Some((key.clone(), *newest))
    }

    pub(crate) fn newest_revision(&self) -> Option<i64> {
        let known = self.known.values().filter(|_| !self.is_outdated);
        known.map(|known| known.revision).max()
    }

    /// The next key to probe, in a circle: one that is known, or else the first that could be there.
    pub(crate) fn next_to_probe(&mut self) -> Bytes {
        let later = (Bound::Excluded(&self.probed[..]), Bound::Unbounded);
        let mut next = self.known.range::<[u8], _>(later).chain(&self.known);
        self.probed = match next.next() {
            Some((key, _)) => key.clone(),
            None if self.name().is_empty() => Bytes::from_static(b"\0"), // etcd has no empty key
            None => self.name().clone(),
        };
        self.probed.clone()
    }

    pub(crate) fn history_was_reset(&mut self) {
        self.is_outdated = true;
    }

    /// Compares what is known of the keys from `from` up to `to` with what a read found there. The range is known
    /// up to the revision `known_to`; 0 if that is not known.
    pub(crate) fn compare(
        &self,
        from: &Bytes,
        to: Option<&Bytes>,
        found: Vec<(Bytes, KeyValue)>,
        known_to: i64,
    ) -> Compared {
        let mut compared = Compared::default();
        let to = to.map_or(Bound::Unbounded, |to| Bound::Excluded(&to[..]));
        let known = self.known.range::<[u8], _>((Bound::Included(&from[..]), to));
        let mut known = known.peekable();
        for (key, found) in found {
            while let Some((gone, _)) = known.next_if(|(known, _)| **known < key) {
                compared.differences.push((gone.clone(), None));
            }
            let before = known.next_if(|(known, _)| **known == key).map(|(_, before)| before);
            if before == Some(&Version::of(&found)) || !self.keys.contains(&key) {
                continue;
            }
            if let Some(before) = before.filter(|_| !self.is_outdated) {
                compared.went_back |= found.mod_revision <= before.revision;
                compared.contradicts |=
                    (before.revision + 1..=known_to).contains(&found.mod_revision);
            }
            compared.differences.push((key, Some(found)));
        }
        compared.differences.extend(known.map(|(gone, _)| (gone.clone(), None)));
        compared
    }

    /// A part of the range was read, and all of it if `is_whole`. Returns the step to publish.
    pub(crate) fn found(
        &mut self,
        differences: Vec<Difference>,
        revision: i64,
        is_whole: bool,
    ) -> Vec<Entry> {
        if is_whole {
            (self.is_synced, self.is_outdated) = (true, false);
        }
        let step =
            differences.into_iter().filter_map(|(key, found)| self.set(key, found, revision));
        step.collect()
    }

    /// Some keys changed. Of several events of a key the last one counts (E10). Returns the step to publish.
    pub(crate) fn changed(&mut self, mut events: Vec<Event>) -> Vec<Entry> {
        events.reverse();
        events.sort_by(|one, other| one.key.cmp(&other.key)); // of one key, the last event first
        events.dedup_by(|earlier, last| earlier.key == last.key);
        let step = events.into_iter().filter_map(|event| {
            let Event { key, mod_revision, metadata, value } = event;
            let found = value.map(|value| KeyValue { mod_revision, metadata, value });
            self.set(key, found, mod_revision)
        });
        step.collect()
    }

    /// Whether a change at this revision can't be: the range is known up to a later one, without the change.
    pub(crate) fn contradicts(&self, event: &Event) -> bool {
        let known = self.revision_of(&event.key).filter(|_| !self.is_outdated);
        known.is_some_and(|known| known < event.mod_revision)
    }

    /// Returns what to publish of a key, if it differs from what is known.
    fn set(&mut self, key: Bytes, found: Option<KeyValue>, revision: i64) -> Option<Entry> {
        let Some(found) = found else {
            self.known.remove(&key)?;
            return Some(Entry::deleted(key, revision));
        };
        let version = Version::of(&found);
        match self.known.entry(key.clone()) {
            Place::Occupied(known) if *known.get() == version => return None,
            Place::Occupied(mut known) => _ = known.insert(version),
            Place::Vacant(new) => _ = new.insert(version),
        }
        Some(found.into_entry(key))
    }
}
