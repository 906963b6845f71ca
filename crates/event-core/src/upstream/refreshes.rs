//! Who waits for a refresh of which key or map.

use std::collections::BTreeMap;

use super::slots::KeyId;
use crate::{Error, MemoryValue, MemoryWatcher, ValueReader, ValueWriter, WatcherExt};

/// Which refresh it is. A later one has a greater ticket.
pub type Ticket = u64;

/// A refresh that somebody waits for. If it is dropped, they get [`Closed`](crate::ErrorKind::Closed).
#[derive(Debug)]
pub(super) struct Wanted(MemoryValue<()>);

/// The result of a refresh.
pub(super) struct Refreshed(MemoryWatcher<()>);

impl Wanted {
    pub(super) fn new() -> (Self, Refreshed) {
        let value = MemoryValue::empty();
        let refreshed = Refreshed(value.watch());
        (Self(value), refreshed)
    }

    /// Nobody waits for it any more.
    pub(super) fn is_given_up(&self) -> bool {
        self.0.is_unread()
    }

    pub(super) fn complete(self, result: Result<(), Error>) {
        match result {
            Ok(()) => self.0.set(()),
            Err(error) => self.0.fail(error),
        }
    }
}

impl Refreshed {
    pub(super) async fn done(mut self) -> Result<(), Error> {
        self.0.get().await
    }
}

/// The backend decides which reads complete a refresh; here are only the tickets that it does so by.
#[derive(Debug, Default)]
pub(super) struct Refreshes {
    waiting: BTreeMap<KeyId, Vec<(Ticket, Wanted)>>,
    last: Ticket,
}

impl Refreshes {
    pub(super) fn add(&mut self, id: KeyId, wanted: Wanted) -> Ticket {
        self.last += 1;
        let waiting = self.waiting.entry(id).or_default();
        if waiting.len() == waiting.capacity() {
            // Callers may have given up, again and again.
            waiting.retain(|(_, wanted)| !wanted.is_given_up());
        }
        waiting.push((self.last, wanted));
        self.last
    }

    /// The refreshes of a key up to `ticket` are done.
    pub(super) fn complete(&mut self, id: KeyId, ticket: Ticket, result: &Result<(), Error>) {
        let Some(waiting) = self.waiting.get_mut(&id) else { return };
        let later = waiting.partition_point(|(other, _)| *other <= ticket);
        for (_, wanted) in waiting.drain(..later) {
            wanted.complete(result.clone());
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
