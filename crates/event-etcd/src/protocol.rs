//! What crosses the seam between the session and etcd, in words of our own.

use event_core::Bytes;

use event_core::Cause;
pub(crate) use event_core::CauseKind;

/// The answer to a linearizable read of some keys, all at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadAnswer {
    /// The revision of the store that was read.
    pub(crate) revision: i64,
    /// What was found, in the order of the keys that were asked for.
    pub(crate) found: Vec<Option<KeyValue>>,
}

/// A key that is there.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KeyValue {
    pub(crate) mod_revision: i64,
    pub(crate) value: Bytes,
}

/// What is asked of a watch stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// Watch `key` from `start_revision` on, under an id of our choice (E3).
    Create { watch_id: i64, key: Bytes, start_revision: i64 },
    /// End a watch.
    Cancel { watch_id: i64 },
    /// Ask for a sign of life (E7).
    Progress,
}

/// What came on a watch stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Response {
    /// The store's revision, as the member has it: no place to resume from (E1).
    pub(crate) revision: i64,
    pub(crate) watch_id: i64,
    pub(crate) created: bool,
    pub(crate) canceled: bool,
    /// Set where the watch was canceled because its start is compacted (E2).
    pub(crate) compact_revision: i64,
    pub(crate) reason: String,
    /// The last of its events: the newest version. The others are over.
    pub(crate) newest: Option<Event>,
}

impl Response {
    /// How many bytes of a value it carries.
    pub(crate) fn bytes(&self) -> usize {
        self.newest.as_ref().and_then(|event| event.value.as_ref()).map_or(0, Bytes::len)
    }
}

/// One change of a key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) mod_revision: i64,
    /// `None`: deleted.
    pub(crate) value: Option<Bytes>,
}

/// Why a call or a stream failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: CauseKind,
    /// What happened, in the server's or the transport's words.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(kind: CauseKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl From<&Failure> for Cause {
    fn from(failure: &Failure) -> Self {
        Cause::new(failure.kind, failure.message.as_str())
    }
}

// No `Debug` of ours shows a value: it may be a secret.

impl std::fmt::Debug for KeyValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyValue({}, {} bytes)", self.mod_revision, self.value.len())
    }
}

impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.value {
            Some(value) => write!(f, "Put({}, {} bytes)", self.mod_revision, value.len()),
            None => write!(f, "Delete({})", self.mod_revision),
        }
    }
}
