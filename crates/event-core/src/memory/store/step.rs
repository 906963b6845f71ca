//! What happens to a store in memory at once.

use std::collections::HashSet;

use smallvec::SmallVec;

use crate::Bytes;

/// Names with their values; `None`: the key is deleted.
pub(super) type Changes = SmallVec<[(Bytes, Option<Bytes>); 1]>;

/// The changes of one step of a [`MemoryStore`](crate::MemoryStore): of several changes of one key, the last one counts.
///
/// The closure of [`MemoryStore::apply`](crate::MemoryStore::apply) gets one.
#[derive(Debug, Default)]
pub struct MemoryStoreStep {
    changes: Changes,
}

impl MemoryStoreStep {
    /// Sets a key.
    pub fn set(&mut self, name: impl AsRef<[u8]>, value: impl Into<Bytes>) {
        self.changes.push((Bytes::copy_from_slice(name.as_ref()), Some(value.into())));
    }

    /// Deletes a key, if it is there.
    pub fn delete(&mut self, name: impl AsRef<[u8]>) {
        self.changes.push((Bytes::copy_from_slice(name.as_ref()), None));
    }

    /// The last change of each key, in the order in which they came.
    pub(super) fn into_last_changes(mut self) -> Changes {
        if self.changes.len() > 1 {
            let mut seen = HashSet::new();
            let mut is_last: Vec<_> =
                self.changes.iter().rev().map(|(name, _)| seen.insert(name.clone())).collect();
            self.changes.retain(|_| is_last.pop().unwrap_or(false));
        }
        self.changes
    }
}
