//! Which keys are watched, and what a response on the stream means.

use std::collections::VecDeque;
use std::mem;
use std::time::Instant;

use event_core::CauseKind;
use event_core::upstream::KeyId;

use super::connected::KeyState;
use super::stream::Stream;
use super::watch_ids::Create;
use super::{Action, Session, State};
use crate::seam::{Event, Events, Failure, WatchRequest, WatchResponse};

/// What was said of a key and what is said now can't both be.
pub(super) const CONTRADICTION: &str = "a key was written at a revision that it had already passed";

impl Session {
    pub(crate) fn handle_response(&mut self, response: WatchResponse, now: Instant) {
        self.proven();
        let State::Connected(connected) = &mut self.state else { return };
        let silence = connected.stream.responded(now);
        connected.burst.responded(silence, now);
        match response {
            WatchResponse::Created { watch_id, revision } => self.created(watch_id, revision, now),
            WatchResponse::Refused => self.watch_refused(now),
            WatchResponse::Compacted { watch_id } => self.compacted(watch_id, now),
            WatchResponse::Canceled { watch_id, failure } => self.canceled(watch_id, failure, now),
            WatchResponse::Events { watch_id, revision, events, is_fragment } => {
                self.changed(watch_id, revision, events, is_fragment, now);
            }
            WatchResponse::Progress => {
                connected.stream.answered();
                if connected.chatter.is_flood(now) {
                    self.violation("the stream says nothing, without end", now);
                }
            }
        }
    }

    /// Watches a key or a range from a revision on, or a key from now on.
    pub(super) fn watch(&mut self, id: KeyId, start_revision: i64) {
        let State::Connected(connected) = &mut self.state else { return };
        let progress = connected.progress(id);
        progress.state = KeyState::ToWatch;
        progress.watched_to = start_revision;
        connected.to_watch.push_back(id);
    }

    /// Asks for the watches that there is room for.
    pub(super) fn watch_more(&mut self, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        while connected.watch_ids.has_room()
            && let Some(id) = connected.to_watch.pop_front()
        {
            let Some(subscription) = self.keys.get(id) else { continue };
            let progress = connected.progress(id);
            if progress.state != KeyState::ToWatch {
                continue;
            }
            let start_revision = progress.watched_to;
            let create = connected.watch_ids.create(id);
            connected.progress(id).state = KeyState::Creating(create);
            let deadline = now + self.timeouts.response();
            connected.created_by.get_or_insert(deadline);
            let request = WatchRequest::Create { keys: subscription.keys(), start_revision };
            if let Stream::None = connected.stream {
                connected.stream = Stream::Opening { deadline };
                self.actions.push_back(Action::OpenStream(request));
            } else {
                self.actions.push_back(Action::Send(request));
            }
        }
        if connected.to_watch.is_empty() {
            connected.to_watch = VecDeque::new(); // at the start it has all keys
        }
    }

    /// The key or the range that has this watch. An id that no watch ever had is a violation.
    fn watched_key(&mut self, watch_id: i64, now: Instant) -> Option<KeyId> {
        let State::Connected(connected) = &mut self.state else { return None };
        if let Some(slot) = connected.slot_of_watch(watch_id) {
            return self.keys.id_at(slot);
        }
        if !connected.watch_ids.was_given(watch_id) {
            self.violation("a response to a watch that was never created", now);
        }
        None
    }

    fn created(&mut self, watch_id: i64, revision: i64, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        let is_taken = connected.slot_of_watch(watch_id).is_some();
        let Some((id, create)) = connected.watch_ids.created(watch_id).filter(|_| !is_taken) else {
            return self.violation("a watch was created that was not asked for", now);
        };
        self.create_answered(now);
        if self.is_creating(id, create) {
            let State::Connected(connected) = &mut self.state else { return };
            connected.watch_created(id, watch_id);
            self.watch_starts(id, revision);
        } else {
            self.actions.push_back(Action::Send(WatchRequest::Cancel { watch_id }));
        }
    }

    /// The next create has its time from now on.
    fn create_answered(&mut self, now: Instant) {
        let deadline = now + self.timeouts.response();
        let State::Connected(connected) = &mut self.state else { return };
        connected.created_by = connected.watch_ids.is_creating().then_some(deadline);
    }

    /// Whether the key still waits for this create.
    fn is_creating(&mut self, id: KeyId, create: Create) -> bool {
        let State::Connected(connected) = &mut self.state else { return false };
        self.keys.get(id).is_some() && connected.progress(id).state == KeyState::Creating(create)
    }

