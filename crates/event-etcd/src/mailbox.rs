//! What handles want of the driver: handles write it, the driver takes it.
//!
//! What the driver has not taken yet is kept as the difference to what it has. So it is bounded by the
//! keys, and not by how often watchers come and go.
//!
//! Why not a channel? It would keep a message for each watcher that came and went while the driver was
//! busy.

mod empty_key;
mod subscriptions;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use event_core::{
    Bytes, Cause, Entry, MemoryReader, MemoryValue, MemoryWatcher, ValueReader, ValueWriter,
};
use tokio::sync::{Notify, oneshot};

use crate::seam::Failure;
use crate::slots::KeyId;
use subscriptions::Subscriptions;

pub(crate) use empty_key::{cause as empty_key_cause, error as empty_key_error};

#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    changed: Notify,
    /// Has a new version when a key gets its first watcher or loses its last one, or can't be read, or can be
    /// again. It is set after the lock is released, since that wakes tasks.
    keys_changed: MemoryValue<()>,
}

#[derive(Debug, Default)]
struct State {
    subscriptions: Subscriptions,
    /// What the driver has not taken yet.
    change: Change,
    last_proof: Option<Instant>,
    /// Why keys can't be read. Each of them has a watcher.
    refusals: BTreeMap<KeyId, Cause>,
    /// The value of the empty key, once it was watched: an error.
    empty_key: Option<MemoryValue<Entry>>,
    /// The store ended: nothing will come.
    is_closed: bool,
}

/// Where the result of a refresh goes.
pub(crate) type Refreshed = oneshot::Sender<Result<(), Failure>>;

/// What handles want since the driver last took it.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) unsubscribed: Vec<KeyId>,
    pub(crate) subscribed: BTreeMap<KeyId, (Bytes, MemoryValue<Entry>)>,
    pub(crate) refreshes: Vec<(KeyId, Refreshed)>,
    pub(crate) endpoints: Vec<(String, EndpointChange)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndpointChange {
    Added,
    Removed,
}

impl Mailbox {
    /// Adds a watcher to a key. `None` as the id if the store ended, or the name is empty.
    pub(crate) fn subscribe(&self, name: &Bytes) -> (Option<KeyId>, MemoryReader<Entry>) {
        let mut state = self.lock();
        if state.is_closed {
            return (None, MemoryValue::empty().reader());
        }
        if name.is_empty() {
            return (None, state.empty_key.get_or_insert_with(empty_key::value).reader());
        }
        let (id, new) = state.subscriptions.add(name);
        let cell = id.and_then(|id| state.subscriptions.keys.get(id)).map(|key| key.cell.clone());
        if let Some((id, value)) = id.zip(new) {
            state.change.subscribed.insert(id, (name.clone(), value));
            self.notify(state);
            self.keys_changed.set(());
        }
        (id, cell.unwrap_or_else(|| MemoryValue::empty().reader()))
    }

    /// Takes a watcher from a key.
    pub(crate) fn unsubscribe(&self, id: KeyId) {
        let mut state = self.lock();
        if !state.subscriptions.remove(id) {
            return;
        }
        state.refusals.remove(&id);
        let never_taken = state.change.subscribed.remove(&id);
        if never_taken.is_none() {
            state.change.unsubscribed.push(id);
        }
        self.notify(state);
        drop(never_taken); // ends a cell, which wakes tasks: not under the lock
        self.keys_changed.set(());
    }

    /// Asks for a read of a key that has a watcher. The receiver gets the result, or an error when the
    /// driver ends.
    pub(crate) fn refresh(&self, id: Option<KeyId>) -> oneshot::Receiver<Result<(), Failure>> {
        let (sender, result) = oneshot::channel();
        let mut state = self.lock();
        if let Some(id) = id.filter(|_| !state.is_closed) {
            let refreshes = &mut state.change.refreshes;
            if refreshes.len() == refreshes.capacity() {
                refreshes.retain(|(_, refreshed)| !refreshed.is_closed());
            }
            refreshes.push((id, sender));
            self.notify(state);
        }
        result
    }

