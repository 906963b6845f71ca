//! Waiting for the first version of a key, or for the first whole read of a map.

use std::task::Context;

use crate::{Entry, MemoryReader, MemoryWatcher, ValueReader, Watcher};

/// Says whether a key or a map was read. It takes no version from anybody.
#[derive(Debug)]
pub(super) enum First {
    Key(MemoryWatcher<Entry>),
    Map(MemoryWatcher<()>),
}

impl First {
    pub(super) fn of_key(key: &MemoryReader<Entry>) -> Self {
        Self::Key(key.watch())
    }

    /// `is_read` has a version when the whole range was read.
    pub(super) fn of_map(is_read: &MemoryReader<()>) -> Self {
        Self::Map(is_read.watch())
    }

    /// Whether it was read, or ended. If not, the task of `cx` is woken when that changes. Ask it again only while it
    /// says no.
    pub(super) fn is_read(&mut self, cx: &mut Context<'_>) -> bool {
        match self {
            Self::Key(watcher) => watcher.poll_get(cx).is_ready(),
            Self::Map(watcher) => watcher.poll_get(cx).is_ready(),
        }
    }
}
