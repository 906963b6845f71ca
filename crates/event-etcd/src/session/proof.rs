//! Proof that what is published is the newest.
//!
//! A response on the stream proves that the stream lives, and nothing more: a member whose disk hangs goes on
//! answering there (E12). Only a linearizable read proves that the member follows the cluster. So while keys
//! are watched, one of them is read at short intervals, without its value: a *probe*. Each time it is
//! another key.
//!
//! Of a range, one key that is known is read: the whole range would be too much, and so would be the newest of its keys,
//! which a server finds by sorting all of them. So a probe proves that the member follows the cluster, and that one key is
//! as it is known. Where the stream can't be asked for a sign of life, a second watch shows that it lives.
//!
//! A read may also find a version that the watch of the key should have sent. The watch has as long for it as
//! every answer. The same holds for the rest of a revision that a watch sent in part.

use std::time::Instant;

use event_core::upstream::KeyId;
use event_core::{Bytes, CauseKind};

use super::connected::KeyState;
use super::lag::NOW;
use super::reads::BATCH;
use super::stream::{Answers, Step, Stream};
use super::subscription::Subscription;
use super::{Action, Session, State};
use crate::seam::{Failure, ReadResponse, WatchRequest};

/// How many keys are probed at a time where the stream can't be asked for a sign of life: then only a probe
/// notices that it is dead.
const WIDE: usize = 8 * BATCH;

#[derive(Debug)]
pub(super) struct Proof {
    /// When a linearizable read was last answered.
    pub(super) at: Instant,
    /// How much sooner than at the end of the idle time the next probe is sent, as a part of it: stores that
    /// began together are not to probe together.
    pub(super) sooner: f64,
    pub(super) probe: Option<Probe>,
    /// The slot of the key that was probed last.
    last: u32,
    /// How many more keys are to be probed at once.
    left: usize,
    /// What a watch did not send yet.
    pub(super) owed: Option<Owed>,
}

/// A probe that is not answered yet.
#[derive(Debug)]
pub(super) struct Probe {
    /// With their names.
    keys: Vec<(KeyId, Bytes)>,
    pub(super) deadline: Instant,
    /// As that of a read.
    pub(super) floor: i64,
}

/// A version that a read found and that the watch of the key has not sent, or has sent in part.
#[derive(Debug)]
pub(super) struct Owed {
    key: KeyId,
    watch_id: i64,
    revision: i64,
    /// Where the watch stood.
    at: i64,
    /// The watch has sent something since.
    has_sent: bool,
    pub(super) deadline: Instant,
}

impl Proof {
    pub(super) fn new(now: Instant) -> Self {
        Self { at: now, sooner: 0.0, probe: None, last: u32::MAX, left: 0, owed: None }
    }

    /// A watch sent something, and is at this revision.
    pub(super) fn watch_sent(&mut self, watch_id: i64, at: i64) {
        let is_it = |owed: &mut Owed| owed.watch_id == watch_id;
        if let Some(owed) = self.owed.take_if(is_it)
            && at < owed.revision
        {
            self.owed = Some(Owed { has_sent: true, ..owed });
        }
    }
}

impl Session {
    /// Half of the time for a sign of life is over, and the stream gave none. If the member
    /// answers reads, a key is watched anew: every server says when a watch is created. Some say nothing else
    /// of their own (C9), and some put the answer off (E13).
    pub(super) fn prove_stream(&mut self, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        let answers_reads = connected.answers_reads();
        let key = connected.any_watched(false, &self.keys).filter(|_| answers_reads);
        let Some((id, watch_id)) = key.and_then(|id| Some((id, connected.unwatch(id)?))) else {
            let is_proving = answers_reads && self.watch_twice(now);
            let State::Connected(connected) = &mut self.state else { return };
            return connected.stream.doubt(if is_proving { Step::Proving } else { Step::Doubted });
        };
        connected.stream.doubt(Step::Proving);
        self.actions.push_back(Action::Send(WatchRequest::Cancel { watch_id }));
        self.watch(id, NOW);
        self.watch_more(now);
    }

