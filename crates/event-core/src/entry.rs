//! What a backend knows of a key: bytes, and when they were written.

use std::fmt;

use bytes::Bytes;

/// One version of a key, as a backend knows it.
///
/// [`decode`](crate::ReaderExt::decode) makes a typed value of it. `Debug` tells the length of the
/// value and never its bytes, which may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, as the backend knows it.
    pub key: Bytes,
    /// The backend's number of this version; in etcd the revision that wrote or deleted the key.
    ///
    /// Zero where nothing was ever seen of the key: it is not there, and was not since one looked.
    pub revision: i64,
    /// The bytes, or `None` where the key is not there.
    pub value: Option<Bytes>,
}

impl Entry {
    /// A key that is there.
    pub fn new(key: impl Into<Bytes>, revision: i64, value: impl Into<Bytes>) -> Self {
        Self { key: key.into(), revision, value: Some(value.into()) }
    }

    /// A key that was deleted at `revision`, or with revision 0 one that was never there.
    pub fn absent(key: impl Into<Bytes>, revision: i64) -> Self {
        Self { key: key.into(), revision, value: None }
    }

    /// Whether the key was deleted, as against never seen.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.value.is_none() && self.revision != 0
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .field("revision", &self.revision)
            .field(
                "value",
                &self.value.as_ref().map(|value| format_args!("{} bytes", value.len()).to_string()),
            )
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_the_length_and_not_the_bytes() {
        let text = format!("{:?}", Entry::new("k", 3, "hunter2"));
        assert!(text.contains("7 bytes") && !text.contains("hunter2"), "{text}");
    }
}
