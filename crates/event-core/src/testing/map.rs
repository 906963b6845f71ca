//! A map that a test drives by hand.

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use super::watched::{Seen, Watched};
use crate::debug::debug;
use crate::{
    Change, Epoch, Error, MapReader, MapWatcher, MemoryMap, MemoryMapReader, MemoryMapWatcher, Step,
};

/// A map that a test drives by hand. It is empty, and not synced until the test says so, as if the backend had not
/// answered yet.
///
/// It publishes steps, counts its watchers, and says what the code under test has taken.
///
/// ```
/// use event_core::testing::TestMap;
/// use event_core::{MapReader, MapWatcherExt};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let map = TestMap::new();
/// let mut watcher = map.reader().watch();
/// let task = tokio::spawn(async move { while watcher.change().await.is_ok() {} });
/// map.apply(|step| step.insert("a", 1));
/// map.set_synced();
/// map.handled().await;
/// map.close();
/// task.await.unwrap();
/// # });
/// ```
pub struct TestMap<K, V> {
    map: MemoryMap<K, V>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// How many steps were published. Held while one is, and while a watcher looks.
    published: Mutex<u64>,
    watched: Watched,
}

impl<K: Hash + Eq, V> TestMap<K, V> {
    /// An empty map that is not synced.
    #[must_use]
    pub fn new() -> Self {
        let shared = Shared { published: Mutex::new(0), watched: Watched::new() };
        Self { map: MemoryMap::unsynced(), shared: Arc::new(shared) }
    }

    /// What the code under test is given.
    #[must_use]
    pub fn reader(&self) -> TestMapReader<K, V> {
        TestMapReader { map: self.map.reader(), shared: Arc::clone(&self.shared) }
    }

    /// Publishes a step, which `f` fills: puts, deletes and errors of keys.
    pub fn apply(&self, f: impl FnOnce(&mut Step<K, V>)) {
        self.publish(f, false);
    }

    /// Says that the backend has read the whole range.
    pub fn set_synced(&self) {
        self.publish(|_| {}, true);
    }

    /// How many watchers there are.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.shared.watched.lock().len()
    }

    /// Waits until there are exactly so many watchers.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn watched_by(&self, watchers: usize) {
        self.shared.watched.until(|seen| seen.len() == watchers).await;
    }

    /// Waits until there is a watcher, and each one has taken every change and waits for the next: the code under test
    /// is done with them.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn handled(&self) {
        let is_handled = |seen: &Seen| seen.waits && seen.taken == *self.shared.published();
        self.shared.watched.until(|seen| !seen.is_empty() && seen.values().all(is_handled)).await;
    }

    /// Ends the map: watchers take what is there, then get [`Closed`](crate::ErrorKind::Closed).
    pub fn close(self) {}

    fn publish(&self, f: impl FnOnce(&mut Step<K, V>), is_synced: bool) {
        let mut step = self.map.step();
        f(&mut step);
        let mut published = self.shared.published();
        *published += 1;
        let applied = self.map.apply_quietly(step, is_synced);
        drop(published);
        drop(applied); // wakes tasks: not under the lock
    }
}

impl<K: Hash + Eq, V> Default for TestMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl Shared {
    fn published(&self) -> MutexGuard<'_, u64> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader of a [`TestMap`].
pub struct TestMapReader<K, V> {
    map: MemoryMapReader<K, V>,
    shared: Arc<Shared>,
}

impl<K, V> Clone for TestMapReader<K, V> {
    fn clone(&self) -> Self {
        Self { map: self.map.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<K: Clone, V: Clone> MapReader<K, V> for TestMapReader<K, V> {
    type Watcher = TestMapWatcher<K, V>;

    fn watch(&self) -> TestMapWatcher<K, V> {
        let id = self.shared.watched.add();
        TestMapWatcher { watcher: self.map.watch(), id, shared: Arc::clone(&self.shared) }
    }
}

/// A watcher of a [`TestMap`].
#[must_use = "a watcher does nothing unless it is polled"]
pub struct TestMapWatcher<K, V> {
    watcher: MemoryMapWatcher<K, V>,
    id: u64,
    shared: Arc<Shared>,
}

impl<K: Clone, V: Clone> MapWatcher<K, V> for TestMapWatcher<K, V> {
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<Result<Change<K, V>, Error>> {
        let published = self.shared.published();
        let (taken, polled) = (*published, self.watcher.poll_change(cx));
        drop(published);
        self.shared.watched.update(self.id, |seen| match polled {
            Poll::Pending => *seen = Seen { taken, waits: true },
            Poll::Ready(_) => seen.waits = false,
        });
        polled
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch()
    }
}

impl<K, V> Drop for TestMapWatcher<K, V> {
    fn drop(&mut self) {
        self.shared.watched.remove(self.id);
    }
}

debug!(TestMap < K, V > {});
debug!(TestMapReader < K, V > {});
debug!(TestMapWatcher < K, V > {});
