//! What is known of a key, whatever the connection.

use std::mem;

use event_core::{Bytes, Entry};

use super::version::{Hash, Version};
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
    Present(i64, Hash),
    Deleted(i64),
    NeverSeen,
}

const _: () = assert!(size_of::<Published>() == size_of::<Version>(), "the tag takes no memory");

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
            Published::Present(revision, hash) => Some(Version { revision, hash }),
            _ => None,
        }
    }

    /// The revision of that version.
    pub(crate) fn present_revision(&self) -> Option<i64> {
        self.present().map(|version| version.revision)
    }

    /// The history was replaced: what was published is of an earlier one.
    pub(crate) fn history_was_reset(&mut self) {
        if let Published::Present(revision, _) | Published::Deleted(revision) = &mut self.published
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
            Published::Present(revision, hash) => {
                found.mod_revision < revision
                    || found.mod_revision == revision && Version::of(found).hash != hash
            }
            Published::Deleted(revision) => found.mod_revision <= revision,
            Published::Nothing | Published::NeverSeen => false,
        }
    }

    /// What a read at `revision` found, if it differs from what was published: in bytes, in revision (E5, E6), or in
    /// metadata, which is another one only if the history is, too.
    pub(crate) fn found(&mut self, found: Option<KeyValue>, revision: i64) -> Option<Entry> {
        let Some(found) = found else { return self.found_absent(revision) };
        let Version { revision, hash } = Version::of(&found);
        let before = mem::replace(&mut self.published, Published::Present(revision, hash));
        let is_same =
            matches!(before, Published::Present(it, its) if (it.abs(), its) == (revision, hash));
        (!is_same).then(|| found.into_entry(self.name.clone()))
    }

    fn found_absent(&mut self, revision: i64) -> Option<Entry> {
        let name = self.name.clone();
        match self.published {
            // Deleted while nobody watched, at some revision up to this one.
            Published::Present(..) => {
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
        self.published = match Version::of_event(&event) {
            Some(Version { revision, hash }) => Published::Present(revision, hash),
            None => Published::Deleted(event.mod_revision),
        };
        Event { key: self.name.clone(), ..event }.into_entry()
    }
}
