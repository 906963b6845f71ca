//! What a backend knows of a version beside its bytes and its revision.

use std::num::NonZeroI64;

/// When a key was created, how often it was written since, and the lease that it is bound to.
///
/// A backend says what it knows of an [`Entry`](crate::Entry), and the rest is `None`: etcd has all three, a
/// [`MemoryStore`](crate::MemoryStore) has no leases, and files have nothing of the kind. Within one history of the
/// backend's data, each revision of a key has one metadata.
///
/// ```
/// use event_core::{Entry, Metadata};
///
/// let metadata = Metadata::new().with_create_revision(5).with_version(3).with_lease(0x1234);
/// let entry = Entry::present("services/a", 7, "host-a:80").with_metadata(metadata);
/// assert_eq!(entry.version(), Some(3));
/// assert_eq!(Entry::present("services/a", 7, "host-a:80").version(), None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Metadata {
    // An entry is held for each key, so none of these takes more than its number.
    create_revision: Option<NonZeroI64>,
    version: Option<NonZeroI64>,
    lease: Option<NonZeroI64>,
}

impl Metadata {
    /// Nothing is known.
    #[must_use]
    pub const fn new() -> Self {
        Self { create_revision: None, version: None, lease: None }
    }

    /// Sets the revision that created the key. 0: not known.
    #[must_use]
    pub const fn with_create_revision(mut self, revision: i64) -> Self {
        self.create_revision = NonZeroI64::new(revision);
        self
    }

    /// Sets the number of writes since the key was created, 1 for the write that created it. 0: not known.
    #[must_use]
    pub const fn with_version(mut self, version: i64) -> Self {
        self.version = NonZeroI64::new(version);
        self
    }

    /// Sets the id of the lease that the key is bound to. 0: none.
    #[must_use]
    pub const fn with_lease(mut self, lease: i64) -> Self {
        self.lease = NonZeroI64::new(lease);
        self
    }

    /// The revision that created the key. A key that was deleted and written again has a new one.
    #[must_use]
    pub const fn create_revision(&self) -> Option<i64> {
        number(self.create_revision)
    }

    /// How often the key was written since it was created: 1 for the write that created it. It starts over when the
    /// key is deleted and written again.
    #[must_use]
    pub const fn version(&self) -> Option<i64> {
        number(self.version)
    }

    /// The id of the lease that the key is bound to: the key is deleted when the lease ends. `None` if it is bound to
    /// none, or if the backend has no leases.
    #[must_use]
    pub const fn lease(&self) -> Option<i64> {
        number(self.lease)
    }
}

const fn number(of: Option<NonZeroI64>) -> Option<i64> {
    match of {
        Some(number) => Some(number.get()),
        None => None,
    }
}
