//! The requests and responses that cross the seam, without etcd-client's types.

use std::fmt;

use event_core::{Bytes, Entry, KeyRange, Metadata};
use smallvec::SmallVec;

use super::Failure;

/// The response to a linearizable read of some keys, all at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadResponse {
    /// The revision of the store that was read.
    pub(crate) revision: i64,
    /// The id of the cluster; 0 if the server does not say.
    pub(crate) cluster: u64,
    /// What was found, in the order of the keys that were asked for.
    pub(crate) found: Vec<Option<KeyValue>>,
}

/// A key that exists.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KeyValue {
    pub(crate) mod_revision: i64,
    pub(crate) metadata: Metadata,
    pub(crate) value: Bytes,
}

impl KeyValue {
    pub(crate) fn into_entry(self, key: Bytes) -> Entry {
        Entry::present(key, self.mod_revision, self.value).with_metadata(self.metadata)
    }

    pub(crate) fn without_value(self) -> Self {
        Self { value: Bytes::new(), ..self }
    }

    /// Whether it may be found in a store that is at this revision. A server need not say the metadata.
    pub(crate) fn is_possible(&self, revision: i64) -> bool {
        (1..=revision).contains(&self.mod_revision) && is_possible(self.metadata, self.mod_revision)
    }
}

/// Whether a key that was written at this revision may have this metadata.
fn is_possible(metadata: Metadata, mod_revision: i64) -> bool {
    metadata.create_revision().is_none_or(|created| (1..=mod_revision).contains(&created))
        && metadata.version().is_none_or(|version| version > 0)
}

/// A request for a page of a range: some of its keys, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageRequest {
    /// The first key that may be on the page.
    pub(crate) from: Bytes,
    /// The first key after the range, if it has an end.
    pub(crate) end: Option<Bytes>,
    /// How many keys the page has at most; 0 if it is to have all.
    pub(crate) limit: u32,
    /// The revision to be read; 0 for the newest.
    pub(crate) revision: i64,
    /// The server may choose the size of this page and of those that follow.
    pub(crate) may_stream: bool,
    /// Without the values.
    pub(crate) keys_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PageResponse {
    Page(Page),
    /// The revision is compacted.
    Compacted,
}

/// Some keys of a range, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// The store's revision when the page was read, which is later than the page's own if that was asked for.
    pub(crate) revision: i64,
    /// The id of the cluster; 0 if the server does not say.
    pub(crate) cluster: u64,
    pub(crate) found: Vec<(Bytes, KeyValue)>,
    /// The range has more keys after these.
    pub(crate) has_more: bool,
}

/// What a watch is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Keys {
    One(Bytes),
    Range(KeyRange),
}

/// A request on a watch stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WatchRequest {
    /// Watch `keys` from `start_revision` on, or from now on if that is 0. The server chooses the id.
    Create { keys: Keys, start_revision: i64 },
    /// End a watch.
    Cancel { watch_id: i64 },
    /// Ask for a sign of life (E7).
    Progress,
}

/// A response on a watch stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WatchResponse {
    /// A watch was created, when the member was at this revision.
    Created { watch_id: i64, revision: i64 },
    /// A watch was not created. Which one is known only by the order of the requests (E3).
    Refused,
    /// A watch was canceled, because its start is compacted (E2).
    Compacted { watch_id: i64 },
    /// A watch was canceled, because the program asked for it or for the reason in `failure`.
    Canceled { watch_id: i64, failure: Failure },
    /// Keys changed.
    Events {
        watch_id: i64,
        /// The store's revision, as the member has it. Never resume from it (E1).
        revision: i64,
        /// In the order of the changes.
        events: Events,
        /// More of this response follows: its last revision may be incomplete (E8).
        is_fragment: bool,
    },
    /// A sign of life (E7).
    Progress,
}

impl WatchResponse {
    /// How many bytes of values it carries.
    pub(crate) fn size(&self) -> usize {
        let Self::Events { events, .. } = self else { return 0 };
        events.iter().filter_map(|event| event.value.as_ref()).map(Bytes::len).sum()
    }
}

/// The events of one response. Mostly it is one: with a vector, the follower of many single keys spends a
/// fifth of its time on it.
pub(crate) type Events = SmallVec<[Event; 1]>;

/// A change of a key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) key: Bytes,
    pub(crate) mod_revision: i64,
    /// Of a key that is not deleted.
    pub(crate) metadata: Metadata,
    /// `None`: deleted.
    pub(crate) value: Option<Bytes>,
}

impl Event {
    /// Whether the metadata can be that of a key that was written at this revision.
    pub(crate) fn is_possible(&self) -> bool {
        is_possible(self.metadata, self.mod_revision)
    }

    pub(crate) fn into_entry(self) -> Entry {
        match self.value {
            Some(value) => {
                Entry::present(self.key, self.mod_revision, value).with_metadata(self.metadata)
            }
            None => Entry::deleted(self.key, self.mod_revision),
        }
    }
}

// No `Debug` of ours prints a value: it may be a secret.

impl fmt::Debug for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyValue({}, {} bytes)", self.mod_revision, self.value.len())
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => {
                write!(f, "Put({:?}, {}, {} bytes)", self.key, self.mod_revision, value.len())
            }
            None => write!(f, "Delete({:?}, {})", self.key, self.mod_revision),
        }
    }
}
