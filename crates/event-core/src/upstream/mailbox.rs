//! What handles want of the publisher: handles write it, the publisher takes it.
//!
//! What the publisher has not taken yet is kept as the difference to what it has. So it is bounded by the
//! keys and maps, and not by how often watchers come and go.
//!
//! Why not a channel? It would keep a message for each watcher that came and went while the publisher was
//! busy.

use std::collections::BTreeMap;
use std::fmt;
use std::mem;

use super::first::First;
use super::health::Part;
use super::map::named;
use super::published_map::PublishedMap;
use super::refreshes::{Refreshed, Ticket, Wanted};
use super::slots::KeyId;
use super::subscriptions::Subscriptions;
use crate::cell::Lock;
use crate::{
    Bytes, Cause, CauseKind, Entry, Error, ErrorKind, KeyRange, MemoryMap, MemoryMapReader,
    MemoryReader, MemoryValue, MemoryWatcher, ValueReader, ValueWriter,
};

/// Why a backend can't have a key of this name.
pub(super) type Check = Box<dyn Fn(&[u8]) -> Result<(), String> + Send + Sync>;

pub(super) struct Mailbox {
    check: Check,
    state: Lock<State>,
    /// Has a new version when the publisher has something to take. Like the next one, it is set after the lock is
    /// released, since that wakes tasks.
    requested: MemoryValue<()>,
    /// Has a new version when a key or a map gets its first watcher or loses its last one, or can't be read, or can
    /// be again.
    keys_changed: MemoryValue<()>,
}

#[derive(Debug, Default)]
struct State {
    subscriptions: Subscriptions,
    /// What the publisher has not taken yet.
    change: Change,
    /// Why keys and maps can't be read. Each of them has a watcher.
    refusals: BTreeMap<KeyId, Cause>,
    /// The keys that the backend can't have, and that have a watcher. Each value is an error.
    invalid: BTreeMap<KeyId, MemoryValue<Entry>>,
    /// The maps that can have no key, and that have a watcher. Each is synced.
    empty: BTreeMap<KeyId, PublishedMap>,
    /// The upstream ended: nothing will come.
    is_closed: bool,
}

/// What handles want since the publisher last took it.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) unsubscribed: Vec<KeyId>,
    pub(super) subscribed: BTreeMap<KeyId, (Bytes, MemoryValue<Entry>)>,
    pub(super) subscribed_maps: BTreeMap<KeyId, PublishedMap>,
    pub(super) refreshes: Vec<(KeyId, Wanted)>,
}

/// What programs want of a backend: what [`Publisher::next`](super::Publisher::next) returns.
///
/// Handle it in the order of the fields.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Requests {
    /// Keys and maps that lost their last watcher.
    pub stopped: Vec<KeyId>,
    /// Keys that got their first watcher, with their names.
    pub started: Vec<(KeyId, Bytes)>,
    /// Maps that got their first watcher, with their ranges, which are not [empty](KeyRange::is_empty).
    pub started_maps: Vec<(KeyId, KeyRange)>,
    /// Keys and maps that are to be read again. Answer with [`Publisher::refreshed`](super::Publisher::refreshed).
    pub refreshes: Vec<(KeyId, Ticket)>,
}

impl Mailbox {
    pub(super) fn new(check: Check) -> Self {
        Self {
            check,
            state: Lock::default(),
            requested: MemoryValue::empty(),
            keys_changed: MemoryValue::empty(),
        }
    }

    /// Adds a watcher to a key. `None` as the id if the upstream ended.
    pub(super) fn subscribe(&self, name: &Bytes) -> (Option<KeyId>, MemoryReader<Entry>) {
        let why = (self.check)(name).err();
        let mut state = self.state.lock();
        if state.is_closed {
            drop(state);
            return (None, MemoryValue::empty().reader());
        }
        let (id, new) = state.subscriptions.add(name);
        let cell = id.and_then(|id| state.subscriptions.keys.get(id)).map(|key| key.cell.clone());
        if let Some((id, value)) = id.zip(new) {
            if let Some(why) = why {
                value.fail(invalid(name, why));
                state.invalid.insert(id, value);
                drop(state);
            } else {
                state.change.subscribed.insert(id, (name.clone(), value));
                drop(state);
                self.requested.set(());
            }
            self.keys_changed.set(());
        }
        (id, cell.unwrap_or_else(|| MemoryValue::empty().reader()))
    }

    /// Adds a watcher to a map. `None` as the id if the upstream ended.
    pub(super) fn subscribe_map(
        &self,
        range: &KeyRange,
    ) -> (Option<KeyId>, MemoryMapReader<Bytes, Entry>) {
        let mut state = self.state.lock();
        if state.is_closed {
            drop(state);
            return (None, MemoryMap::unsynced().reader());
        }
        let (id, new) = state.subscriptions.add_map(range);
        let map = state.subscriptions.maps.get(&id).map(|map| map.map.clone());
        if let Some(new) = new {
            if range.is_empty() {
                new.set_synced(); // nobody waits for it yet
                state.empty.insert(id, new);
                drop(state);
            } else {
                state.change.subscribed_maps.insert(id, new);
                drop(state);
                self.requested.set(());
            }
            self.keys_changed.set(());
        }
        (Some(id), map.unwrap_or_else(|| MemoryMap::unsynced().reader()))
    }

