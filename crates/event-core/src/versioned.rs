//! A typed value, and which version it is.

use bytes::Bytes;

use crate::{Entry, Metadata};

/// A typed value with the key, the revision and the metadata that it was decoded from.
///
/// [`decode_versioned`](crate::ReaderExt::decode_versioned) yields it. `Debug` prints the value if `T`
/// does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Versioned<T> {
    /// The full key: [`Entry::key`].
    pub key: Bytes,
    /// The backend's number of this version: [`Entry::revision`]. `None` if the key was never seen and
    /// the decoder has a value that stands for it.
    pub revision: Option<i64>,
    /// What else the backend knows of this version: [`Entry::metadata`].
    pub metadata: Metadata,
    /// The typed value.
    pub value: T,
}

impl<T> Versioned<T> {
    /// A value of this version of a key, without metadata.
    pub fn new(key: impl Into<Bytes>, revision: impl Into<Option<i64>>, value: T) -> Self {
        Self { key: key.into(), revision: revision.into(), metadata: Metadata::new(), value }
    }

    pub(crate) fn of(entry: Entry, value: T) -> Self {
        Self { revision: entry.revision(), metadata: entry.metadata(), key: entry.key, value }
    }
}
