//! What a contender has seen of its keys.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::keys;

/// What takes longer than this never comes.
const NEVER: Duration = Duration::from_secs(120);

/// The newest generation that was seen of each key, and how many lack the one that is awaited.
///
/// All contenders report each value here, so it costs all of them the same.
#[derive(Debug)]
pub(crate) struct Board {
    newest: Vec<AtomicU32>,
    wanted: AtomicU32,
    lacking: AtomicUsize,
    complete: Notify,
    /// How many values were taken.
    taken: AtomicU64,
}

impl Board {
    /// A board of so many keys that waits for their first generation, which is 1.
    pub(crate) fn new(keys: usize) -> Self {
        Self {
            newest: (0..keys).map(|_| AtomicU32::new(0)).collect(),
            wanted: AtomicU32::new(1),
            lacking: AtomicUsize::new(keys),
            complete: Notify::new(),
            taken: AtomicU64::new(0),
        }
    }

    /// A value of a key was taken.
    pub(crate) fn take(&self, key: usize, value: &[u8]) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        let generation = keys::generation(value);
        let before = self.newest[key].fetch_max(generation, Ordering::SeqCst);
        let wanted = self.wanted.load(Ordering::SeqCst);
        if before < wanted
            && generation >= wanted
            && self.lacking.fetch_sub(1, Ordering::SeqCst) == 1
        {
            self.complete.notify_one();
        }
    }

    /// Awaits another generation from now on, of all keys. Before it is written.
    pub(crate) fn want(&self, generation: u32) {
        self.lacking.store(self.newest.len(), Ordering::SeqCst);
        self.wanted.store(generation, Ordering::SeqCst);
    }

    /// Waits until all keys have the generation.
    pub(crate) async fn complete(&self) {
        let complete = timeout(NEVER, self.complete.notified()).await.is_ok();
        let lacking = self.lacking.load(Ordering::SeqCst);
        assert!(complete, "{lacking} keys lack the value");
    }

    /// How many values were taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}
