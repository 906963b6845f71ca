//! What a backend knows of a key: its bytes, and when they were written.

use std::fmt;

use bytes::Bytes;

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
        Self { key: key.into(), state: EntryState::Present { value: value.into(), revision } }
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
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("key", &self.key).field("state", &self.state).finish()
    }
}

impl fmt::Debug for EntryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present { value, revision } => f
                .debug_struct("Present")
                .field("value", &format_args!("{} bytes", value.len()))
                .field("revision", revision)
                .finish(),
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
}
