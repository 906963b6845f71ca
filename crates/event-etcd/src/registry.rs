//! Which keys the program follows: written by its handles, read by the driver.
//!
//! One entry per key, however many values and watchers there are: the first watcher of a key makes
//! it, the last one removes it. What the driver has not seen yet is kept as the difference to what
//! it has, so it is bounded by the keys and not by how often watchers come and go.

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use event_core::{Bytes, Entry, MemoryReader, MemoryValue};
use tokio::sync::{Notify, oneshot};

use crate::protocol::Failure;
use crate::session::KeyId;

#[derive(Debug, Default)]
pub(crate) struct Registry {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    followed: HashMap<Bytes, Followed>,
    /// What the driver has not seen yet.
    change: Change,
    refreshes: HashMap<KeyId, Refresh>,
    /// Ids are never used twice.
    next: u64,
    last_heard: Option<Instant>,
    /// The store ended: nothing will come.
    closed: bool,
}

/// Who waits for a read of a key. The session has one refresh of it at a time: who asks while that is
/// under way, and may so have been too late for its read, waits for the next.
#[derive(Debug, Default)]
struct Refresh {
    this: Vec<Waits>,
    next: Vec<Waits>,
}

type Waits = oneshot::Sender<Result<(), Failure>>;

#[derive(Debug)]
struct Followed {
    id: KeyId,
    cell: MemoryReader<Entry>,
    watchers: usize,
}

/// What the program wants since the driver last asked.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) followed: BTreeMap<KeyId, (Bytes, MemoryValue<Entry>)>,
    pub(crate) left: Vec<KeyId>,
    pub(crate) refreshes: Vec<KeyId>,
    /// Endpoints that were added (`true`) or removed.
    pub(crate) endpoints: Vec<(String, bool)>,
}

/// One watcher's share in a key. Dropping it gives the share back.
#[derive(Debug)]
pub(crate) struct Following {
    registry: Arc<Registry>,
    key: Bytes,
    id: KeyId,
    pub(crate) cell: MemoryReader<Entry>,
}

impl Registry {
    pub(crate) fn follow(self: &Arc<Self>, key: Bytes) -> Following {
        let mut state = self.lock();
        if let Some(followed) = state.followed.get_mut(&key) {
            followed.watchers += 1;
            let (id, cell) = (followed.id, followed.cell.clone());
            return Following { registry: Arc::clone(self), key, id, cell };
        }
        let value = MemoryValue::empty();
        let (id, cell) = (state.next_id(), value.reader());
        if !state.closed {
            state.followed.insert(key.clone(), Followed { id, cell: cell.clone(), watchers: 1 });
            state.change.followed.insert(id, (key.clone(), value));
            self.changed.notify_one();
        }
        Following { registry: Arc::clone(self), key, id, cell }
    }

    /// Asks for a read of a key that is followed. What it gives ends when the read is told, or with
    /// an error when the driver goes.
    pub(crate) fn refresh(&self, following: &Following) -> oneshot::Receiver<Result<(), Failure>> {
        let (done, answer) = oneshot::channel();
        let mut state = self.lock();
        if !state.closed {
            if let Some(refresh) = state.refreshes.get_mut(&following.id) {
                refresh.next.retain(|waits| !waits.is_closed());
                refresh.next.push(done);
            } else {
                state
                    .refreshes
                    .insert(following.id, Refresh { this: vec![done], next: Vec::new() });
                state.change.refreshes.push(following.id);
                self.changed.notify_one();
            }
        }
        answer
    }

    pub(crate) fn change_endpoint(&self, endpoint: String, add: bool) {
        let mut state = self.lock();
        state.change.endpoints.retain(|(other, _)| *other != endpoint);
        state.change.endpoints.push((endpoint, add));
        self.changed.notify_one();
    }

    pub(crate) fn last_heard(&self) -> Option<Instant> {
        self.lock().last_heard
    }

    // The driver's side.

    /// Waits until something changed. Cancel safe.
    pub(crate) async fn change(&self) -> Change {
        loop {
            if let Some(change) = self.lock().take_change() {
                return change;
            }
            self.changed.notified().await;
        }
    }

    pub(crate) fn heard(&self, at: Option<Instant>) {
        self.lock().last_heard = at;
    }

    /// A refresh of a key is done. Begins the next, if somebody waits for it.
    pub(crate) fn refreshed(&self, id: KeyId, result: &Result<(), Failure>) {
        let mut state = self.lock();
        let Some(mut refresh) = state.refreshes.remove(&id) else { return };
        refresh.next.retain(|waits| !waits.is_closed());
        if !refresh.next.is_empty() {
            state.refreshes.insert(id, Refresh { this: refresh.next, next: Vec::new() });
            state.change.refreshes.push(id);
            self.changed.notify_one();
        }
        drop(state);
        for waits in refresh.this {
            let _ = waits.send(result.clone()); // who asked may be gone
        }
    }

    /// The store ends. What the driver has not seen ends here, and so does what comes later.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.followed.clear();
        let ended = (mem::take(&mut state.change), mem::take(&mut state.refreshes));
        drop(state);
        drop(ended); // ends cells, which wakes tasks: not under the lock
    }

    fn leave(&self, key: &Bytes, id: KeyId) {
        let mut state = self.lock();
        let Some(followed) = state.followed.get_mut(key).filter(|followed| followed.id == id)
        else {
            return;
        };
        followed.watchers -= 1;
        if followed.watchers > 0 {
            return;
        }
        state.followed.remove(key);
        let unseen = state.change.followed.remove(&id);
        if unseen.is_none() {
            state.change.left.push(id);
            self.changed.notify_one();
        }
        drop(state);
        drop(unseen);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn take_change(&mut self) -> Option<Change> {
        let Change { followed, left, refreshes, endpoints } = &self.change;
        if followed.is_empty() && left.is_empty() && refreshes.is_empty() && endpoints.is_empty() {
            return None;
        }
        Some(mem::take(&mut self.change))
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.registry.leave(&self.key, self.id);
    }
}
