//! A version of a key in a few bytes: its revision, and a hash of all else.
//!
//! Why not the version itself? The session asks of two versions only whether they are the same, and what it holds,
//! it holds for each key. Two versions of one revision with the same hash by chance would hide a replaced history,
//! once in 2⁵⁶.

use std::hash::BuildHasher;
use std::sync::LazyLock;

use event_core::{Bytes, Metadata};
use hashbrown::DefaultHashBuilder;

use crate::seam::{Event, KeyValue};

/// One for all, or the hashes could not be compared.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) revision: i64,
    pub(crate) hash: Hash,
}

/// Of seven bytes, so that beside it there is room for a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hash([u8; 7]);

impl Version {
    pub(crate) fn of(found: &KeyValue) -> Self {
        Self { revision: found.mod_revision, hash: Hash::of(&found.value, found.metadata) }
    }

    /// The version that an event put, if it did.
    pub(crate) fn of_event(event: &Event) -> Option<Self> {
        let hash = Hash::of(event.value.as_ref()?, event.metadata);
        Some(Self { revision: event.mod_revision, hash })
    }
}

impl Hash {
    fn of(value: &Bytes, metadata: Metadata) -> Self {
        let [hash @ .., _] = HASHER.hash_one((metadata, value)).to_ne_bytes();
        Self(hash)
    }
}
