//! Whether the store still remembers what it said (E5).
//!
//! A history that replaced another one shows itself by a lower revision, if it has not yet passed
//! the old one's. If it has, nothing in an answer's header tells. So on each new connection the store
//! is asked for one version that it once gave out, as of that version's revision: within one history
//! the answer is the same for ever, unless it was compacted, which tells nothing.

use std::time::Instant;

use super::{Action, Session};
use crate::protocol::{Failure, KeyValue, ReadAnswer};

impl Session {
    /// When a connection ends, the newest version that it gave out, if it gave one.
    pub(super) fn remember(&mut self) {
        let told = self.keys.values().filter_map(|key| Some((key, key.told_here()?)));
        if let Some((key, told)) = told.max_by_key(|(_, told)| told.mod_revision) {
            self.witness = Some(key.entry(told.clone()));
        }
    }

    /// On a new connection, asks for the last version that was told on the ones before.
    pub(super) fn recall(&mut self) {
        self.recalling.clone_from(&self.witness);
        self.actions.extend(self.witness.clone().map(Action::Recall));
    }

    /// What the store remembers. That it does not answer, or has compacted it, tells nothing.
    pub(crate) fn recalled(&mut self, answer: Result<ReadAnswer, Failure>, now: Instant) {
        let (Some(witness), Ok(answer)) = (self.recalling.take(), answer) else { return };
        let same = |found: &KeyValue| {
            Some(found.mod_revision) == witness.revision() && Some(&found.value) == witness.value()
        };
        if !answer.found.iter().flatten().any(same) {
            self.history_was_replaced(answer.revision);
        }
        self.go_on(now);
    }

    /// The store was wiped or restored: revisions start over.
    pub(super) fn history_was_replaced(&mut self, revision: i64) {
        self.highest = revision;
        self.health.history_resets += 1;
        self.reads.values_mut().for_each(|read| read.floor = 0);
        (self.witness, self.recalling) = (None, None);
    }
}
