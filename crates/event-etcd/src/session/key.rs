//! What is known of a key, whatever the connection.

use event_core::{Bytes, Entry, EntryState};

use crate::seam::{Event, KeyValue};

#[derive(Debug)]
pub(crate) struct Key {
    /// What was published last. Before that: its name, and that it was never seen.
    entry: Entry,
    is_published: bool,
}

impl Key {
    pub(crate) fn new(name: Bytes) -> Self {
        Self { entry: Entry::never_seen(name), is_published: false }
    }

    pub(crate) fn name(&self) -> &Bytes {
        &self.entry.key
    }

    pub(crate) fn is_published(&self) -> bool {
        self.is_published
    }

    /// The version that was published last, if the key existed then.
    pub(crate) fn present(&self) -> Option<&Entry> {
        Some(&self.entry).filter(|entry| entry.value().is_some())
    }

    /// What a read at `revision` found, if it differs from what was published: in bytes or in revision
    /// (E5, E6).
    pub(crate) fn found(&mut self, found: Option<KeyValue>, revision: i64) -> Option<Entry> {
        let name = self.name().clone();
        let entry = match (found, &self.entry.state) {
            (Some(KeyValue { mod_revision, value }), _) => {
                Entry::present(name, mod_revision, value)
            }
            // Deleted while nobody watched, at some revision up to this one.
            (None, EntryState::Present { .. }) => Entry::deleted(name, revision),
            (None, _) => self.entry.clone(),
        };
        if self.is_published && self.entry == entry {
            return None;
        }
        Some(self.publish(entry))
    }

    /// A change of the key.
    pub(crate) fn changed(&mut self, event: Event) -> Entry {
        let name = self.name().clone();
        self.publish(match event.value {
            Some(value) => Entry::present(name, event.mod_revision, value),
            None => Entry::deleted(name, event.mod_revision),
        })
    }

    fn publish(&mut self, entry: Entry) -> Entry {
        self.is_published = true;
        self.entry.clone_from(&entry);
        entry
    }
}
