//! Which keys are read, and what a response means.

use std::time::Instant;

use event_core::CauseKind;
use event_core::upstream::KeyId;

use super::connected::{KeyState, Read};
use super::lag::NOW;
use super::watches::CONTRADICTION;
use super::{Action, ReadId, Session, State, Ticket};
use crate::seam::{Failure, KeyValue, ReadResponse, WatchRequest};

/// How many keys one transaction reads: etcd's default for `--max-txn-ops`.
pub(super) const BATCH: usize = 128;
/// How many reads are under way at once.
const READS: usize = 8;

impl Session {
    pub(crate) fn handle_read(
        &mut self,
        id: ReadId,
        response: Result<ReadResponse, Failure>,
        now: Instant,
    ) {
        let State::Connected(connected) = &mut self.state else { return };
        let Some(read) = connected.reads.remove(&id) else { return };
        match response {
            Ok(response) => self.read_succeeded(id, read, response, now),
            Err(failure) => self.read_failed(id, read, failure, now),
        }
    }

    /// Sends the reads that there are keys for.
    pub(super) fn read_more(&mut self, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        if connected.is_paused(now) {
            return;
        }
        while connected.reads.len() < READS && connected.has_more_to_read() {
            let most = self.batch.min(connected.most_keys);
            let keys = connected.next_batch(most, &self.keys);
            if keys.is_empty() {
                continue;
            }
            self.next_read += 1;
            let id = self.next_read;
            let (mut names, mut refreshes) = (Vec::new(), Vec::new());
            for key in &keys {
                let state = &mut connected.progress(*key).state;
                if *state == KeyState::Unread {
                    *state = KeyState::Reading(id);
                }
                names.extend(self.keys.get(*key).map(|key| key.name().clone()));
                refreshes.extend(self.refreshes.remove(key).map(|ticket| (*key, ticket)));
            }
            let (deadline, timeout) = connected.read_deadline(&self.timeouts, now);
            let read = Read { keys, refreshes, deadline, timeout, floor: self.history.highest };
            connected.reads.insert(id, read);
            self.actions.push_back(Action::Read(id, names));
        }
        self.read_ranges(now);
        if matches!(&self.state, State::Connected(connected) if connected.overload.is_some()) {
            self.probe(now); // if nothing is read, nothing else shows whether it is over
        }
    }

    /// A read is the truth: publishes what differs, and watches on from there (E5).
    fn read_succeeded(&mut self, id: ReadId, read: Read, response: ReadResponse, now: Instant) {
        let Some(floor) = self.check_response(&response, read.keys.len(), read.floor, now) else {
            return self.put_back(read.refreshes);
        };
        if !self.check_floor(response.revision, floor, now) {
            return self.put_back(read.refreshes);
        }
        let went_back = |(id, found): (&KeyId, &Option<KeyValue>)| {
            let is_newer = response.revision > connected_to(&self.state, *id);
            let key = self.keys.get(*id).and_then(|one| one.key()).filter(|_| is_newer);
            key.is_some_and(|key| key.went_back(found.as_ref()))
        };
        if read.keys.iter().zip(&response.found).any(went_back) {
            self.history_was_reset(response.revision);
        }
        let mut is_stream_outdated = false;
        for (key_id, found) in read.keys.into_iter().zip(response.found) {
            let State::Connected(connected) = &mut self.state else { return };
            let Some(key) = self.keys.get_mut(key_id).and_then(|one| one.key_mut()) else {
                continue;
            };
            let progress = connected.progress(key_id);
            let is_watch_refused = progress.is_watch_refused;
            let is_unread = progress.state == KeyState::Reading(id);
            let exists = found.is_some();
            let found_at = found.as_ref().map_or(0, |found| found.mod_revision);
            let newest = if exists { found_at } else { response.revision };
            let was_compacted = progress.was_compacted;
            // From the read's revision on, the watch would send what was read once more.
            let is_repeated = found_at == response.revision;
            let mut start = if was_compacted || is_repeated { NOW } else { response.revision };
            if exists && key.contradicts(newest, progress.known_to) {
                return self.violation(CONTRADICTION, now);
            }
            // A read that events were quicker than has nothing to publish.
            if response.revision > progress.known_to {
                progress.known_to = response.revision;
                let was_published = key.is_published();
                if let Some(entry) = key.found(found, response.revision) {
                    if was_published {
                        start = NOW; // it changed, and may change again soon: see `lag`
                    }
                    self.actions.push_back(Action::Publish(key_id, entry));
                }
            }
            if is_unread {
                if connected.refused.remove(&key_id).is_some() {
                    self.actions.push_back(Action::PublishRefusal(key_id, None));
                }
                is_stream_outdated |= is_watch_refused;
                self.watch(key_id, start);
            }
            self.check_history_by_read(key_id, found_at);
            self.let_lagging_watch_go(key_id, id, newest, NOW);
            if exists {
                self.expect_of_watch(key_id, newest, now);
            }
        }
        self.complete(read.refreshes, &Ok(()));
        if is_stream_outdated {
            let message = "the stream's credentials are out of date";
            self.fail(Failure::new(CauseKind::Unauthenticated, message), now);
        }
    }

    /// A linearizable read was answered: the member follows the cluster.
    pub(super) fn proven_by_read(&mut self, now: Instant) {
        self.proven();
        self.last_proof = Some(now);
        let sooner = self.endpoints.random() / 4.0;
        if let State::Connected(connected) = &mut self.state {
            (connected.proof.at, connected.proof.sooner) = (now, sooner);
            connected.overload = None;
        }
    }

