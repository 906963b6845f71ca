//! The side of an upstream that its backend holds.

use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::mailbox::{Mailbox, Requests};
use super::refreshes::{Refreshes, Ticket};
use super::slots::{KeyId, Slots};
use crate::{
    Bytes, Cause, Entry, EntryState, Error, Health, MemoryReader, MemoryValue, MemoryWatcher,
    ValueWriter, Watcher,
};

/// What a backend's task holds of an [`Upstream`](super::Upstream): it hears which keys are watched, and publishes
/// to them.
///
/// When it is dropped, all values and the health end.
pub struct Publisher {
    mailbox: Arc<Mailbox>,
    requested: MemoryWatcher<()>,
    values: Slots<MemoryValue<Entry>>,
    refreshes: Refreshes,
    health: MemoryValue<Health>,
}

impl Publisher {
    pub(super) fn new(mailbox: Arc<Mailbox>, health: MemoryValue<Health>) -> Self {
        Self {
            requested: mailbox.watch_requests(),
            mailbox,
            values: Slots::default(),
            refreshes: Refreshes::default(),
            health,
        }
    }

    pub(super) fn health(&self) -> MemoryReader<Health> {
        self.health.reader()
    }

    /// Waits until programs want something. `None`: the upstream ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Requests> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Polls for [`next`](Self::next).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Requests>> {
        let was_woken = self.requested.poll_get(cx).is_ready();
        if self.mailbox.is_closed() {
            return Poll::Ready(None);
        }
        let change = self.mailbox.take();
        if change.is_empty() {
            if was_woken {
                cx.waker().wake_by_ref(); // what woke it came and went: wait for the next
            }
            return Poll::Pending;
        }
        let mut requests = Requests { stopped: change.unsubscribed, ..Requests::default() };
        for id in &requests.stopped {
            self.values.remove(*id);
            self.refreshes.forget(*id);
        }
        for (id, (name, value)) in change.subscribed {
            self.values.insert(id, value);
            requests.started.push((id, name));
        }
        for (id, wanted) in change.refreshes {
            if self.values.get(id).is_some() {
                requests.refreshes.push((id, self.refreshes.add(id, wanted)));
            }
        }
        Poll::Ready(Some(requests))
    }

    /// Makes an entry the newest version of a key. Does nothing if the key is stopped.
    pub fn publish(&self, key: KeyId, entry: Entry) {
        if let Some(value) = self.values.get(key) {
            value.set(entry);
        }
    }

    /// Makes an error the newest version of a key: its data can't be used. A key that can't be *read* is
    /// [refused](Self::refuse).
    pub fn fail(&self, key: KeyId, error: Error) {
        if let Some(value) = self.values.get(key) {
            value.fail(error);
        }
    }

    /// Publishes what a read of a key found, if that differs from the newest version: other bytes, or that the key
    /// is gone. `revision` is that of the bytes, or of the read if there are none. Returns whether it was published.
    ///
    /// A key that is not there, and was not there before, is *never seen*. A key that was there is *deleted*.
    pub fn found(&self, key: KeyId, name: &Bytes, value: Option<Bytes>, revision: i64) -> bool {
        let Some(cell) = self.values.get(key) else { return false };
        let before = cell.newest();
        let entry = match (value, &before) {
            (Some(value), _) => Entry::present(name.clone(), revision, value),
            (None, None | Some(Ok(Entry { state: EntryState::NeverSeen, .. }))) => {
                Entry::never_seen(name.clone())
            }
            (None, _) => Entry::deleted(name.clone(), revision),
        };
        let is_same = |before: &Entry| match (&before.state, &entry.state) {
            (EntryState::Present { value, .. }, EntryState::Present { value: new, .. }) => {
                value == new
            }
            (EntryState::Deleted { .. }, EntryState::Deleted { .. })
            | (EntryState::NeverSeen, EntryState::NeverSeen) => true,
            _ => false,
        };
        if before.is_some_and(|before| before.is_ok_and(|before| is_same(&before))) {
            return false;
        }
        cell.set(entry);
        true
    }

    /// A key can't be read, for this reason: its health is stalled, and a program that waits for the upstream to be
    /// [ready](super::Ready) gets an error. Watchers keep what they have. The cause gets the key's name.
    pub fn refuse(&self, key: KeyId, cause: Cause) {
        self.mailbox.set_refusal(key, Some(cause));
    }

    /// A key that was [refused](Self::refuse) can be read again.
    pub fn accept(&self, key: KeyId) {
        self.mailbox.set_refusal(key, None);
    }

    /// Every key that was refused counts as accepted, such as when a connection is lost.
    pub fn accept_all(&self) {
        self.mailbox.clear_refusals();
    }

    /// Why one of the keys can't be read, if there is one: that of the smallest id.
    #[must_use]
    pub fn refusal(&self) -> Option<Cause> {
        self.mailbox.refusal(|_, _| true)
    }

    /// Sets the health of the whole.
    pub fn set_health(&self, health: Health) {
        self.health.set(health);
    }

    /// A read that began after the requests with these refreshes were taken is done, or failed: every refresh of the
    /// key up to `ticket` completes. Publish first. The error gets the key's name.
    pub fn refreshed(&mut self, key: KeyId, ticket: Ticket, result: &Result<(), Error>) {
        self.refreshes.complete(key, ticket, result);
    }

    /// How many keys are watched.
    #[must_use]
    pub fn watched(&self) -> usize {
        self.values.len()
    }

    /// Whether a key is watched.
    #[must_use]
    pub fn is_watched(&self, key: KeyId) -> bool {
        self.values.get(key).is_some()
    }

    /// Ends all values and the health, unless the upstream ended before. The first
    /// [`Closed`](crate::ErrorKind::Closed) of each watcher says why.
    pub fn end(&mut self, why: &str) {
        let had_ended = self.mailbox.close();
        let values = mem::take(&mut self.values).into_values();
        let health = mem::take(&mut self.health);
        if !had_ended {
            values.for_each(|value| value.end(why));
            health.end(why);
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.end("the backend ended");
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("watched", &self.watched()).finish_non_exhaustive()
    }
}
