//! Who waits for a refresh of which key.

use std::collections::BTreeMap;

use crate::mailbox::Refreshed;
use crate::seam::Failure;
use crate::session::Ticket;
use crate::slots::KeyId;

/// The session decides which reads complete a refresh; here are only the tickets that it does so by.
#[derive(Debug, Default)]
pub(super) struct Refreshes {
    waiting: BTreeMap<KeyId, Vec<(Ticket, Refreshed)>>,
    last: Ticket,
}

impl Refreshes {
    pub(super) fn add(&mut self, id: KeyId, refreshed: Refreshed) -> Ticket {
        self.last += 1;
        let waiting = self.waiting.entry(id).or_default();
        if waiting.len() == waiting.capacity() {
            // Callers may have given up, again and again.
            waiting.retain(|(_, refreshed)| !refreshed.is_closed());
        }
        waiting.push((self.last, refreshed));
        self.last
    }

    /// The refreshes of a key up to `ticket` are done.
    pub(super) fn complete(&mut self, id: KeyId, ticket: Ticket, result: &Result<(), Failure>) {
        let Some(waiting) = self.waiting.get_mut(&id) else { return };
        let later = waiting.partition_point(|(other, _)| *other <= ticket);
        for (_, refreshed) in waiting.drain(..later) {
            let _ = refreshed.send(result.clone()); // the caller may have given up
        }
        if waiting.is_empty() {
            self.waiting.remove(&id);
        }
    }

    /// The key has no watcher left, so nobody waits: a refresh under way is one.
    pub(super) fn forget(&mut self, id: KeyId) {
        self.waiting.remove(&id);
    }
}