    pub(crate) fn change_endpoint(&self, endpoint: String, change: EndpointChange) {
        let mut state = self.lock();
        state.change.endpoints.retain(|(other, _)| *other != endpoint);
        state.change.endpoints.push((endpoint, change));
        self.notify(state);
    }

    pub(crate) fn last_proof(&self) -> Option<Instant> {
        self.lock().last_proof
    }

    /// What is known of a key, if it has a watcher: its value, and why it can't be read, if that is so.
    pub(crate) fn watched(&self, name: &Bytes) -> Option<(MemoryReader<Entry>, Option<Cause>)> {
        let state = self.lock();
        let (id, key) = state.subscriptions.find(name)?;
        Some((key.cell.clone(), state.refusals.get(&id).cloned()))
    }

    /// All keys that have a watcher, in the order of their ids.
    pub(crate) fn all_watched(&self) -> Vec<(KeyId, MemoryWatcher<Entry>)> {
        let state = self.lock();
        state.subscriptions.keys.iter().map(|(id, key)| (id, key.cell.watch())).collect()
    }

    /// Why a key can't be read, of those that `is_meant`.
    pub(crate) fn refusal(&self, is_meant: impl Fn(&KeyId, &Cause) -> bool) -> Option<Cause> {
        let state = self.lock();
        let refusal = state.refusals.iter().find(|(id, cause)| is_meant(id, cause));
        refusal.map(|(_, cause)| cause.clone())
    }

    /// Yields when [`watched`](Self::watched) may have another answer, but for a version of the key.
    pub(crate) fn watch_keys(&self) -> MemoryWatcher<()> {
        self.keys_changed.watch()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    // The driver's side.

    /// Waits until handles want something. Cancel safe.
    pub(crate) async fn take(&self) -> Change {
        loop {
            let change = mem::take(&mut self.lock().change);
            if !change.is_empty() {
                return change;
            }
            self.changed.notified().await;
        }
    }

    pub(crate) fn set_last_proof(&self, at: Option<Instant>) {
        self.lock().last_proof = at;
    }

    /// A key can't be read, or can be again.
    pub(crate) fn set_refusal(&self, id: KeyId, failure: Option<&Failure>) {
        let mut state = self.lock();
        let Some(key) = state.subscriptions.keys.get(id) else { return };
        match failure.map(|failure| Cause::from(failure).with_key(key.name.clone())) {
            Some(cause) => drop(state.refusals.insert(id, cause)),
            None => drop(state.refusals.remove(&id)),
        }
        drop(state);
        self.keys_changed.set(());
    }

    /// Nothing is known of keys that can't be read.
    pub(crate) fn clear_refusals(&self) {
        if !mem::take(&mut self.lock().refusals).is_empty() {
            self.keys_changed.set(());
        }
    }

    /// The store ends, and with it what the driver has not taken, and what comes later. Returns whether it had
    /// ended before.
    pub(crate) fn close(&self) -> bool {
        let mut state = self.lock();
        let had_ended = mem::replace(&mut state.is_closed, true);
        state.refusals.clear();
        let (change, keys) = (mem::take(&mut state.change), mem::take(&mut state.subscriptions));
        let ended = (change, keys, state.empty_key.take());
        drop(state);
        drop(ended); // ends cells, which wakes tasks: not under the lock
        self.keys_changed.set(());
        had_ended
    }

    /// Wakes the driver, after the lock is released.
    fn notify(&self, state: MutexGuard<'_, State>) {
        drop(state);
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Change {
    fn is_empty(&self) -> bool {
        self.unsubscribed.is_empty()
            && self.subscribed.is_empty()
            && self.refreshes.is_empty()
            && self.endpoints.is_empty()
    }
}
