//! What you call on a watcher of a map.

use std::hash::Hash;
use std::task::{Context, Poll, Waker};

#[cfg(feature = "tower")]
use crate::adapters::IntoDiscover;
use crate::adapters::{
    IntoBatches, IntoChanges, NextChange, NextChanges, WaitUntilSynced, WithPrevious,
};
use crate::{BoxMapWatcher, Change, Error, MapWatcher};

/// The methods of every [`MapWatcher`]. You can't implement it: every watcher has it already.
pub trait MapWatcherExt<K, V>: MapWatcher<K, V> {
    /// Waits for the next change. The first calls return what is there, then [`Change::Synced`].
    ///
    /// If the program acts on each change, it acts in the middle of a step. To get whole steps, call
    /// [`changes`](Self::changes).
    ///
    /// # Errors
    ///
    /// Only if the map [ended](Error::is_closed), and each change was returned: leave the loop. An error of one key is
    /// a [`Change::Failed`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing. Use it in `select!`; it allocates nothing there.
    ///
    /// ```
    /// use event_core::{Change, MapReader, MapWatcherExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.insert("a", 1);
    /// let mut watcher = map.watch();
    /// assert!(matches!(watcher.change().await, Ok(Change::Put { key: "a", value: 1 })));
    /// assert!(matches!(watcher.change().await, Ok(Change::Synced)));
    /// # });
    /// ```
    fn change(&mut self) -> NextChange<'_, Self, K, V> {
        NextChange::new(self)
    }

    /// Waits for a change, and returns all changes that there are, at least one. After [`Change::Synced`],
    /// each such batch ends with a step: with it, what was returned is the map as of that step.
    ///
    /// A batch may be as large as the map. Where that is too much at once, call [`change`](Self::change).
    ///
    /// # Errors
    ///
    /// As [`change`](Self::change).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    ///
    /// ```
    /// use event_core::{MapReader, MapWatcherExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.insert("a", 1);
    /// let mut watcher = map.watch();
    /// assert_eq!(watcher.changes().await.unwrap().len(), 2); // `a`, and `Synced`
    /// map.apply(|step| {
    ///     step.insert("b", 2);
    ///     step.insert("c", 3);
    /// });
    /// assert_eq!(watcher.changes().await.unwrap().len(), 2);
    /// # });
    /// ```
    fn changes(&mut self) -> NextChanges<'_, Self, K, V> {
        NextChanges::new(self)
    }

    /// Returns the next change if there is one now. Does not wait. Over a mapped reader, it may return `None` while
    /// another watcher runs the mapper.
    ///
    /// ```
    /// use event_core::{MapReader, MapWatcherExt, MemoryMap};
    ///
    /// let map = MemoryMap::<u8, u8>::new();
    /// let mut watcher = map.watch();
    /// assert!(watcher.try_change().unwrap().unwrap().is_synced());
    /// assert!(watcher.try_change().is_none());
    /// ```
    fn try_change(&mut self) -> Option<Result<Change<K, V>, Error>> {
        // A poll that has done its share is pending too, with something left: so it is asked again.
        let cx = &mut Context::from_waker(Waker::noop());
        match self.poll_change(cx) {
            Poll::Pending => match self.poll_change(cx) {
                Poll::Pending => None,
                Poll::Ready(change) => Some(change),
            },
            Poll::Ready(change) => Some(change),
        }
    }

    /// Waits for [`Change::Synced`], and skips the changes before it. The next changes are those that come later.
    ///
    /// Call it on a new watcher. `Synced` comes once: on a watcher that has returned it, this skips all changes and waits
    /// until the map ends.
    ///
    /// # Errors
    ///
    /// The map ended before `Synced` came.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses only what it has skipped.
    ///
    /// ```
    /// use event_core::{Change, MapReader, MapWatcherExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.insert("a", 1);
    /// let mut watcher = map.watch();
    /// watcher.wait_until_synced().await.unwrap(); // skips `a`
    /// map.insert("b", 2);
    /// assert_eq!(watcher.change().await.unwrap().key(), Some(&"b"));
    /// # });
    /// ```
    fn wait_until_synced(&mut self) -> WaitUntilSynced<'_, Self, K, V> {
        WaitUntilSynced::new(self)
    }

    /// Keeps what the watcher yields, so that each change comes with the value before it: to close what belongs to the
    /// old one. It holds a clone of each value.
    ///
    /// ```
    /// use event_core::{Change, MapReader, MapWatcherExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.insert("a", 1);
    /// let mut watcher = map.watch().with_previous();
    /// assert_eq!(watcher.update().await.unwrap().previous, None);
    /// assert!(watcher.update().await.unwrap().change.is_synced());
    /// map.remove("a");
    /// assert_eq!(watcher.update().await.unwrap().previous, Some(1));
    /// # });
    /// ```
    fn with_previous(self) -> WithPrevious<Self, K, V>
    where
        Self: Sized,
        K: Hash + Eq + Clone,
        V: Clone,
    {
        WithPrevious::new(self)
    }

    /// The changes as a `Stream`, which ends when the map does.
    ///
    /// ```
    /// use event_core::{MapReader, MapWatcherExt, MemoryMap};
    /// use futures_util::StreamExt;
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.insert("a", 1);
    /// let stream = map.watch().into_stream();
    /// drop(map);
    /// assert_eq!(stream.count().await, 2); // `a`, and `Synced`
    /// # });
    /// ```
    fn into_stream(self) -> IntoChanges<Self, K, V>
    where
        Self: Sized,
    {
        IntoChanges::new(self)
    }

    /// The batches as a `Stream`, which ends when the map does. What [`changes`](Self::changes) says of a batch holds
    /// for these. A poll takes a few thousand changes, then lets other tasks run.
    ///
    /// ```
    /// use event_core::{MapReader, MapWatcherExt, MemoryMap};
    /// use futures_util::StreamExt;
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.replace_all([("a", 1), ("b", 2)]);
    /// let batches = map.watch().into_batches();
    /// drop(map);
    /// assert_eq!(batches.map(|batch| batch.len()).collect::<Vec<_>>().await, [3]);
    /// # });
    /// ```
    fn into_batches(self) -> IntoBatches<Self, K, V>
    where
        Self: Sized,
    {
        IntoBatches::new(self)
    }

    /// The map as tower's [`Discover`](tower::discover::Discover): what a balancer such as tower's `p2c::Balance`
    /// chooses from. `service` makes the service of a key from its newest value. Feature `tower`.
    ///
    /// If the newest version of a key is an error, the balancer keeps the service that the key had. When
    /// the map ends, the balancer keeps what it has. If `service` panics, the change that it was called for
    /// is lost.
    ///
    /// ```
    /// use event_core::{MapReader, MapWatcherExt, MemoryMap};
    /// use tower::balance::p2c::Balance;
    /// use tower::load::Constant;
    /// use tower::{BoxError, Service, service_fn};
    ///
    /// # futures_executor::block_on(async {
    /// let ports = MemoryMap::new();
    /// ports.insert("one", 8080);
    /// let services = ports.watch().into_discover(|_, port| {
    ///     let call = move |text: &'static str| async move { Ok::<_, BoxError>(format!("{text} from {port}")) };
    ///     Constant::new(service_fn(call), 1) // all have the same load
    /// });
    /// let mut balanced = Balance::new(services);
    /// std::future::poll_fn(|cx| balanced.poll_ready(cx)).await.unwrap();
    /// assert_eq!(balanced.call("hello").await.unwrap(), "hello from 8080");
    /// # });
    /// ```
    #[cfg(feature = "tower")]
    fn into_discover<S, F>(self, service: F) -> IntoDiscover<Self, K, V, F>
    where
        Self: Sized,
        F: FnMut(&K, V) -> S,
    {
        IntoDiscover::new(self, service)
    }

    /// Erases the type.
    ///
    /// ```
    /// use event_core::{BoxMapWatcher, MapReader, MapWatcherExt, MemoryMap};
    ///
    /// let mut watcher: BoxMapWatcher<u8, u8> = MemoryMap::new().watch().boxed();
    /// assert!(watcher.try_change().unwrap().unwrap().is_synced());
    /// ```
    fn boxed(self) -> BoxMapWatcher<K, V>
    where
        Self: Send + Sized + 'static,
    {
        Box::new(self)
    }
}

impl<K, V, W: MapWatcher<K, V> + ?Sized> MapWatcherExt<K, V> for W {}