    fn watch_refused(&mut self, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        let Some((id, create)) = connected.watch_ids.refused() else {
            return self.violation("a watch was refused that was not asked for", now);
        };
        self.create_answered(now);
        if self.is_creating(id, create) {
            let State::Connected(connected) = &mut self.state else { return };
            connected.unwatch(id);
            connected.progress(id).is_watch_refused = true;
            // A unary call first, which refreshes the token and shows whether it was that (E4).
            connected.queue(id);
        }
    }

    fn compacted(&mut self, watch_id: i64, now: Instant) {
        let Some(id) = self.watched_key(watch_id, now) else { return };
        let State::Connected(connected) = &mut self.state else { return };
        if mem::replace(&mut connected.progress(id).was_compacted, true) {
            // The member lags far behind, or plays with us: not at once.
            let message = "a watch from now on was canceled for a compaction";
            return self.refuse(id, Failure::new(CauseKind::Unreachable, message), now);
        }
        connected.unwatch(id);
        connected.queue(id);
        // The server keeps such a watch until it is canceled, and until then it gives no sign of life on
        // the stream (E2, E7).
        self.actions.push_back(Action::Send(WatchRequest::Cancel { watch_id }));
    }

    /// The server ended a watch for a reason of its own.
    fn canceled(&mut self, watch_id: i64, failure: Failure, now: Instant) {
        let Some(id) = self.watched_key(watch_id, now) else { return };
        let State::Connected(connected) = &mut self.state else { return };
        connected.unwatch(id); // there is nothing left to cancel
        if mem::replace(&mut connected.progress(id).was_canceled, true) {
            return self.fail(failure, now); // perhaps another member keeps its watches
        }
        self.refuse(id, failure, now);
    }

    fn changed(
        &mut self,
        watch_id: i64,
        revision: i64,
        events: Events,
        is_fragment: bool,
        now: Instant,
    ) {
        let Some(id) = self.watched_key(watch_id, now) else { return };
        if self.keys.get(id).is_some_and(|one| one.range().is_some()) {
            self.range_changed(id, watch_id, revision, events, is_fragment, now);
        } else {
            self.key_changed(id, watch_id, revision, events, is_fragment, now);
        }
    }

    /// A key changed. Only its last event matters; within a revision, too (E10).
    fn key_changed(
        &mut self,
        id: KeyId,
        watch_id: i64,
        revision: i64,
        mut events: Events,
        is_fragment: bool,
        now: Instant,
    ) {
        let State::Connected(connected) = &mut self.state else { return };
        let Some(key) = self.keys.get_mut(id).and_then(|one| one.key_mut()) else { return };
        let mut at = connected.progress(id).watched_to;
        let mut is_next = |event: &Event| {
            let in_order = (at.max(1)..=revision).contains(&event.mod_revision);
            at = event.mod_revision;
            in_order && event.key == *key.name() && event.is_possible()
        };
        if !events.iter().all(&mut is_next) {
            let message = "a watch sent another key, or revisions that can't be";
            return self.violation(message, now);
        }
        // Of a fragment, more of the same revision may follow.
        let sent_to = if is_fragment { at.saturating_sub(1) } else { at };
        connected.proof.watch_sent(watch_id, sent_to);
        let earlier = connected.fragment.take().filter(|(other, _)| *other == watch_id);
        let Some(event) = events.pop().or(earlier.map(|(_, event)| event)) else { return };
        if is_fragment {
            connected.fragment = Some((watch_id, event));
            return;
        }
        self.history.highest = self.history.highest.max(event.mod_revision);
        let (progress, at) = (connected.progress(id), event.mod_revision);
        // The watch works: what ended an earlier one is over.
        (progress.was_canceled, progress.was_compacted) = (false, false);
        if key.contradicts(event.mod_revision, progress.known_to) {
            return self.violation(CONTRADICTION, now);
        }
        // Events that a read was quicker than are over.
        if event.mod_revision > progress.known_to {
            // A later response may have another event of this revision.
            progress.known_to = event.mod_revision.saturating_sub(1);
            self.actions.push_back(Action::Publish(id, key.changed(event)));
        }
        self.suspect_lag(id, watch_id, revision, at);
    }

    /// The server contradicts its own protocol: nothing that it says on this connection counts any more.
    pub(super) fn violation(&mut self, message: &str, now: Instant) {
        self.fail(Failure::new(CauseKind::ProtocolViolation, message), now);
    }
}
