//! What is known of a key, whatever the connection.

use event_core::{Bytes, Entry, EntryState};

use crate::seam::{Event, KeyValue};

#[derive(Debug)]
pub(crate) struct Key {
    name: Bytes,
    /// What was published last. Its revision is negative if it is of an earlier history.
    published: Option<EntryState>,
}

impl Key {
    pub(crate) fn new(name: Bytes) -> Self {
        Self { name, published: None }
    }

    pub(crate) fn name(&self) -> &Bytes {
        &self.name
    }

    pub(crate) fn is_published(&self) -> bool {
        self.published.is_some()
    }

    /// The revision of the version that was published last, if the key existed then.
    pub(crate) fn present_revision(&self) -> Option<i64> {
        match self.published {
            Some(EntryState::Present { revision, .. }) => Some(revision),
            _ => None,
        }
    }

    /// The history was replaced: what was published is of an earlier one.
    pub(crate) fn history_was_reset(&mut self) {
        if let Some(EntryState::Present { revision, .. } | EntryState::Deleted { revision, .. }) =
            &mut self.published
        {
            *revision = -revision.abs();
        }
    }

    /// The version that was published last.
    pub(crate) fn entry(&self) -> Entry {
        let mut entry = Entry::never_seen(self.name.clone());
        if let Some(state) = &self.published {
            entry.state = state.clone();
        }
        entry
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
        match &self.published {
            Some(EntryState::Present { revision, value, metadata, .. }) => {
                found.mod_revision < *revision
                    || found.mod_revision == *revision
                        && (found.value != *value || found.metadata != *metadata)
            }
            Some(EntryState::Deleted { revision, .. }) => found.mod_revision <= *revision,
            _ => false,
        }
    }

    /// What a read at `revision` found, if it differs from what was published: in bytes, in revision (E5, E6), or in
    /// metadata, which is another one only if the history is, too.
    pub(crate) fn found(&mut self, found: Option<KeyValue>, revision: i64) -> Option<Entry> {
        let name = self.name.clone();
        let entry = match (found, &self.published) {
            (Some(found), _) => found.into_entry(name),
            // Deleted while nobody watched, at some revision up to this one.
            (None, Some(EntryState::Present { .. })) => Entry::deleted(name, revision),
            (None, _) => self.entry(), // still absent
        };
        let same = match (&self.published, &entry.state) {
            (
                Some(EntryState::Present { revision, value, metadata, .. }),
                EntryState::Present { revision: at, value: found, metadata: written, .. },
            ) => revision.abs() == *at && value == found && metadata == written,
            (published, state) => published.as_ref() == Some(state),
        };
        if same {
            self.published = Some(entry.state); // perhaps of a new history
            return None;
        }
        Some(self.publish(entry))
    }

    /// A change of the key.
    pub(crate) fn changed(&mut self, event: Event) -> Entry {
        self.publish(Event { key: self.name.clone(), ..event }.into_entry())
    }

    fn publish(&mut self, entry: Entry) -> Entry {
        self.published = Some(entry.state.clone());
        entry
    }
}
