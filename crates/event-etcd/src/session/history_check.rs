//! Whether the store's history is still the same (E5).
//!
//! A history that replaced another one shows itself by a lower revision, unless it has passed the old
//! one's. If it has, no header shows it. So each new connection reads one version that was
//! published, at that version's revision. Within one history the response is the same for ever, unless the
//! revision was compacted, which is inconclusive.

use event_core::Entry;

use super::{Action, Key, Session, State};
use crate::seam::{Failure, KeyValue, ReadResponse};

/// What is known of the store's history.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The highest revision seen in it.
    pub(super) highest: i64,
    /// The newest version that an earlier connection published out of it.
    version: Option<Entry>,
    /// How often it was replaced.
    pub(super) resets: u64,
}

impl Session {
    /// When a connection ends, the newest version that it published.
    pub(super) fn keep_version_to_check(&mut self) {
        let State::Connected(connected) = &self.state else { return };
        let here = self.keys.iter().filter(|(id, _)| connected.known_to(*id) > 0);
        let present = here.filter_map(|(_, key)| Some((key.present_revision()?, key)));
        let present = present.filter(|(revision, _)| *revision > 0);
        if let Some((_, key)) = present.max_by_key(|(revision, _)| *revision) {
            self.history.version = Some(key.entry());
        }
    }

    /// On a new connection, asks for the newest version that was published before.
    pub(super) fn check_history(&mut self) {
        if let (State::Connected(connected), Some(version)) =
            (&mut self.state, &self.history.version)
        {
            connected.history_check = Some(version.clone());
            self.actions.push_back(Action::CheckHistory(version.clone()));
        }
    }

    /// What the store has at the revision that was asked for. A failure is inconclusive.
    pub(crate) fn handle_history_check(&mut self, response: Result<ReadResponse, Failure>) {
        let State::Connected(connected) = &mut self.state else { return };
        let (Some(version), Ok(response)) = (connected.history_check.take(), response) else {
            return;
        };
        let is_same = |found: &KeyValue| {
            Some(found.mod_revision) == version.revision() && Some(&found.value) == version.value()
        };
        if !response.found.iter().flatten().any(is_same) {
            self.history_was_reset(response.revision);
        }
    }

    /// The store was wiped or restored: revisions start over.
    pub(super) fn history_was_reset(&mut self, revision: i64) {
        let resets = self.history.resets + 1;
        self.history = History { highest: revision, version: None, resets };
        self.keys.iter_mut().for_each(Key::history_was_reset);
        if let State::Connected(connected) = &mut self.state {
            connected.reads.values_mut().for_each(|read| read.floor = 0);
            connected.proof.probe.iter_mut().for_each(|probe| probe.floor = 0);
            connected.history_check = None;
        }
    }
}
