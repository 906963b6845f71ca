//! What crosses the seam between the session and etcd, in words of our own.

use event_core::Bytes;

use crate::health::Cause;
pub(crate) use crate::health::CauseKind as FaultKind;

/// The answer to a linearizable read of some keys, all at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadAnswer {
    /// The revision of the store that was read.
    pub(crate) revision: i64,
    /// What was found, in the order of the keys that were asked for.
    pub(crate) found: Vec<Option<Found>>,
}

/// A key that is there.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Found {
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
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// What happened, in the server's or the transport's words.
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl From<&Fault> for Cause {
    fn from(fault: &Fault) -> Self {
        Self { kind: fault.kind, message: fault.message.clone() }
    }
}

// No `Debug` of ours shows a value: it may be a secret.

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Found({}, {} bytes)", self.mod_revision, self.value.len())
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
