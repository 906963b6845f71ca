//! Warns of keys that are taken for folders.
//!
//! etcd has no folders. A program that names one by mistake would wait for ever, and nothing else would
//! say why.

use std::collections::{BTreeMap, BTreeSet};

use event_core::upstream::KeyId;
use event_core::{Bytes, Entry, EntryState, KeyName};

use super::in_flight::{Done, InFlight};

/// How many keys one transaction looks below: etcd's default for `--max-txn-ops`.
const LOOKS: usize = 128;

/// How many keys are remembered that were looked below.
const REMEMBERED: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Folders {
    /// The keys that were never seen, and that nobody looked below yet.
    to_look: BTreeMap<KeyId, Bytes>,
    /// Those that were looked below: once is enough, however often the program subscribes to one.
    looked: BTreeSet<Bytes>,
}

impl Folders {
    pub(super) fn published(&mut self, id: KeyId, entry: &Entry) {
        if entry.state == EntryState::NeverSeen {
            if !self.looked.contains(&entry.key) {
                self.to_look.insert(id, entry.key.clone());
            }
        } else if !self.to_look.is_empty() {
            self.to_look.remove(&id);
        }
    }

    pub(super) fn forget(&mut self, id: KeyId) {
        self.to_look.remove(&id);
    }

    /// Looks below some of the keys, unless a call does so already.
    pub(super) fn look(&mut self, in_flight: &mut InFlight) {
        if self.to_look.is_empty() || in_flight.connection.is_none() || in_flight.looks_below {
            return;
        }
        let mut keys = Vec::new();
        while keys.len() < LOOKS
            && let Some((_, key)) = self.to_look.pop_first()
        {
            if self.looked.len() >= REMEMBERED {
                self.looked.clear();
            }
            if self.looked.insert(key.clone()) {
                keys.push(key);
            }
        }
        if keys.is_empty() {
            return;
        }
        in_flight.looks_below = true;
        in_flight.call(|connection| async move {
            let has_keys = connection.has_keys_below(keys.clone()).await;
            Done::LookedBelow(keys, has_keys)
        });
    }
}

/// Warns of those that have keys below. Of a user who may not list them, nothing is known.
pub(super) fn warn(keys: &[Bytes], has_keys: &[bool]) {
    for (key, _) in keys.iter().zip(has_keys).filter(|(_, has_keys)| **has_keys) {
        let folder = [key.strip_suffix(b"/").unwrap_or(key), b"/"].concat();
        let (key, folder) = (KeyName(key), KeyName(&folder));
        tracing::warn!(
            "the key `{key}` is not there, but keys below `{folder}` are: watch one of those"
        );
    }
}
