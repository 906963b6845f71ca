//! A value, a map and a store that a test drives by hand. Feature `testing`.
//!
//! [`MemoryValue`] is enough for a test that sets values. A [`TestValue`] also says when the
//! code under test has taken a version and comes back for the next: so no test sleeps.
//!
//! ```
//! use event_core::testing::TestValue;
//! use event_core::{ValueReader, WatcherExt};
//!
//! /// The code under test.
//! async fn follow(limit: impl ValueReader<u32>, mut apply: impl FnMut(u32)) {
//!     let mut watcher = limit.watch();
//!     loop {
//!         match watcher.get().await {
//!             Ok(limit) => apply(limit),
//!             Err(error) if error.is_closed() => return,
//!             Err(_) => {} // the limit stays
//!         }
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU32, Ordering};
//!
//! let (limit, applied) = (TestValue::new(), Arc::new(AtomicU32::new(0)));
//! let task = tokio::spawn(follow(limit.reader(), {
//!     let applied = Arc::clone(&applied);
//!     move |limit| applied.store(limit, Ordering::SeqCst)
//! }));
//! limit.publish(10);
//! limit.handled().await;
//! assert_eq!(applied.load(Ordering::SeqCst), 10);
//! limit.close();
//! task.await.unwrap();
//! # });
//! ```

mod map;
mod store;
mod watched;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use crate::debug::debug;
use crate::{
    Epoch, Error, Health, HealthState, MemoryReader, MemoryValue, MemoryWatcher, ValueReader,
    ValueWriter, Watcher,
};
use watched::{Seen, Watched};

pub use map::{TestMap, TestMapReader, TestMapWatcher};
pub use store::TestStore;

/// A value that a test drives by hand.
///
/// It publishes versions and errors, counts its watchers, has a [`Health`], and says what the code under test
/// has taken.
pub struct TestValue<T> {
    value: MemoryValue<Version<T>>,
    /// How many versions were published.
    published: AtomicU64,
    health: MemoryValue<Health>,
    watched: Arc<Watched>,
}

/// A version and its number.
type Version<T> = (u64, Result<T, Error>);

impl<T: Clone> TestValue<T> {
    /// A value without a version, whose health is [`HealthState::Live`].
    #[must_use]
    pub fn new() -> Self {
        Self {
            value: MemoryValue::empty(),
            published: AtomicU64::new(0),
            health: MemoryValue::new(Health::new(HealthState::Live)),
            watched: Arc::new(Watched::new()),
        }
    }

    /// What the code under test is given.
    #[must_use]
    pub fn reader(&self) -> TestReader<T> {
        TestReader { value: self.value.reader(), watched: Arc::clone(&self.watched) }
    }

    /// Publishes a version.
    pub fn publish(&self, value: T) {
        self.publish_version(Ok(value));
    }

    /// Publishes a bad version.
    ///
    /// ```
    /// use event_core::testing::TestValue;
    /// use event_core::{Error, ErrorKind, ValueReader, WatcherExt};
    ///
    /// let limit = TestValue::<u32>::new();
    /// limit.fail(Error::new(ErrorKind::Decode, "expected a number"));
    /// let error = limit.reader().watch().try_get().unwrap().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Decode);
    /// ```
    pub fn fail(&self, error: Error) {
        self.publish_version(Err(error));
    }

    /// Ends the value: watchers take the last version, then get [`Closed`](crate::ErrorKind::Closed).
    pub fn close(self) {}

    /// The health that [`set_health`](Self::set_health) sets.
    #[must_use]
    pub fn health(&self) -> MemoryReader<Health> {
        self.health.reader()
    }

    /// Sets the health.
    ///
    /// ```
    /// use event_core::testing::TestValue;
    /// use event_core::{Health, HealthState, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let limit = TestValue::<u32>::new();
    /// limit.set_health(Health::new(HealthState::Stalled));
    /// assert_eq!(limit.health().get().await.unwrap().state, HealthState::Stalled);
    /// # });
    /// ```
    pub fn set_health(&self, health: Health) {
        self.health.set(health);
    }

    /// How many watchers there are.
    ///
    /// ```
    /// use event_core::ValueReader;
    /// use event_core::testing::TestValue;
    ///
    /// let limit = TestValue::<u32>::new();
    /// let watcher = limit.reader().watch();
    /// assert_eq!(limit.watchers(), 1);
    /// drop(watcher);
    /// assert_eq!(limit.watchers(), 0);
    /// ```
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.watched.lock().len()
    }

    /// Waits until there are exactly so many watchers.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn watched_by(&self, watchers: usize) {
        self.until(|seen, _| seen.len() == watchers).await;
    }

    /// Waits until there is a watcher, and each one has taken the newest version.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn taken(&self) {
        self.until(|seen, newest| {
            !seen.is_empty() && seen.values().all(|seen| seen.taken == newest)
        })
        .await;
    }

    /// Waits until there is a watcher, and each one has taken the newest version and waits for the next: the code
    /// under test is done with this one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn handled(&self) {
        self.until(|seen, newest| {
            !seen.is_empty() && seen.values().all(|seen| seen.taken == newest && seen.waits)
        })
        .await;
    }

    async fn until(&self, is_so: impl Fn(&BTreeMap<u64, Seen>, u64) -> bool) {
        self.watched.until(|seen| is_so(seen, self.published.load(Ordering::SeqCst))).await;
    }

    fn publish_version(&self, version: Result<T, Error>) {
        let number = self.published.fetch_add(1, Ordering::SeqCst) + 1;
        self.value.set((number, version));
    }
}

impl<T: Clone> Default for TestValue<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// A reader of a [`TestValue`].
pub struct TestReader<T> {
    value: MemoryReader<Version<T>>,
    watched: Arc<Watched>,
}

impl<T> Clone for TestReader<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), watched: Arc::clone(&self.watched) }
    }
}

impl<T: Clone> ValueReader<T> for TestReader<T> {
    type Watcher = TestWatcher<T>;

    fn watch(&self) -> TestWatcher<T> {
        let id = self.watched.add();
        TestWatcher { watcher: self.value.watch(), id, watched: Arc::clone(&self.watched) }
    }
}

/// A watcher of a [`TestValue`].
#[must_use = "a watcher does nothing unless it is polled"]
pub struct TestWatcher<T> {
    watcher: MemoryWatcher<Version<T>>,
    id: u64,
    watched: Arc<Watched>,
}

impl<T: Clone> Watcher<T> for TestWatcher<T> {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        match self.watcher.poll_get(cx) {
            Poll::Ready(Ok((taken, version))) => {
                self.watched.update(self.id, |seen| *seen = Seen { taken, waits: false });
                Poll::Ready(version)
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.watched.update(self.id, |seen| seen.waits = true);
                Poll::Pending
            }
        }
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch()
    }
}

impl<T> Drop for TestWatcher<T> {
    fn drop(&mut self) {
        self.watched.remove(self.id);
    }
}

debug!(TestValue<T> {});
debug!(TestReader<T> {});
debug!(TestWatcher<T> {});
