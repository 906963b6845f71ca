//! Which keys are watched, and what a response means.

use std::mem;
use std::time::Instant;

use super::{Action, BEHIND, KeyId, Phase, Session, Stream};
use crate::key::KeyState;
use crate::protocol::{CauseKind, Failure, Request, Response};

impl Session {
    pub(super) fn watch(&mut self, id: KeyId, start_revision: i64, now: Instant) {
        let (Some(key), Phase::Connected { stream, .. }) =
            (self.keys.get_mut(&id), &mut self.phase)
        else {
            return;
        };
        self.next_watch += 1;
        let watch_id = self.next_watch;
        key.state = KeyState::Watched(watch_id);
        self.watches.insert(watch_id, id);
        self.creating.push_back(watch_id);
        let request = Request::Create { watch_id, key: key.name.clone(), start_revision };
        if let Stream::Unasked = stream {
            *stream = Stream::Opening { deadline: now + self.bounds.answer() };
            self.actions.push_back(Action::Open(request));
        } else {
            self.actions.push_back(Action::Send(request));
        }
    }

    /// Answers come in the order of the creates. A refusal's own id is worth nothing (E3).
    pub(super) fn created(&mut self, response: &Response, now: Instant) {
        let expected = self.creating.pop_front();
        if !response.canceled {
            if expected != Some(response.watch_id) {
                let message = "a watch was created that was not asked for";
                self.fail(Failure::new(CauseKind::Unreachable, message), now);
            }
            return;
        }
        let Some(id) = expected.and_then(|watch_id| self.watches.remove(&watch_id)) else { return };
        if let Some(key) = self.keys.get_mut(&id) {
            key.state = KeyState::Unread;
            key.watch_refused = true;
        }
        // A unary call first, which refreshes the token and tells whether it was that (E4).
        self.queue(id);
    }

    pub(super) fn canceled(&mut self, response: &Response, now: Instant) {
        let Some(id) = self.watches.remove(&response.watch_id) else { return };
        if let Some(key) = self.keys.get_mut(&id) {
            key.state = KeyState::Unread;
        }
        if response.compact_revision == 0 {
            let reason = format!("the server canceled the watch: {}", response.reason);
            return self.refuse(id, Failure::new(CauseKind::Unreachable, reason), now);
        }
        // Compacted (E2). The server keeps such a watch until it is canceled, and gives no sign of
        // life on its stream so long (E7).
        self.actions.push_back(Action::Send(Request::Cancel { watch_id: response.watch_id }));
        self.queue(id);
    }

    pub(super) fn changed(&mut self, response: Response) {
        let Some(id) = self.watches.get(&response.watch_id).copied() else { return };
        let (Some(key), Some(event)) = (self.keys.get_mut(&id), response.newest) else {
            return;
        };
        self.highest = self.highest.max(event.mod_revision);
        let news = key.event(event);
        let behind = response.revision.saturating_sub(key.known_at);
        if behind >= BEHIND && !mem::replace(&mut key.overtaking, true) {
            self.queue(id);
        }
        if let Some(entry) = news {
            self.actions.push_back(Action::Tell(id, entry));
        }
    }
}
