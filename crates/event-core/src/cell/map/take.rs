//! What a watcher takes of a map.

use std::task::{Context, Poll};

use super::log::Garbage;
use super::{Guard, MapCell, MapCursor, State};
use crate::{Change, Error};

impl<K: Clone, V: Clone> MapCell<K, V> {
    /// Takes the next change, else leaves the task's waker.
    #[inline]
    pub(crate) fn poll_change(
        &self,
        cursor: &mut MapCursor,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Change<K, V>, Error>> {
        let mut garbage = Garbage::default();
        let mut state = self.state.lock();
        if let Some(change) = state.take(cursor, &mut garbage) {
            drop(state);
            drop(garbage);
            return Poll::Ready(Ok(change));
        }
        Self::poll_end(state, cursor, cx)
    }

    /// Appends up to `limit` changes, which are taken at once. `Pending` if that were all, and the task's waker is
    /// left; an error only if there was none.
    pub(crate) fn poll_changes(
        &self,
        cursor: &mut MapCursor,
        cx: &mut Context<'_>,
        limit: usize,
        into: &mut Vec<Change<K, V>>,
    ) -> Poll<Result<(), Error>> {
        let mut garbage = Garbage::default();
        let mut state = self.state.lock();
        let taken = state.take_many(cursor, limit, into, &mut garbage);
        if taken == limit || (taken > 0 && state.wakers.writers() == 0) {
            drop(state);
            drop(garbage);
            return Poll::Ready(Ok(()));
        }
        let end = Self::poll_end(state, cursor, cx);
        drop(garbage);
        end
    }

    /// Takes the next change. Leaves no waker.
    pub(crate) fn take(&self, cursor: &mut MapCursor) -> Option<Change<K, V>> {
        let mut garbage = Garbage::default();
        let mut state = self.state.lock();
        let change = state.take(cursor, &mut garbage);
        drop(state);
        drop(garbage);
        change
    }

    /// Appends up to `limit` changes. Leaves no waker.
    pub(crate) fn take_changes(
        &self,
        cursor: &mut MapCursor,
        limit: usize,
        into: &mut Vec<Change<K, V>>,
    ) {
        let mut garbage = Garbage::default();
        let mut state = self.state.lock();
        state.take_many(cursor, limit, into, &mut garbage);
        drop(state);
        drop(garbage);
    }

    fn poll_end<T>(
        mut state: Guard<'_, K, V>,
        cursor: &mut MapCursor,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, Error>> {
        if state.wakers.writers() == 0 {
            let why = state.end.clone();
            drop(state);
            let closed = cursor.place.end.poll(cx);
            return closed.map_err(|closed| why.unwrap_or(closed));
        }
        let old = state.wakers.register(&mut cursor.place, cx.waker());
        drop(state);
        drop(old); // a task's last waker drops the task, and with it perhaps a watcher of this map
        Poll::Pending
    }
}

impl MapCursor {
    /// Whether this watcher has taken nothing yet.
    pub(crate) fn is_fresh(&self) -> bool {
        self.hint == 0 && !self.is_synced
    }
}

impl<K: Clone, V: Clone> State<K, V> {
    /// The next change of a watcher.
    #[inline]
    fn take(
        &mut self,
        cursor: &mut MapCursor,
        garbage: &mut Garbage<K, V>,
    ) -> Option<Change<K, V>> {
        let Self { log, cursors, .. } = self;
        while cursors.place(cursor.id) < log.newest() {
            let Some((at, entry)) = log.next(cursors.place(cursor.id), cursor.hint) else { break };
            // Cloned before it counts as taken: a `clone` may panic.
            let change = match &entry.value {
                Some(Ok(value)) => {
                    Some(Change::Put { key: entry.key.clone(), value: value.clone() })
                }
                Some(Err(error)) => {
                    Some(Change::Failed { key: entry.key.clone(), error: error.clone() })
                }
                None if entry.number <= cursor.began => None,
                None => Some(Change::Delete { key: entry.key.clone() }),
            };
            let is_tombstone = entry.value.is_none();
            cursors.advance(cursor.id, entry.number);
            cursor.hint = at + 1;
            if is_tombstone {
                log.took_tombstone();
                log.settle(cursors, garbage);
            }
            if change.is_some() {
                return change;
            }
        }
        cursors.advance(cursor.id, log.newest());
        cursor.hint = log.end();
        if !self.is_synced || cursor.is_synced {
            return None;
        }
        cursor.is_synced = true;
        Some(Change::Synced)
    }

    /// Appends the next changes of a watcher. Returns how many that were.
    fn take_many(
        &mut self,
        cursor: &mut MapCursor,
        limit: usize,
        into: &mut Vec<Change<K, V>>,
        garbage: &mut Garbage<K, V>,
    ) -> usize {
        let mut taken = 0;
        while taken < limit {
            let Some(change) = self.take(cursor, garbage) else { break };
            into.push(change);
            taken += 1;
        }
        taken
    }
}
