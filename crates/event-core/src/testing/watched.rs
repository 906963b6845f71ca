//! What the code under test has taken.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{MemoryValue, ValueReader, ValueWriter, WatcherExt};

/// The watchers of a value or of a map.
#[derive(Debug)]
pub(super) struct Watched {
    next: AtomicU64,
    watchers: Mutex<BTreeMap<u64, Seen>>,
    /// Set whenever one of them moved.
    moved: MemoryValue<()>,
}

/// What a watcher has taken.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// The number of a version or of a step.
    pub(super) taken: u64,
    /// It asked for a newer one, and waits.
    pub(super) waits: bool,
}

impl Watched {
    pub(super) fn new() -> Self {
        let next = AtomicU64::new(0);
        Self { next, watchers: Mutex::default(), moved: MemoryValue::empty() }
    }

    /// A new watcher.
    pub(super) fn add(&self) -> u64 {
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        self.update(id, |_| {});
        id
    }

    pub(super) fn update(&self, id: u64, change: impl FnOnce(&mut Seen)) {
        change(self.lock().entry(id).or_default());
        self.moved.set(());
    }

    pub(super) fn remove(&self, id: u64) {
        self.lock().remove(&id);
        self.moved.set(());
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Seen>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn until(&self, is_so: impl Fn(&BTreeMap<u64, Seen>) -> bool) {
        let mut moved = self.moved.watch();
        while !is_so(&self.lock()) {
            // Never closed: the value that moves lives as long as this one.
            let _ = moved.get().await;
        }
    }
}
