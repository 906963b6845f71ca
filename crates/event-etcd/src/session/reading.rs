//! Which keys are read, and what an answer means.

use std::mem;
use std::time::Instant;

use super::{Action, KeyId, Phase, READS, REFUSED, RETRY, Read, ReadId, Session, Ticket};
use crate::key::KeyState;
use crate::protocol::{CauseKind, Failure, ReadAnswer, Request};

impl Session {
    /// Puts a key in the line to be read, once.
    pub(super) fn queue(&mut self, id: KeyId) {
        if let Some(key) = self.keys.get_mut(&id)
            && !mem::replace(&mut key.queued, true)
        {
            self.to_read.push_back(id);
        }
    }

    pub(super) fn read_more(&mut self, now: Instant) {
        let Phase::Connected { prove_by, .. } = self.phase else { return };
        let answer_by = now + self.bounds.answer();
        let deadline = prove_by.map_or(answer_by, |by| by.max(answer_by));
        while self.reads.len() < READS {
            let batch = self.to_read_apart.pop().unwrap_or_else(|| {
                let size = self.to_read.len().min(self.batch);
                self.to_read.drain(..size).collect()
            });
            if batch.is_empty() {
                return;
            }
            self.next_read += 1;
            let id = self.next_read;
            let (mut keys, mut names, mut tickets) = (Vec::new(), Vec::new(), Vec::new());
            for key_id in batch {
                let Some(key) = self.keys.get_mut(&key_id) else { continue };
                key.queued = false;
                if matches!(key.state, KeyState::Unread) {
                    key.state = KeyState::Reading(id);
                }
                keys.push(key_id);
                names.push(key.name.clone());
                tickets.extend(key.tickets.drain(..).map(|ticket| (key_id, ticket)));
            }
            if !keys.is_empty() {
                self.reads.insert(id, Read { keys, tickets, deadline, floor: self.highest });
                self.actions.push_back(Action::Read(id, names));
            }
        }
    }

    /// A read is the truth: tells what differs, and watches on from there (E5).
    pub(super) fn merge(&mut self, id: ReadId, read: Read, answer: ReadAnswer, now: Instant) {
        self.proven(now);
        if answer.found.len() != read.keys.len() {
            self.requeue_tickets(read.tickets);
            return self.fail(
                Failure::new(CauseKind::Unreachable, "an answer to other keys than were asked for"),
                now,
            );
        }
        if answer.revision < read.floor {
            // A lower revision than one already seen (E5).
            self.history_was_replaced(answer.revision);
            if self.keys.values().any(|key| key.known_at > 0) {
                // Something was read on this connection: earlier in that history, if the answers were
                // overtaken by one that had passed the old revision, or from another server. Which
                // of them is newer can't be told, so all are read again.
                self.requeue_tickets(read.tickets);
                return self.fail(
                    Failure::new(CauseKind::Unreachable, "the store's history was replaced"),
                    now,
                );
            }
        }
        self.highest = self.highest.max(answer.revision);
        let mut stream_is_stale = false;
        for (key_id, found) in read.keys.into_iter().zip(answer.found) {
            let Some(key) = self.keys.get_mut(&key_id) else { continue };
            key.overtaking = false;
            let is_unread = matches!(key.state, KeyState::Reading(reading) if reading == id);
            let watch_refused = key.watch_refused;
            if let Some(entry) = key.read(found, answer.revision) {
                self.actions.push_back(Action::Tell(key_id, entry));
            }
            if is_unread {
                self.refused.remove(&key_id);
                stream_is_stale |= watch_refused;
                self.watch(key_id, answer.revision, now);
            }
        }
        for (_, ticket) in read.tickets {
            self.actions.push_back(Action::Refreshed(ticket, Ok(())));
        }
        if stream_is_stale {
            self.fail(
                Failure::new(
                    CauseKind::Unauthenticated,
                    "the stream's credentials are out of date",
                ),
                now,
            );
        }
    }

    pub(super) fn read_failed(&mut self, mut read: Read, failure: Failure, now: Instant) {
        match failure.kind {
            // Of many keys one is to blame: halve until it stands alone.
            CauseKind::PermissionDenied | CauseKind::InvalidArgument | CauseKind::TooLarge
                if read.keys.len() > 1 =>
            {
                self.proven(now);
                self.requeue_tickets(mem::take(&mut read.tickets));
                for key_id in &read.keys {
                    self.unread(*key_id);
                }
                let half = read.keys.split_off(read.keys.len() / 2);
                self.to_read_apart.extend([read.keys, half]);
            }
            CauseKind::PermissionDenied | CauseKind::InvalidArgument | CauseKind::TooLarge => {
                self.proven(now);
                for (_, ticket) in read.tickets {
                    self.actions.push_back(Action::Refreshed(ticket, Err(failure.clone())));
                }
                for key_id in read.keys {
                    self.refuse(key_id, failure.clone(), now);
                }
            }
            _ => {
                self.requeue_tickets(read.tickets);
                self.fail(failure, now);
            }
        }
    }

    pub(super) fn requeue_tickets(&mut self, tickets: Vec<(KeyId, Ticket)>) {
        for (key_id, ticket) in tickets {
            match self.keys.get_mut(&key_id) {
                Some(key) => key.tickets.push(ticket),
                None => self.actions.push_back(Action::Refreshed(ticket, Ok(()))),
            }
        }
    }

    /// A key that was being read is unread again.
    pub(super) fn unread(&mut self, id: KeyId) {
        if let Some(key) = self.keys.get_mut(&id)
            && matches!(key.state, KeyState::Reading(_))
        {
            key.state = KeyState::Unread;
        }
    }

    /// A key can't be followed for now: it is asked for again after a while, its neighbours are not
    /// concerned.
    pub(super) fn refuse(&mut self, id: KeyId, mut failure: Failure, now: Instant) {
        let Some(key) = self.keys.get_mut(&id) else { return };
        if let KeyState::Watched(watch_id) = mem::replace(&mut key.state, KeyState::Unread) {
            self.watches.remove(&watch_id);
            self.actions.push_back(Action::Send(Request::Cancel { watch_id }));
        }
        key.overtaking = false;
        key.watch_refused = false; // this is why
        failure.message = format!(
            "key `{}`: {}",
            String::from_utf8_lossy(&key.name).escape_debug(),
            failure.message
        );
        self.refused.insert(id, failure);
        // The connection answers: what it was stalled for is over.
        (self.failure, self.faulty) = (None, None);
        let more = u32::try_from(self.refused.len() / REFUSED).unwrap_or(u32::MAX);
        // Never put off: a key that is refused again and again would hold up the others.
        self.retry_at.get_or_insert(now + RETRY.saturating_mul(more.saturating_add(1)));
    }
}
