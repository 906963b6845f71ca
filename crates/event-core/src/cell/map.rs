//! The entries of a map, and who waits for a change.
//!
//! One lock, as with the cell of a value. A step is applied as a whole under it, and a watcher that has nothing left
//! to take finds that out under it: so what a watcher has taken by then is the map as of a step.
//!
//! Under the lock runs no code of a user but the `clone` of a key, of a value and of a waker, and `==` of a key; in
//! `replace_all` also `==` of a value. They run before anything changes, so a panic of one loses nothing. What is
//! replaced is dropped, and tasks are woken, after the lock is released.

mod cursors;
mod log;
mod positions;
mod slab;
mod step;
mod table;
mod take;

#[cfg(all(test, event_loom))]
mod loom_tests;
#[cfg(all(test, not(event_loom)))]
mod tests;

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::task::Context;

use hashbrown::DefaultHashBuilder;

use super::wakers::{Place, Wakers, Woken};
use super::{Epoch, Lock};
use crate::Error;
use cursors::Cursors;
use log::{Garbage, Log};

pub use step::Step;

#[derive(Debug)]
pub(crate) struct MapCell<K, V> {
    state: Lock<State<K, V>>,
    hasher: DefaultHashBuilder,
}

#[derive(Debug)]
struct State<K, V> {
    log: Log<K, V>,
    cursors: Cursors,
    /// The backend has read the whole range once.
    is_synced: bool,
    /// Why the map ended, if its last writer said so.
    end: Option<Error>,
    /// Who waits, and how many may publish. The map ends with the last of these.
    wakers: Wakers,
}

/// A watcher's place in the changes of one map.
#[derive(Debug)]
pub(crate) struct MapCursor {
    id: u32,
    /// It yielded that the map is synced.
    is_synced: bool,
    /// The map's newest change when the watcher began: it has taken no key that was deleted before.
    began: u64,
    /// Where in the log it probably goes on.
    hint: usize,
    /// Where its waker lies.
    place: Place,
}

type Guard<'a, K, V> = super::lock::Guard<'a, State<K, V>>;