    /// Asks for a second watch of a range, which is canceled as soon as it is created: the first one goes on, since a
    /// new one would start from now on, and might miss something, or from an early revision. Returns whether a range
    /// is watched.
    fn watch_twice(&mut self, now: Instant) -> bool {
        let deadline = now + self.timeouts.response();
        let State::Connected(connected) = &mut self.state else { return false };
        let Some(id) = connected.any_watched(true, &self.keys) else { return false };
        let Some(range) = self.keys.get(id).filter(|_| connected.watch_ids.has_room()) else {
            return false;
        };
        let keys = range.keys();
        connected.watch_ids.create(id);
        connected.created_by.get_or_insert(deadline);
        self.actions.push_back(Action::Send(WatchRequest::Create { keys, start_revision: NOW }));
        true
    }

    /// Begins to probe the next keys.
    pub(super) fn probe(&mut self, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        if connected.proof.probe.is_some() || connected.is_paused(now) {
            return;
        }
        let reads_page = connected.range_reads.values().any(|read| read.is_sent);
        if connected.overload.is_some() && (reads_page || !connected.reads.is_empty()) {
            return; // they show whether it is over
        }
        let is_blind = matches!(connected.stream, Stream::Open { answers: Answers::No, .. });
        connected.proof.left = if is_blind { WIDE.min(connected.watched).max(1) } else { 1 };
        if is_blind {
            self.watch_twice(now); // a probe finds what changed in one key of a range only
        }
        self.probe_more(now);
    }

    fn probe_more(&mut self, now: Instant) {
        let deadline = now + self.timeouts.response();
        let State::Connected(connected) = &mut self.state else { return };
        let most = connected.proof.left.min(self.batch).min(connected.most_keys);
        let keys = connected.to_probe_after(connected.proof.last, most, &self.keys);
        let proof = &mut connected.proof;
        let Some(last) = keys.last() else {
            proof.at = now; // there is nothing to prove
            return;
        };
        proof.last = last.slot;
        proof.left -= keys.len();
        let name = |id| {
            Some(match self.keys.get_mut(id)? {
                Subscription::Key(key) => (id, key.name().clone()),
                Subscription::Range(range) => (id, range.next_to_probe()),
            })
        };
        let keys: Vec<_> = keys.into_iter().filter_map(name).collect();
        self.actions.push_back(Action::Probe(keys.iter().map(|(_, name)| name.clone()).collect()));
        proof.probe = Some(Probe { keys, deadline, floor: self.history.highest });
    }

    /// A probe was answered: each key with its revision, and without its value.
    pub(crate) fn handle_probe(&mut self, response: Result<ReadResponse, Failure>, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        let Some(probe) = connected.proof.probe.take() else { return };
        match response {
            Ok(response) => self.probe_succeeded(probe, &response, now),
            Err(failure) => self.probe_failed(probe, failure, now),
        }
    }

    fn probe_succeeded(&mut self, probe: Probe, response: &ReadResponse, now: Instant) {
        let checked = self.check_response(response, probe.keys.len(), probe.floor, now);
        let Some(floor) = checked else { return };
        if response.revision < floor {
            self.history_was_reset(response.revision);
            let message = "the store's history was replaced";
            return self.fail(Failure::new(CauseKind::HistoryReset, message), now);
        }
        self.history.highest = self.history.highest.max(response.revision);
        let bytes_flow = self.bytes_flow(now);
        for ((id, name), found) in probe.keys.into_iter().zip(&response.found) {
            let found = found.as_ref().map(|found| found.mod_revision);
            let key = match self.keys.get(id) {
                Some(Subscription::Key(key)) => key,
                Some(Subscription::Range(_)) => {
                    self.range_was_probed(id, &name, found, response.revision, now);
                    continue;
                }
                None => continue,
            };
            if key.present_revision() == found {
                continue;
            }
            // A large value may be on its way, and a read would send it twice.
            let is_on_its_way =
                bytes_flow && found.is_some_and(|found| self.expect_of_watch(id, found, now));
            let State::Connected(connected) = &mut self.state else { return };
            if !is_on_its_way {
                connected.queue_unless_refused(id);
            }
        }
        let State::Connected(connected) = &mut self.state else { return };
        if connected.proof.left > 0 {
            self.probe_more(now);
        }
    }