    /// Takes a watcher from a key or a map.
    pub(super) fn unsubscribe(&self, id: KeyId) {
        let mut state = self.state.lock();
        if !state.subscriptions.remove(id) {
            return;
        }
        state.refusals.remove(&id);
        let value = state.invalid.remove(&id);
        let value = value.or_else(|| Some(state.change.subscribed.remove(&id)?.1));
        let map = state.empty.remove(&id);
        let map = map.or_else(|| state.change.subscribed_maps.remove(&id));
        let is_known = value.is_none() && map.is_none();
        if is_known {
            state.change.unsubscribed.push(id);
        }
        drop(state);
        drop((value, map)); // ends a cell, which wakes tasks: not under the lock
        if is_known {
            self.requested.set(());
        }
        self.keys_changed.set(());
    }

    /// Asks for a read of a key or a map that has a watcher.
    pub(super) fn refresh(&self, id: Option<KeyId>) -> Refreshed {
        let (wanted, refreshed) = Wanted::new();
        let mut state = self.state.lock();
        if id.is_some_and(|id| state.empty.contains_key(&id)) {
            drop(state);
            wanted.complete(Ok(()));
            return refreshed;
        }
        if let Some(id) = id.filter(|id| !state.is_closed && !state.invalid.contains_key(id)) {
            let waiting = &mut state.change.refreshes;
            if waiting.len() == waiting.capacity() {
                waiting.retain(|(_, wanted)| !wanted.is_given_up());
            }
            waiting.push((id, wanted));
            drop(state);
            self.requested.set(());
        }
        refreshed
    }

    /// Asks for a read of each key and map that has a watcher.
    pub(super) fn refresh_all(&self) -> Vec<(Bytes, Refreshed)> {
        let names: Vec<_> = {
            let state = self.state.lock();
            let names = state.subscriptions.names();
            let names = names.filter(|(id, _)| !state.invalid.contains_key(id));
            names.map(|(id, name)| (id, name.clone())).collect()
        };
        names.into_iter().map(|(id, name)| (name, self.refresh(Some(id)))).collect()
    }

    /// What is known of a key or a map, if it has a watcher: whether it was read, and why it can't be, if that is so.
    pub(super) fn watched(&self, part: &Part) -> Option<(First, Option<Cause>)> {
        let state = self.state.lock();
        let (id, first) = match part {
            Part::Key(name) => {
                let (id, key) = state.subscriptions.find(name)?;
                (id, First::of_key(&key.cell))
            }
            Part::Map(range) => {
                let (id, map) = state.subscriptions.find_map(range)?;
                (id, First::of_map(&map.is_read))
            }
        };
        Some((first, state.refusals.get(&id).cloned()))
    }

    pub(super) fn watched_keys(&self) -> usize {
        self.state.lock().subscriptions.keys.len()
    }

    pub(super) fn watched_maps(&self) -> usize {
        self.state.lock().subscriptions.maps.len()
    }

    /// All that has a watcher, in the order of the ids.
    pub(super) fn all_watched(&self) -> Vec<(KeyId, First)> {
        self.state.lock().subscriptions.firsts()
    }

    /// Why a key or a map can't be read, of those that `is_meant`.
    pub(super) fn refusal(&self, is_meant: impl Fn(&KeyId, &Cause) -> bool) -> Option<Cause> {
        let state = self.state.lock();
        let refusal = state.refusals.iter().find(|(id, cause)| is_meant(id, cause));
        refusal.map(|(_, cause)| cause.clone())
    }

    /// Why the backend can't have a key of this name, if it can't.
    pub(super) fn invalid(&self, name: &Bytes) -> Option<Cause> {
        let why = (self.check)(name).err()?;
        let cause = Cause::new(CauseKind::InvalidArgument, why);
        Some(if name.is_empty() { cause } else { cause.with_key(name.clone()) })
    }

    /// Yields when [`watched`](Self::watched) may have another answer, but for a version of the key.
    pub(super) fn watch_keys(&self) -> MemoryWatcher<()> {
        self.keys_changed.watch()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().is_closed
    }

    // The publisher's side.

    /// Yields when there is something to [`take`](Self::take), or the upstream ended.
    pub(super) fn watch_requests(&self) -> MemoryWatcher<()> {
        self.requested.watch()
    }

    pub(super) fn take(&self) -> Change {
        mem::take(&mut self.state.lock().change)
    }

    /// A key or a map can't be read, or can be again.
    pub(super) fn set_refusal(&self, id: KeyId, cause: Option<Cause>) {
        let mut state = self.state.lock();
        let Some(name) = state.subscriptions.name(id).cloned() else { return };
        let with_name = |cause: Cause| if name.is_empty() { cause } else { cause.with_key(name) };
        let before = match cause.map(with_name) {
            Some(cause) => state.refusals.insert(id, cause),
            None => state.refusals.remove(&id),
        };
        drop(state);
        drop(before);
        self.keys_changed.set(());
    }

    /// Nothing is known of keys that can't be read.
    pub(super) fn clear_refusals(&self) {
        let before = mem::take(&mut self.state.lock().refusals);
        if !before.is_empty() {
            self.keys_changed.set(());
        }
    }

    /// The upstream ends, and with it what the publisher has not taken, and what comes later. Returns whether it
    /// had ended before.
    pub(super) fn close(&self) -> bool {
        let mut state = self.state.lock();
        let had_ended = mem::replace(&mut state.is_closed, true);
        let ended = mem::take(&mut *state);
        state.is_closed = true;
        drop(state);
        drop(ended); // ends cells, which wakes tasks: not under the lock
        self.requested.set(());
        self.keys_changed.set(());
        had_ended
    }
}

fn invalid(name: &Bytes, why: String) -> Error {
    named(Error::new(ErrorKind::InvalidArgument, why), name)
}

impl Change {
    pub(super) fn is_empty(&self) -> bool {
        self.unsubscribed.is_empty()
            && self.subscribed.is_empty()
            && self.subscribed_maps.is_empty()
            && self.refreshes.is_empty()
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("state", &self.state).finish_non_exhaustive()
    }
}
