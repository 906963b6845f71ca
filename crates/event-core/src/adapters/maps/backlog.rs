//! Changes that were taken from below, and wait for their turn.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use crate::{Change, Error, MapWatcher};

/// Holds the changes of a chunk while a function of the program runs for each of them, which may panic.
#[derive(Debug)]
pub(super) struct Backlog<K, V> {
    /// As they were taken. If taking them panicked, those before are here.
    taken: Vec<Change<K, V>>,
    changes: VecDeque<Change<K, V>>,
}

impl<K, V> Backlog<K, V> {
    pub(super) const fn new() -> Self {
        Self { taken: Vec::new(), changes: VecDeque::new() }
    }

    /// Takes up to `limit` changes more, as [`MapWatcher::poll_changes`] does.
    pub(super) fn poll(
        &mut self,
        watcher: &mut impl MapWatcher<K, V>,
        cx: &mut Context<'_>,
        limit: usize,
    ) -> Poll<Result<(), Error>> {
        let polled = watcher.poll_changes(cx, limit, &mut self.taken);
        self.changes.extend(self.taken.drain(..));
        polled
    }

    pub(super) fn first(&mut self) -> Option<&Change<K, V>> {
        self.changes.extend(self.taken.drain(..));
        self.changes.front()
    }

    pub(super) fn pop(&mut self) -> Option<Change<K, V>> {
        self.changes.extend(self.taken.drain(..));
        self.changes.pop_front()
    }
}
