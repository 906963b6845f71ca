//! What is known of a key, whatever the connection.

use event_core::{Bytes, Entry, EntryState};

use crate::seam::{Event, KeyValue};

#[derive(Debug)]
pub(crate) struct Key {
    name: Bytes,
    /// What was published last.
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

    /// The version that was published last.
    pub(crate) fn entry(&self) -> Entry {
        let mut entry = Entry::never_seen(self.name.clone());
        if let Some(state) = &self.published {
            entry.state = state.clone();
        }
        entry
    }

    /// What a read at `revision` found, if it differs from what was published: in bytes or in revision
    /// (E5, E6).
    pub(crate) fn found(&mut self, found: Option<KeyValue>, revision: i64) -> Option<Entry> {
        let name = self.name.clone();
        let entry = match (found, &self.published) {
            (Some(KeyValue { mod_revision, value }), _) => {
                Entry::present(name, mod_revision, value)
            }
            // Deleted while nobody watched, at some revision up to this one.
            (None, Some(EntryState::Present { .. })) => Entry::deleted(name, revision),
            (None, _) => self.entry(),
        };
        (self.published.as_ref() != Some(&entry.state)).then(|| self.publish(entry))
    }

    /// A change of the key.
    pub(crate) fn changed(&mut self, event: Event) -> Entry {
        let name = self.name.clone();
        self.publish(match event.value {
            Some(value) => Entry::present(name, event.mod_revision, value),
            None => Entry::deleted(name, event.mod_revision),
        })
    }

    fn publish(&mut self, entry: Entry) -> Entry {
        self.published = Some(entry.state.clone());
        entry
    }
}