    /// A probe found this revision of a key of a range. If that is newer than what is known, the watch has to send it.
    fn range_was_probed(
        &mut self,
        id: KeyId,
        name: &[u8],
        found: Option<i64>,
        revision: i64,
        now: Instant,
    ) {
        let State::Connected(connected) = &mut self.state else { return };
        let known = self.keys.get(id).and_then(|one| one.range()?.revision_of(name));
        let known_to = connected.known_to(id);
        let is_watched = matches!(connected.progress(id).state, KeyState::Watched(_));
        if known == found || revision <= known_to || !is_watched {
            return;
        }
        let is_newer = found.is_some_and(|found| found > known_to);
        if !is_newer || !self.expect_of_watch(id, found.unwrap_or(0), now) {
            let State::Connected(connected) = &mut self.state else { return };
            connected.queue_unless_refused(id);
        }
    }

    fn probe_failed(&mut self, probe: Probe, failure: Failure, now: Instant) {
        match failure.kind {
            _ if failure.concerns_keys() => {
                // The reads say which key it is.
                self.proven_by_read(now);
                let State::Connected(connected) = &mut self.state else { return };
                probe.keys.into_iter().for_each(|(id, _)| connected.queue_unless_refused(id));
            }
            _ if failure.is_overload() => self.overloaded(failure, now),
            CauseKind::Unimplemented if probe.keys.len() > 1 => {
                let State::Connected(connected) = &mut self.state else { return };
                connected.most_keys = 1;
                connected.proof.left += probe.keys.len();
                self.probe_more(now);
            }
            _ => self.fail(failure, now),
        }
    }

    /// A read found a version of a key. If the key is watched, the watch has to send that version too. Returns
    /// whether that is waited for: of one version at a time.
    pub(super) fn expect_of_watch(&mut self, id: KeyId, revision: i64, now: Instant) -> bool {
        let deadline = now + self.timeouts.response();
        let State::Connected(connected) = &mut self.state else { return false };
        let progress = connected.progress(id);
        let (KeyState::Watched(watch_id), at) = (progress.state, progress.watched_to) else {
            return false;
        };
        if at >= revision {
            return false;
        }
        let new = || Owed { key: id, watch_id, revision, at, has_sent: false, deadline };
        connected.proof.owed.get_or_insert_with(new).watch_id == watch_id
    }

    /// The watch has had its time.
    pub(super) fn check_owed(&mut self, now: Instant) {
        let deadline = now + self.timeouts.response();
        let State::Connected(connected) = &mut self.state else { return };
        let Some(owed) = connected.proof.owed.take() else { return };
        let progress = connected.progress(owed.key);
        let at = progress.watched_to;
        if progress.state != KeyState::Watched(owed.watch_id) || at >= owed.revision {
            return;
        }
        if owed.has_sent {
            if at > owed.at {
                connected.queue(owed.key); // it lags, and is being replayed (E9): a read is quicker
            }
            connected.proof.owed = Some(Owed { at, has_sent: false, deadline, ..owed });
            return;
        }
        let revision = owed.revision;
        let message = match connected.held.get(&owed.key) {
            Some(held) if held.is_of(revision) => {
                format!("a watch sent a part of revision {revision}, and not the rest")
            }
            _ => format!("a watch did not send revision {revision}, which a read found"),
        };
        self.fail(Failure::new(CauseKind::ProtocolViolation, message), now);
    }
}
