//! Which keys are watched, and what a response on the stream means.

use std::collections::VecDeque;
use std::time::Instant;

use event_core::CauseKind;

use super::connected::{KeyState, Stream};
use super::{Action, Session, State};
use crate::seam::{Event, Events, Failure, WatchRequest, WatchResponse};
use crate::slots::KeyId;

/// A watch id has the slot of its key in its lower half, and a number in its upper half that makes it
/// unlike that of an earlier watch.
const SLOT_BITS: u32 = 32;
const NUMBERS: i64 = i64::MAX >> SLOT_BITS;

impl Session {
    pub(crate) fn handle_response(&mut self, response: WatchResponse, now: Instant) {
        self.proven(now);
        let State::Connected(connected) = &mut self.state else { return };
        let silence = connected.stream.responded(now);
        connected.burst.responded(silence, now);
        match response {
            WatchResponse::Created { watch_id, revision } => self.created(watch_id, revision, now),
            WatchResponse::Refused => self.watch_refused(),
            WatchResponse::Compacted { watch_id } => self.compacted(watch_id),
            WatchResponse::Canceled { watch_id, failure } => self.canceled(watch_id, failure, now),
            WatchResponse::Events { watch_id, revision, events, is_fragment } => {
                self.changed(watch_id, revision, events, is_fragment);
            }
            WatchResponse::Progress => {}
        }
        self.go_on(now);
    }

    /// Watches a key from a revision on, or from now on.
    pub(super) fn watch(&mut self, id: KeyId, start_revision: i64, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        let Some(key) = self.keys.get(id) else { return };
        self.next_watch = self.next_watch % NUMBERS + 1;
        let watch_id = self.next_watch << SLOT_BITS | i64::from(id.slot);
        let progress = connected.progress(id);
        progress.state = KeyState::Watched(watch_id);
        progress.standing.at = start_revision;
        connected.watched += 1;
        connected.creating.push_back(watch_id);
        let request = WatchRequest::Create { watch_id, key: key.name().clone(), start_revision };
        if let Stream::None = connected.stream {
            connected.stream = Stream::Opening { deadline: now + self.timeouts.response() };
            self.actions.push_back(Action::OpenStream(request));
        } else {
            self.actions.push_back(Action::Send(request));
        }
    }

    /// The key that has this watch.
    fn watched_key(&mut self, watch_id: i64) -> Option<KeyId> {
        let State::Connected(connected) = &mut self.state else { return None };
        let slot = u32::try_from(watch_id & i64::from(u32::MAX)).ok()?;
        let id = self.keys.id_at(slot)?;
        (connected.progress(id).state == KeyState::Watched(watch_id)).then_some(id)
    }

    fn created(&mut self, watch_id: i64, revision: i64, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        let expected = connected.creating.pop_front();
        if connected.creating.is_empty() {
            connected.creating = VecDeque::new(); // at the start it has all watches
        }
        if expected != Some(watch_id) {
            let message = "a watch was created that was not asked for";
            return self.fail(Failure::new(CauseKind::ProtocolViolation, message), now);
        }
        if let Some(id) = self.watched_key(watch_id) {
            self.watch_starts(id, revision);
        }
    }

    /// Responses come in the order of the requests (E3).
    fn watch_refused(&mut self) {
        let State::Connected(connected) = &mut self.state else { return };
        let Some(id) = connected.creating.pop_front().and_then(|it| self.watched_key(it)) else {
            return;
        };
        let State::Connected(connected) = &mut self.state else { return };
        connected.unwatch(id);
        connected.progress(id).is_watch_refused = true;
        // A unary call first, which refreshes the token and shows whether it was that (E4).
        connected.queue(id);
    }

    fn compacted(&mut self, watch_id: i64) {
        let Some(id) = self.watched_key(watch_id) else { return };
        let State::Connected(connected) = &mut self.state else { return };
        connected.unwatch(id);
        connected.queue(id);
        // The server keeps such a watch until it is canceled, and until then it gives no sign of life on
        // the stream (E2, E7).
        self.actions.push_back(Action::Send(WatchRequest::Cancel { watch_id }));
    }

    /// The server ended a watch for a reason of its own.
    fn canceled(&mut self, watch_id: i64, failure: Failure, now: Instant) {
        let Some(id) = self.watched_key(watch_id) else { return };
        if let State::Connected(connected) = &mut self.state {
            connected.unwatch(id); // there is nothing left to cancel
        }
        self.refuse(id, failure, now);
    }

    /// A key changed. Only its last event matters; within a revision, too (E10).
    fn changed(&mut self, watch_id: i64, revision: i64, events: Events, is_fragment: bool) {
        let Some(id) = self.watched_key(watch_id) else { return };
        let State::Connected(connected) = &mut self.state else { return };
        let Some(key) = self.keys.get_mut(id) else { return };
        let earlier = connected.fragment.take().filter(|(other, _)| *other == watch_id);
        let of_this_key = |event: &Event| event.key == *key.name();
        let last = events.into_iter().rev().find(of_this_key);
        let Some(event) = last.or(earlier.map(|(_, event)| event)) else { return };
        if is_fragment {
            connected.fragment = Some((watch_id, event));
            return;
        }
        self.history.highest = self.history.highest.max(event.mod_revision);
        let (progress, at) = (connected.progress(id), event.mod_revision);
        // Events that a read was quicker than are over.
        if event.mod_revision > progress.known_to {
            // A later response may have another event of this revision.
            progress.known_to = event.mod_revision.saturating_sub(1);
            self.actions.push_back(Action::Publish(id, key.changed(event)));
        }
        self.suspect_lag(id, watch_id, revision, at);
    }
}