    /// Checks that the response to a read can be true, and comes from the right cluster. If not, gives the
    /// connection up. Returns the revision that the response must not be below.
    pub(super) fn check_response(
        &mut self,
        response: &ReadResponse,
        keys: usize,
        floor: i64,
        now: Instant,
    ) -> Option<i64> {
        let is_possible = |found: &KeyValue| found.is_possible(response.revision);
        if response.found.len() != keys {
            self.violation(
                "a read was answered with another number of keys than it asked for",
                now,
            );
        } else if response.revision < 1 || !response.found.iter().flatten().all(is_possible) {
            self.violation("a read was answered with revisions that can't be", now);
        } else {
            return self.check_origin(response.cluster, response.revision, floor, now);
        }
        None
    }

    /// Checks that a response comes from the right cluster. If not, gives the connection up. Returns the revision
    /// that the response must not be below.
    pub(super) fn check_origin(
        &mut self,
        cluster: u64,
        revision: i64,
        floor: i64,
        now: Instant,
    ) -> Option<i64> {
        match self.check_cluster(cluster) {
            Ok(false) => {
                self.proven_by_read(now);
                Some(floor)
            }
            Ok(true) => {
                self.proven_by_read(now);
                self.history_was_reset(revision);
                Some(0)
            }
            Err(failure) => {
                self.fail(failure, now);
                None
            }
        }
    }

    /// Whether what was read at this revision can be used. A lower revision than one already seen shows that the
    /// history was replaced (E5).
    pub(super) fn check_floor(&mut self, revision: i64, floor: i64, now: Instant) -> bool {
        if revision < floor {
            self.history_was_reset(revision);
            if matches!(&self.state, State::Connected(connected) if connected.knows_anything()) {
                // Something was read on this connection: earlier in that history, if the responses were
                // overtaken by one that had passed the old revision, or from another server. Which
                // of them is newer can't be told, so all are read again.
                let message = "the store's history was replaced while it was read";
                self.fail(Failure::new(CauseKind::HistoryReset, message), now);
                return false;
            }
        }
        self.history.highest = self.history.highest.max(revision);
        true
    }

    /// The server has too many requests. The connection stays, and all reads wait.
    pub(super) fn overloaded(&mut self, failure: Failure, now: Instant) {
        self.proven();
        let random = self.endpoints.random();
        let State::Connected(connected) = &mut self.state else { return };
        if connected.is_paused(now) {
            return; // this read was sent before
        }
        connected.overloaded(random, now);
        connected.is_live = false;
        self.health.failed(failure, self.endpoints.current());
    }

    fn read_failed(&mut self, id: ReadId, mut read: Read, failure: Failure, now: Instant) {
        let unsupported = failure.kind == CauseKind::Unimplemented && read.keys.len() > 1;
        let overload = failure.is_overload();
        if !failure.concerns_keys() && !unsupported && !overload {
            self.put_back(read.refreshes);
            return self.fail(failure, now);
        }
        self.proven();
        let State::Connected(connected) = &mut self.state else { return };
        if overload || read.keys.len() > 1 {
            for key_id in &read.keys {
                let state = &mut connected.progress(*key_id).state;
                if *state == KeyState::Reading(id) {
                    *state = KeyState::Unread;
                }
            }
            if overload || unsupported {
                read.keys.into_iter().for_each(|id| connected.queue(id));
                if unsupported {
                    connected.most_keys = 1;
                }
                self.put_back(read.refreshes);
                if overload {
                    self.overloaded(failure, now);
                }
                return;
            }
            // Of many keys one is to blame: halve until it stands alone.
            let half = read.keys.split_off(read.keys.len() / 2);
            connected.to_read_apart.extend([read.keys, half]);
            return self.put_back(read.refreshes);
        }
        connected.overload = None; // it answers
        self.complete(read.refreshes, &Err(failure.clone()));
        for key_id in read.keys {
            self.ask_for_version(key_id);
            self.refuse(key_id, failure.clone(), now);
        }
    }

    /// Ends refreshes, but those of keys that left: nobody waits for them.
    pub(super) fn complete(
        &mut self,
        refreshes: Vec<(KeyId, Ticket)>,
        result: &Result<(), Failure>,
    ) {
        for (id, ticket) in refreshes {
            if self.keys.get(id).is_some() {
                self.actions.push_back(Action::Refreshed(id, ticket, result.clone()));
            }
        }
    }

    /// Refreshes whose read did not succeed wait for the next one.
    pub(super) fn put_back(&mut self, refreshes: Vec<(KeyId, Ticket)>) {
        for (id, ticket) in refreshes {
            if self.keys.get(id).is_some() {
                let newest = self.refreshes.entry(id).or_insert(ticket);
                *newest = ticket.max(*newest);
            }
        }
    }

    /// A key or a range can't be served for now: it is asked for again after a while.
    pub(super) fn refuse(&mut self, id: KeyId, failure: Failure, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        if self.keys.get(id).is_none() {
            return;
        }
        if let Some(watch_id) = connected.unwatch(id) {
            self.actions.push_back(Action::Send(WatchRequest::Cancel { watch_id }));
        }
        let is_new = connected.refused.get(&id).is_none_or(|earlier| earlier.failure != failure);
        connected.refuse(id, failure.clone(), now);
        if is_new {
            self.actions.push_back(Action::PublishRefusal(id, Some(failure)));
        }
    }
}

/// The revision up to which the key is known on this connection.
fn connected_to(state: &State, id: KeyId) -> i64 {
    match state {
        State::Connected(connected) => connected.known_to(id),
        _ => 0,
    }
}
