//! What is known of a key, whatever the connection.

use event_core::{Bytes, Entry};

use super::version::Version;
use crate::seam::{Event, KeyValue};

#[derive(Debug)]
pub(crate) struct Key {
    name: Bytes,
    /// What was published last.
    published: Published,
}

/// A revision is negative if it is of an earlier history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Published {
    Nothing,
    Present(Version),
    Deleted(i64),
    NeverSeen,
}

impl Key {
    pub(crate) fn new(name: Bytes) -> Self {
        Self { name, published: Published::Nothing }
    }

    pub(crate) fn name(&self) -> &Bytes {
        &self.name
    }

    pub(crate) fn is_published(&self) -> bool {
        self.published != Published::Nothing
    }

    /// The version that was published last, if the key existed then.
    pub(crate) fn present(&self) -> Option<Version> {
        match self.published {
            Published::Present(version) => Some(version),
            _ => None,
        }
    }

    /// The revision of that version.
    pub(crate) fn present_revision(&self) -> Option<i64> {
        self.present().map(|version| version.revision)
    }

    /// The history was replaced: what was published is of an earlier one.
    pub(crate) fn history_was_reset(&mut self) {
        if let Published::Present(Version { revision, .. }) | Published::Deleted(revision) =
            &mut self.published
        {
            *revision = -revision.abs();
        }
    }

    /// Whether a change at this revision can't be: the key is known up to a later one, without the change.
    pub(crate) fn contradicts(&self, mod_revision: i64, known_to: i64) -> bool {
        self.present_revision().is_some_and(|published| {
            published > 0 && published < mod_revision && mod_revision <= known_to
        })
    }

    /// Whether what a read found can't follow what was published: in one history a key's revision never goes
    /// down, and a revision has one value for ever (E14).
    pub(crate) fn went_back(&self, found: Option<&KeyValue>) -> bool {
        let Some(found) = found else { return false };
        match self.published {
            Published::Present(before) => {
                found.mod_revision < before.revision
                    || found.mod_revision == before.revision && Version::of(found) != before
            }
            Published::Deleted(revision) => found.mod_revision <= revision,
            Published::Nothing | Published::NeverSeen => false,
        }
    }

    /// What a read at `revision` found, if it differs from what was published: in bytes, in revision (E5, E6), or in
    /// metadata, which is another one only if the history is, too.
    pub(crate) fn found(&mut self, found: Option<KeyValue>, revision: i64) -> Option<Entry> {
        let Some(found) = found else { return self.found_absent(revision) };
        let (version, before) = (Version::of(&found), self.published);
        self.published = Published::Present(version);
        let is_same = matches!(before, Published::Present(before) if before.abs() == version);
        (!is_same).then(|| found.into_entry(self.name.clone()))
    }

    fn found_absent(&mut self, revision: i64) -> Option<Entry> {
        let name = self.name.clone();
        match self.published {
            // Deleted while nobody watched, at some revision up to this one.
            Published::Present(_) => {
                self.published = Published::Deleted(revision);
                Some(Entry::deleted(name, revision))
            }
            Published::Nothing => {
                self.published = Published::NeverSeen;
                Some(Entry::never_seen(name))
            }
            Published::Deleted(_) | Published::NeverSeen => None, // still absent
        }
    }

    /// A change of the key.
    pub(crate) fn changed(&mut self, event: Event) -> Entry {
        let deleted = Published::Deleted(event.mod_revision);
        self.published = Version::of_event(&event).map_or(deleted, Published::Present);
        Event { key: self.name.clone(), ..event }.into_entry()
    }
}