impl<K, V> MapCell<K, V> {
    /// A map with one writer.
    pub(crate) fn new(is_synced: bool) -> Self {
        Self {
            state: Lock::new(State {
                log: Log::new(),
                cursors: Cursors::new(),
                is_synced,
                end: None,
                wakers: Wakers::at_epoch(0),
            }),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// The backend has read the whole range.
    pub(crate) fn set_synced(&self) {
        let mut state = self.state.lock();
        if !std::mem::replace(&mut state.is_synced, true) {
            let woken = state.wakers.next_epoch();
            drop(state);
            self.wake(woken);
        }
    }

    pub(crate) fn add_writer(&self) {
        self.state.lock().wakers.add_writer();
    }

    /// One writer fewer. The map ends with the last of them, for the reason `why`.
    pub(crate) fn remove_writer(&self, why: Option<Error>) {
        let mut state = self.state.lock();
        let woken = state.wakers.remove_writer();
        if state.wakers.writers() == 0 {
            state.end = why;
        }
        drop(state);
        self.wake(woken);
    }

    /// Wakes those who wait, without a change.
    pub(crate) fn wake_all(&self) {
        let woken = self.state.lock().wakers.next_epoch();
        self.wake(woken);
    }

    /// The cell's epoch, for those who look without the lock.
    pub(crate) fn epoch(&self) -> Epoch {
        Epoch::of(self.state.lock().wakers.counter())
    }

    /// Starts a watcher. [`unregister`](Self::unregister) ends it.
    pub(crate) fn watch(&self) -> MapCursor {
        let mut state = self.state.lock();
        let (id, began) = (state.cursors.add(), state.log.newest());
        let place = Place::default();
        MapCursor { id, is_synced: false, began, hint: 0, place }
    }

    /// Ends a watcher, and takes its waker back.
    pub(crate) fn unregister(&self, cursor: &mut MapCursor) {
        let mut garbage = Garbage::default();
        let mut state = self.state.lock();
        let State { log, cursors, wakers, .. } = &mut *state;
        let place = cursors.remove(cursor.id);
        log.left(place, cursors, &mut garbage);
        let waker = wakers.unregister(&mut cursor.place);
        drop(state);
        drop((garbage, waker));
    }

    /// Takes the watcher's waker back: its task is awake.
    pub(crate) fn unregister_waker(&self, cursor: &mut MapCursor) {
        if cursor.place.has_slot() {
            let old = self.state.lock().wakers.unregister(&mut cursor.place);
            drop(old);
        }
    }

    /// Leaves the task's waker, without a look at the changes.
    pub(crate) fn register(&self, cursor: &mut MapCursor, cx: &Context<'_>) {
        let old = self.state.lock().wakers.register(&mut cursor.place, cx.waker());
        drop(old);
    }

    fn announce(&self, committed: Committed<K, V>) {
        self.wake(committed.woken);
        drop(committed.garbage);
    }

    #[inline]
    fn wake(&self, woken: Woken) {
        if let Some(buffer) = woken.wake() {
            self.state.lock().wakers.reuse(buffer);
        }
    }
}

impl<K: Hash + Eq, V> MapCell<K, V> {
    /// An empty step for this map.
    pub(crate) fn step(&self) -> Step<K, V> {
        Step::new(self.hasher.clone())
    }

    /// Makes `value` the newest version of a key, and wakes those who wait.
    pub(crate) fn put(&self, key: K, value: Result<V, Error>) {
        let hash = self.hasher.hash_one(&key);
        let mut garbage = Garbage::default();
        let mut state = self.state.lock();
        let found = state.log.find(hash, |other| *other == key);
        state.log.put(found, hash, key, value, &mut garbage);
        let woken = state.settle(&mut garbage);
        drop(state);
        self.wake(woken);
        drop(garbage);
    }

    /// Deletes a key, and wakes those who wait. Returns whether it was there.
    pub(crate) fn delete<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let mut garbage = Garbage::default();
        let mut state = self.state.lock();
        let Some(slot) = state.log.find(hash, |other| other.borrow() == key) else { return false };
        let State { log, cursors, .. } = &mut *state;
        if !log.delete(slot, cursors, &mut garbage) {
            return false;
        }
        let woken = state.settle(&mut garbage);
        drop(state);
        self.wake(woken);
        drop(garbage);
        true
    }

    /// Applies a step as a whole, and wakes those who wait once.
    pub(crate) fn apply(&self, step: Step<K, V>) {
        self.apply_and_sync(step, false);
    }

    /// The same. If `is_synced`, the map is as of then the whole range.
    pub(crate) fn apply_and_sync(&self, step: Step<K, V>, is_synced: bool) {
        self.announce(self.commit_all(step, is_synced));
    }

    /// The same, for a caller with a lock of its own: those who wait are woken when what this returns is dropped.
    pub(crate) fn apply_quietly(
        self: &Arc<Self>,
        step: Step<K, V>,
        is_synced: bool,
    ) -> AppliedStep<K, V> {
        AppliedStep { cell: Arc::clone(self), committed: self.commit_all(step, is_synced) }
    }

    fn commit_all(&self, step: Step<K, V>, is_synced: bool) -> Committed<K, V> {
        let state = self.state.lock();
        let found: Vec<_> = step.changes.iter().map(|change| state.find(change)).collect();
        let changes = step.changes.into_iter().zip(found);
        Self::commit(state, changes, Vec::new(), is_synced)
    }

    /// Makes the changes of `step` and deletes all other keys, as one step. What is equal stays untouched.
    pub(crate) fn replace(&self, step: Step<K, V>)
    where
        V: PartialEq,
    {
        let is_same = |old: &Result<V, Error>, new: &Result<V, Error>| match (old, new) {
            (Ok(old), Ok(new)) => old == new,
            _ => false,
        };
        self.merge(step, Merge { is_whole: true, is_synced: false }, is_same);
    }

    /// Makes those changes of `step` that differ from what there is, as one step. `is_same` runs under the lock.
    /// Returns whether anything changed.
    pub(crate) fn merge(
        &self,
        step: Step<K, V>,
        merge: Merge,
        is_same: impl Fn(&Result<V, Error>, &Result<V, Error>) -> bool,
    ) -> bool {
        let state = self.state.lock();
        let gone: Vec<_> = if merge.is_whole {
            let gone = state.log.present().filter(|(_, entry)| !step.has(entry.hash, &entry.key));
            gone.map(|(slot, _)| slot).collect()
        } else {
            Vec::new()
        };
        let found = step.changes.iter().map(|change| {
            let found = state.find(change);
            let old = found.and_then(|slot| state.log.entry(slot).value.as_ref());
            let is_equal =
                matches!((old, &change.value), (Some(old), Some(new)) if is_same(old, new));
            (found, is_equal)
        });
        let found: Vec<_> = found.collect();
        let changes = step.changes.into_iter().zip(found);
        let (changes, equal): (Vec<_>, Vec<_>) = changes.partition(|(_, (_, is_equal))| !is_equal);
        let changes = changes.into_iter().map(|(change, (found, _))| (change, found));
        let committed = Self::commit(state, changes, gone, merge.is_synced);
        let has_changed = committed.has_changed;
        self.announce(committed);
        drop(equal);
        has_changed
    }

    /// Applies changes whose slots were found. No code of a user runs here while the lock is held.
    fn commit(
        mut state: Guard<'_, K, V>,
        changes: impl Iterator<Item = (step::StepChange<K, V>, Option<u32>)>,
        gone: Vec<u32>,
        is_synced: bool,
    ) -> Committed<K, V> {
        let mut garbage = Garbage::default();
        let mut has_changed = is_synced && !std::mem::replace(&mut state.is_synced, true);
        let State { log, cursors, .. } = &mut *state;
        for slot in gone {
            has_changed |= log.delete(slot, cursors, &mut garbage);
        }
        for (change, found) in changes {
            match (change.value, found) {
                (Some(value), _) => {
                    log.put(found, change.hash, change.key, value, &mut garbage);
                    has_changed = true;
                }
                (None, found) => {
                    garbage.keys.push(change.key);
                    has_changed |=
                        found.is_some_and(|slot| log.delete(slot, cursors, &mut garbage));
                }
            }
        }
        let woken = if has_changed { state.settle(&mut garbage) } else { Woken::Nobody };
        Committed { has_changed, woken, garbage }
    }
}

/// How a step is merged into what there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Merge {
    /// The step has the whole range: a key that it does not have is gone.
    pub(crate) is_whole: bool,
    /// With the step, the map is the whole range.
    pub(crate) is_synced: bool,
}

/// What is left to do when the lock is released.
#[must_use = "those who wait must be woken"]
#[derive(Debug)]
struct Committed<K, V> {
    has_changed: bool,
    woken: Woken,
    garbage: Garbage<K, V>,
}

/// A step that is applied, but nobody is woken yet. Dropping it wakes them: not under a lock. A drop and no method,
/// since of several the others are dropped even if a waker panics.
#[must_use = "those who wait are woken when it is dropped"]
pub(crate) struct AppliedStep<K, V> {
    cell: Arc<MapCell<K, V>>,
    committed: Committed<K, V>,
}

impl<K, V> Drop for AppliedStep<K, V> {
    fn drop(&mut self) {
        self.cell.wake(std::mem::replace(&mut self.committed.woken, Woken::Nobody));
    }
}

impl<K, V> State<K, V> {
    /// To be called after each step. Gives those to wake, when the lock is released.
    fn settle(&mut self, garbage: &mut Garbage<K, V>) -> Woken {
        self.log.settle(&self.cursors, garbage);
        self.wakers.next_epoch()
    }
}

impl<K: Eq, V> State<K, V> {
    fn find(&self, change: &step::StepChange<K, V>) -> Option<u32> {
        self.log.find(change.hash, |other| *other == change.key)
    }
}
