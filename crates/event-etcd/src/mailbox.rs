//! What handles want of the driver: handles write it, the driver takes it.
//!
//! What the driver has not taken yet is kept as the difference to what it has. So it is bounded by the
//! keys, and not by how often watchers come and go.
//!
//! Why not a channel? It would keep a message for each watcher that came and went while the driver was
//! busy.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use event_core::{Bytes, Entry, MemoryReader, MemoryValue};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Place;
use tokio::sync::{Notify, oneshot};

use crate::seam::Failure;
use crate::slots::{Ids, KeyId, Slots};

#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    subscriptions: Subscriptions,
    /// What the driver has not taken yet.
    change: Change,
    last_proof: Option<Instant>,
    /// The store ended: nothing will come.
    is_closed: bool,
}

/// One per key, however many watchers it has.
#[derive(Debug, Default)]
struct Subscriptions {
    ids: Ids,
    keys: Slots<Subscription>,
    /// Finds a key's slot by its name, which lies in `keys`.
    by_name: HashTable<u32>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Subscription {
    name: Bytes,
    cell: MemoryReader<Entry>,
    watchers: u32,
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
    /// Adds a watcher to a key. `None` as the id if the store ended.
    pub(crate) fn subscribe(&self, name: &Bytes) -> (Option<KeyId>, MemoryReader<Entry>) {
        let mut state = self.lock();
        if state.is_closed {
            return (None, MemoryValue::empty().reader());
        }
        let (id, new) = state.subscriptions.add(name);
        let cell = id.and_then(|id| state.subscriptions.keys.get(id)).map(|key| key.cell.clone());
        if let Some((id, value)) = id.zip(new) {
            state.change.subscribed.insert(id, (name.clone(), value));
            self.notify(state);
        }
        (id, cell.unwrap_or_else(|| MemoryValue::empty().reader()))
    }

    /// Takes a watcher from a key.
    pub(crate) fn unsubscribe(&self, id: KeyId) {
        let mut state = self.lock();
        if !state.subscriptions.remove(id) {
            return;
        }
        let never_taken = state.change.subscribed.remove(&id);
        if never_taken.is_none() {
            state.change.unsubscribed.push(id);
        }
        self.notify(state);
        drop(never_taken); // ends a cell, which wakes tasks: not under the lock
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

    /// The store ends, and with it what the driver has not taken, and what comes later. Returns whether it had
    /// ended before.
    pub(crate) fn close(&self) -> bool {
        let mut state = self.lock();
        let had_ended = mem::replace(&mut state.is_closed, true);
        let ended = (mem::take(&mut state.change), mem::take(&mut state.subscriptions));
        drop(state);
        drop(ended); // ends cells, which wakes tasks: not under the lock
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

impl Subscriptions {
    /// Adds a watcher to a key. If it is the key's first, gives the value to feed.
    fn add(&mut self, name: &Bytes) -> (Option<KeyId>, Option<MemoryValue<Entry>>) {
        let Self { ids, keys, by_name, hasher } = self;
        let name_of = |slot: &u32| Some(&keys.get(keys.id_at(*slot)?)?.name);
        let place = by_name.entry(
            hasher.hash_one(name),
            |slot| name_of(slot) == Some(name),
            |slot| name_of(slot).map_or(0, |name| hasher.hash_one(name)),
        );
        match place {
            Place::Occupied(place) => {
                let id = keys.id_at(*place.get());
                if let Some(key) = id.and_then(|id| keys.get_mut(id)) {
                    key.watchers += 1;
                }
                (id, None)
            }
            Place::Vacant(place) => {
                let (id, value) = (ids.take(), MemoryValue::empty());
                place.insert(id.slot);
                keys.insert(
                    id,
                    Subscription { name: name.clone(), cell: value.reader(), watchers: 1 },
                );
                (Some(id), Some(value))
            }
        }
    }

    /// Takes a watcher from a key, and says whether it was the last one.
    fn remove(&mut self, id: KeyId) -> bool {
        let Some(key) = self.keys.get_mut(id) else { return false };
        key.watchers -= 1;
        if key.watchers > 0 {
            return false;
        }
        let hash = self.hasher.hash_one(&key.name);
        if let Ok(place) = self.by_name.find_entry(hash, |slot| *slot == id.slot) {
            place.remove();
        }
        self.keys.remove(id);
        self.ids.give_back(id);
        true
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

#[cfg(test)]
mod tests {
    use event_core::{ValueReader, WatcherExt};
    use futures_util::FutureExt;

    use super::*;

    fn take(mailbox: &Mailbox) -> Option<Change> {
        mailbox.take().now_or_never()
    }

    #[test]
    fn what_came_and_went_before_the_driver_took_it_leaves_nothing() {
        let mailbox = Mailbox::default();
        for _ in 0..1000 {
            let (id, _) = mailbox.subscribe(&"key".into());
            mailbox.unsubscribe(id.unwrap());
        }
        assert!(take(&mailbox).is_none());
    }

    #[test]
    fn the_watchers_of_a_key_share_one_subscription() {
        let mailbox = Mailbox::default();
        let (first, _) = mailbox.subscribe(&"key".into());
        let (second, _) = mailbox.subscribe(&"key".into());
        assert_eq!(first, second);
        assert_eq!(take(&mailbox).unwrap().subscribed.len(), 1);
        mailbox.unsubscribe(first.unwrap());
        assert!(take(&mailbox).is_none());
        mailbox.unsubscribe(first.unwrap());
        assert_eq!(take(&mailbox).unwrap().unsubscribed, [first.unwrap()]);
    }

    #[test]
    fn a_key_may_take_the_slot_of_one_that_leaves_in_the_same_change() {
        let mailbox = Mailbox::default();
        let (old, _) = mailbox.subscribe(&"old".into());
        take(&mailbox).unwrap();
        mailbox.unsubscribe(old.unwrap());
        let (new, _) = mailbox.subscribe(&"new".into());
        assert_eq!(new.unwrap().slot, old.unwrap().slot);
        let change = take(&mailbox).unwrap();
        assert_eq!(change.unsubscribed, [old.unwrap()]);
        assert_eq!(change.subscribed[&new.unwrap()].0, "new");
    }

    #[test]
    fn after_the_end_every_value_is_closed() {
        let mailbox = Mailbox::default();
        let (id, before) = mailbox.subscribe(&"key".into());
        mailbox.close();
        let (none, after) = mailbox.subscribe(&"key".into());
        assert_eq!(none, None);
        for cell in [before, after] {
            let closed = cell.watch().try_get().unwrap().unwrap_err();
            assert!(closed.is_closed());
        }
        assert!(mailbox.refresh(id).now_or_never().unwrap().is_err());
        mailbox.unsubscribe(id.unwrap());
        assert!(take(&mailbox).is_none());
    }
}
