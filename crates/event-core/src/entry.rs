//! What a backend knows of a key: its bytes, and when they were written.

use std::fmt;

use bytes::Bytes;

use crate::Metadata;

/// One version of a key, as a backend knows it.
///
/// [`decode`](crate::ReaderExt::decode) turns it into a typed value. `Debug` prints the length of the
/// value and never its bytes, which may be a secret.
///
/// ```
/// use event_core::{Entry, EntryState};
///
/// let entry = Entry::present("app/port", 7, "8080");
/// assert_eq!(entry.value().unwrap(), "8080");
/// assert_eq!(entry.revision(), Some(7));
/// assert!(matches!(Entry::never_seen("app/port").state, EntryState::NeverSeen));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The full key, as the backend's own tools name it: an etcd key with its namespace.
    pub key: Bytes,
    /// What the backend knows of the key.
    pub state: EntryState,
}

/// What a backend knows of a key.
///
/// A *revision* is the number that the backend gave a version. Within one history of the backend's data it
/// grows with each version of a key. In etcd it is the revision of the whole store at which the key was
/// written or deleted.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryState {
    /// The key exists.
    #[non_exhaustive]
    Present {
        /// The bytes, which may be empty.
        value: Bytes,
        /// The revision that wrote them.
        revision: i64,
        /// What else the backend knows of this version.
        metadata: Metadata,
    },
    /// The key existed and was deleted.
    #[non_exhaustive]
    Deleted {
        /// The revision that deleted it. If the deletion itself was not seen, a revision at which the
        /// key was already gone.
        revision: i64,
    },
    /// The key does not exist, and has not existed since the backend began to watch it. A key that was
    /// deleted earlier counts as never seen.
    NeverSeen,
}

impl Entry {
    /// A key that exists.
    pub fn present(key: impl Into<Bytes>, revision: i64, value: impl Into<Bytes>) -> Self {
        let (value, metadata) = (value.into(), Metadata::new());
        Self { key: key.into(), state: EntryState::Present { value, revision, metadata } }
    }

    /// Adds what else the backend knows of the version. A key that does not exist has no metadata, and is returned as
    /// it is.
    #[must_use]
    pub fn with_metadata(mut self, new: Metadata) -> Self {
        if let EntryState::Present { metadata, .. } = &mut self.state {
            *metadata = new;
        }
        self
    }

    /// A key that was deleted.
    pub fn deleted(key: impl Into<Bytes>, revision: i64) -> Self {
        Self { key: key.into(), state: EntryState::Deleted { revision } }
    }

    /// A key that does not exist, and that the backend has not seen exist.
    pub fn never_seen(key: impl Into<Bytes>) -> Self {
        Self { key: key.into(), state: EntryState::NeverSeen }
    }

    /// The bytes; `None` if the key does not exist.
    #[must_use]
    pub fn value(&self) -> Option<&Bytes> {
        match &self.state {
            EntryState::Present { value, .. } => Some(value),
            EntryState::Deleted { .. } | EntryState::NeverSeen => None,
        }
    }

    /// The revision of the state; `None` if the key was never seen.
    #[must_use]
    pub fn revision(&self) -> Option<i64> {
        match self.state {
            EntryState::Present { revision, .. } | EntryState::Deleted { revision } => {
                Some(revision)
            }
            EntryState::NeverSeen => None,
        }
    }

    /// What else the backend knows of the version; nothing, if the key does not exist.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        match self.state {
            EntryState::Present { metadata, .. } => metadata,
            EntryState::Deleted { .. } | EntryState::NeverSeen => Metadata::new(),
        }
    }

    /// The revision that created the key: [`Metadata::create_revision`]. `None` if the key does not exist, or if the
    /// backend does not know.
    #[must_use]
    pub fn create_revision(&self) -> Option<i64> {
        self.metadata().create_revision()
    }

    /// How often the key was written since it was created: [`Metadata::version`]. `None` if the key does not exist, or
    /// if the backend does not know.
    #[must_use]
    pub fn version(&self) -> Option<i64> {
        self.metadata().version()
    }

    /// The id of the lease that the key is bound to: [`Metadata::lease`]. `None` if there is none.
    #[must_use]
    pub fn lease(&self) -> Option<i64> {
        self.metadata().lease()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("key", &self.key).field("state", &self.state).finish()
    }
}

impl fmt::Debug for EntryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present { value, revision, metadata } => {
                let mut text = f.debug_struct("Present");
                text.field("value", &format_args!("{} bytes", value.len()));
                text.field("revision", revision);
                if *metadata != Metadata::new() {
                    text.field("metadata", metadata);
                }
                text.finish()
            }
            Self::Deleted { revision } => {
                f.debug_struct("Deleted").field("revision", revision).finish()
            }
            Self::NeverSeen => f.write_str("NeverSeen"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_the_length_and_not_the_bytes() {
        let text = format!("{:?}", Entry::present("k", 3, "hunter2"));
        assert!(text.contains("7 bytes") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn only_a_key_that_exists_has_metadata() {
        let metadata = Metadata::new().with_create_revision(2).with_version(3).with_lease(-4);
        let entry = Entry::present("k", 7, "").with_metadata(metadata);
        let known = (entry.create_revision(), entry.version(), entry.lease());
        assert_eq!(known, (Some(2), Some(3), Some(-4)));
        assert_ne!(entry, Entry::present("k", 7, ""));
        for absent in [Entry::deleted("k", 7), Entry::never_seen("k")] {
            assert_eq!(absent.clone().with_metadata(metadata), absent);
            assert_eq!(absent.metadata(), Metadata::new());
        }
        let none = Metadata::new().with_create_revision(0).with_version(0).with_lease(0);
        assert_eq!(none, Metadata::new(), "0 is not a number of etcd's");
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn an_entry_takes_no_more_than_its_numbers_and_what_kind_it_is() {
        let (bytes, numbers, kind) = (2 * size_of::<Bytes>(), 4 * size_of::<i64>(), 8);
        assert_eq!(size_of::<Entry>(), bytes + numbers + kind);
    }
}
