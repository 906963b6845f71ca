//! What the publisher holds of a map: what its backend found becomes what watchers take.

use crate::cell::Merge;
use crate::{
    Bytes, Entry, Error, KeyRange, MemoryMap, MemoryMapReader, MemoryReader, MemoryValue,
    ValueReader, ValueWriter, WatcherExt,
};

/// What a read of a key found: the bytes and their revision, that the key is not there, or why its data can't be used.
pub type Found = Result<Option<(Bytes, i64)>, Error>;

/// A version of a key.
type Version = Result<Entry, Error>;

/// A map that programs watch. The publisher has it, and until then the mailbox.
#[derive(Debug)]
pub(super) struct PublishedMap {
    range: KeyRange,
    map: MemoryMap<Bytes, Entry>,
    /// Has a version when the whole range was read.
    is_read: MemoryValue<()>,
}

impl PublishedMap {
    /// A map that was not read.
    pub(super) fn new(range: KeyRange) -> Self {
        Self { range, map: MemoryMap::unsynced(), is_read: MemoryValue::empty() }
    }

    pub(super) fn range(&self) -> &KeyRange {
        &self.range
    }

    pub(super) fn reader(&self) -> MemoryMapReader<Bytes, Entry> {
        self.map.reader()
    }

    /// Has a version when the whole range was read.
    pub(super) fn is_read(&self) -> MemoryReader<()> {
        self.is_read.reader()
    }

    /// The whole range was read, and is what the map has.
    pub(super) fn set_synced(&self) {
        self.map.set_synced();
        self.now_is_read();
    }

    pub(super) fn publish(&self, changes: Vec<Entry>, is_synced: bool) {
        let mut step = self.map.step();
        for entry in changes {
            match (self.range.relative(&entry.key), entry.value()) {
                (Some(name), Some(_)) => step.insert(name, self.range.entry(entry)),
                (Some(name), None) => step.remove(name),
                (None, _) => {}
            }
        }
        self.map.apply_and_sync(step, is_synced);
        if is_synced {
            self.now_is_read();
        }
    }

    pub(super) fn fail(&self, key: &Bytes, error: Error) {
        if let Some(name) = self.range.relative(key) {
            self.map.fail(name, error);
        }
    }

    /// Publishes what differs of what was found. If `is_whole`, all other keys are gone.
    pub(super) fn found(
        &self,
        found: impl IntoIterator<Item = (Bytes, Found)>,
        is_whole: bool,
        is_synced: bool,
    ) -> bool {
        let mut step = self.map.step();
        for (key, found) in found {
            let Some(name) = self.range.relative(&key) else { continue };
            match found {
                Ok(Some((value, revision))) => {
                    step.insert(name, self.range.entry(Entry::present(key, revision, value)));
                }
                Ok(None) => step.remove(name),
                Err(error) => step.fail(name, error),
            }
        }
        let is_same = |old: &Version, new: &Version| match (old, new) {
            // Nothing but the revision shows that the key was written.
            (Ok(old), Ok(new)) if self.range.is_keys_only() => old.revision() == new.revision(),
            _ => is_same(old, new),
        };
        let has_changed = self.map.merge(step, Merge { is_whole, is_synced }, is_same);
        if is_synced {
            self.now_is_read();
        }
        has_changed
    }

    pub(super) fn end(self, why: &str) {
        self.map.end(why);
        self.is_read.end(why);
    }

    fn now_is_read(&self) {
        if self.is_read.watch().try_get().is_none() {
            self.is_read.set(());
        }
    }
}

/// Whether a version is the same data as the one before: the same bytes, or an error with the same words.
fn is_same(old: &Version, new: &Version) -> bool {
    match (old, new) {
        (Ok(old), Ok(new)) => old.value() == new.value(),
        (Err(old), Err(new)) => {
            old.kind() == new.kind() && format!("{old:#}") == format!("{new:#}")
        }
        _ => false,
    }
}
