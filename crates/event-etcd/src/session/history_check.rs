//! Whether the store's history is still the same (E5).
//!
//! A history that replaced another one shows itself by a lower revision, unless it has passed the old
//! one's. If it has, no header shows it. So each new connection checks one version that was published. Within
//! one history a key has one value at a revision for ever. If the key was not written since, the read of the
//! key shows it. If it was, the connection reads the key as it was at the version's revision, unless that was
//! compacted, which is inconclusive.
//!
//! Why not read both at once? A large value would cross a slow link twice.

use event_core::Bytes;
use event_core::upstream::KeyId;

use super::subscription::Subscription;
use super::version::Version;
use super::{Action, Session, State};
use crate::seam::{Failure, KeyValue, ReadResponse};

/// What is known of the store's history.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The highest revision seen in it.
    pub(super) highest: i64,
    /// The newest version that an earlier connection published out of it.
    version: Option<(KeyId, PublishedVersion)>,
    /// How often it was replaced.
    pub(super) resets: u64,
}

/// A version that was published of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublishedVersion {
    pub(crate) key: Bytes,
    pub(crate) version: Version,
    /// It is known without its value: then its metadata has to do.
    pub(crate) keys_only: bool,
}

/// The version that a connection checks.
#[derive(Debug)]
pub(super) struct HistoryCheck {
    id: KeyId,
    version: PublishedVersion,
    /// The store was asked for it.
    is_asked: bool,
}

impl Session {
    /// When a connection ends, the newest version that it published.
    pub(super) fn keep_version_to_check(&mut self) {
        let State::Connected(connected) = &self.state else { return };
        let here = self.keys.iter().filter(|(id, _)| connected.known_to(*id) > 0);
        let present = here.filter_map(|(id, one)| Some((one.newest_revision()?, id, one)));
        let newest = present.max_by_key(|(revision, ..)| *revision);
        if let Some((_, id, one)) = newest
            && let Some((key, version)) = one.newest()
        {
            let keys_only = one.range().is_some_and(|range| range.keys().is_keys_only());
            self.history.version = Some((id, PublishedVersion { key, version, keys_only }));
        }
    }

    /// A new connection checks the newest version that was published before.
    pub(super) fn check_history(&mut self) {
        let State::Connected(connected) = &mut self.state else { return };
        let Some((id, version)) = self.history.version.clone() else { return };
        connected.history_check = Some(HistoryCheck { id, version, is_asked: false });
        if self.keys.get(id).is_none() {
            self.ask_for_version(id); // no read will show it
        }
    }

    /// A read found this revision of a key, and compared its value with what was published; 0 if it found none.
    pub(super) fn check_history_by_read(&mut self, id: KeyId, revision: i64) {
        let State::Connected(connected) = &mut self.state else { return };
        let is_shown =
            |check: &mut HistoryCheck| check.id == id && check.version.version.revision == revision;
        if connected.history_check.take_if(is_shown).is_none() {
            self.ask_for_version(id);
        }
    }

    /// A range was read. Compares the version to check with what was found of its key.
    pub(super) fn check_history_by_range(&mut self, id: KeyId) {
        let State::Connected(connected) = &self.state else { return };
        let check = connected.history_check.as_ref().filter(|check| check.id == id);
        let Some(name) = check.map(|check| &check.version.key) else { return };
        let found = self.keys.get(id).and_then(|one| one.range()?.revision_of(name));
        self.check_history_by_read(id, found.unwrap_or(0));
    }

    /// Asks for the version to check, if it is one of this key: its read does not show it.
    pub(super) fn ask_for_version(&mut self, id: KeyId) {
        let State::Connected(connected) = &mut self.state else { return };
        if let Some(check) = &mut connected.history_check
            && check.id == id
            && !check.is_asked
        {
            check.is_asked = true;
            self.actions.push_back(Action::CheckHistory(check.version.clone()));
        }
    }

    /// What the store has at the revision that was asked for. A failure is inconclusive.
    pub(crate) fn handle_history_check(&mut self, response: Result<ReadResponse, Failure>) {
        let State::Connected(connected) = &mut self.state else { return };
        let check = connected.history_check.take_if(|check| check.is_asked);
        let (Some(HistoryCheck { version, .. }), Ok(response)) = (check, response) else {
            return;
        };
        let is_same = |found: &KeyValue| Version::of(found) == version.version;
        if !response.found.iter().flatten().any(is_same) {
            self.history_was_reset(response.revision);
        }
    }

    /// The store was wiped or restored: revisions start over.
    pub(super) fn history_was_reset(&mut self, revision: i64) {
        let resets = self.history.resets + 1;
        self.history = History { highest: revision, version: None, resets };
        // What a range was read as on this connection is of the new history, unless the connection is given up.
        let is_old = |(id, one): &(KeyId, &Subscription)| match &self.state {
            State::Connected(connected) => one.range().is_none() || connected.known_to(*id) == 0,
            _ => true,
        };
        let old: Vec<KeyId> = self.keys.iter().filter(is_old).map(|(id, _)| id).collect();
        for id in old {
            self.keys.get_mut(id).into_iter().for_each(Subscription::history_was_reset);
        }
        if let State::Connected(connected) = &mut self.state {
            connected.reads.values_mut().for_each(|read| read.floor = 0);
            connected.range_reads.values_mut().for_each(|read| read.floor = 0);
            connected.proof.probe.iter_mut().for_each(|probe| probe.floor = 0);
            connected.history_check = None;
            connected.audit.history_was_reset();
        }
    }
}
