//! A version of a key in a few bytes: its revision, and a hash of all else.
//!
//! Why not the version itself? The session asks of two versions only whether they are the same, and what it holds, it holds
//! for each key. Two versions of one revision with the same hash by chance would hide a replaced history, once in 2⁶⁴.

use std::hash::BuildHasher;
use std::sync::LazyLock;

use hashbrown::DefaultHashBuilder;

use crate::seam::{Event, KeyValue};

/// One for all, or the hashes could not be compared.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    /// Negative if it is of an earlier history.
    pub(crate) revision: i64,
    hash: u64,
}

impl Version {
    /// The version as it was before its history was replaced.
    pub(crate) fn abs(self) -> Self {
        Self { revision: self.revision.abs(), ..self }
    }

    pub(crate) fn of(found: &KeyValue) -> Self {
        let hash = HASHER.hash_one((found.metadata, &found.value));
        Self { revision: found.mod_revision, hash }
    }

    /// The version that an event put, if it did.
    pub(crate) fn of_event(event: &Event) -> Option<Self> {
        let hash = HASHER.hash_one((event.metadata, event.value.as_ref()?));
        Some(Self { revision: event.mod_revision, hash })
    }
}
