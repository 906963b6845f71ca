//! What a consumer of a map holds: its cursor into the changes.

use std::task::{Context, Poll};

use crate::{Change, Epoch, Error};

/// One consumer's cursor into the changes of a map.
///
/// To read, call [`change`](crate::MapWatcherExt::change) and the other methods of
/// [`MapWatcherExt`](crate::MapWatcherExt). This trait is what a backend or an adapter implements. The
/// [laws of maps](crate::MapReader#the-laws) say what a watcher yields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a watcher of a map from `{K}` to `{V}`",
    label = "expected a `MapWatcher<{K}, {V}>`",
    note = "`MapReader::watch` makes one; a watcher of one value is a `Watcher<{V}>`"
)]
pub trait MapWatcher<K, V> {
    /// Yields the next change, in the order in which the keys changed last.
    ///
    /// - `Ready(Ok(change))`: a change. There may be more: poll on.
    /// - `Ready(Err(error))`: the map [ended](Error::is_closed), and each change was yielded. Every later
    ///   poll yields an error of this kind, apart from a `Pending` now and then to let other tasks run. An
    ///   error of one key is a [`Change::Failed`].
    /// - `Pending`: nothing is left to yield. If the watcher yielded [`Change::Synced`], what it yielded so far is the
    ///   whole map as of one step. The task of `cx` is woken when it should poll again.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the caller stops polling: a change stays until a poll takes it.
    ///
    /// # Panics
    ///
    /// Only if a function of the program panics: a mapper, a predicate, a decoder, the `clone` of a key or of a
    /// value. No change is lost. If a mapper, a decoder or the predicate of a
    /// [`filter`](crate::MapReaderExt::filter) panicked, its key has an error in place of the version. If any other
    /// function panicked, the next poll calls it again.
    ///
    /// # For implementors
    ///
    /// A poll must not block, must not run without end, and must remember one waker at most, that of the
    /// newest poll. `Pending` in the middle of a step breaks the law of steps. If a poll must stop early,
    /// to let other tasks run, and has no change to yield, it may yield the `Delete` of a key that is not
    /// there: law 3 allows it. Run the [`conformance`](crate#the-laws) suite on your implementation.
    ///
    /// # Example
    ///
    /// ```
    /// use std::task::{Context, Poll, Waker};
    /// use event_core::{Change, MapReader, MapWatcher, MemoryMap};
    ///
    /// let map = MemoryMap::new();
    /// let mut watcher = map.watch();
    /// let mut cx = Context::from_waker(Waker::noop());
    ///
    /// assert!(matches!(watcher.poll_change(&mut cx), Poll::Ready(Ok(Change::Synced))));
    /// assert!(watcher.poll_change(&mut cx).is_pending());
    /// map.insert("a", 1);
    /// map.insert("a", 2);
    /// let change = watcher.poll_change(&mut cx);
    /// assert!(matches!(change, Poll::Ready(Ok(Change::Put { key: "a", value: 2 }))));
    /// ```
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<Result<Change<K, V>, Error>>;

    /// Appends up to `limit` changes to `into`: what as many calls of [`poll_change`](Self::poll_change) would yield.
    ///
    /// - `Ready(Ok(()))`: at least one change was appended, and there may be more.
    /// - `Pending`: what was appended, if anything, was all that there is.
    /// - `Ready(Err(error))`: nothing was appended, since the map ended.
    ///
    /// # Cancel safety, panics
    ///
    /// As [`poll_change`](Self::poll_change). After a panic, what was appended counts as yielded.
    ///
    /// # For implementors
    ///
    /// The default calls `poll_change`. To take the changes under one lock is quicker, and a writer that never pauses
    /// can't keep the watcher from catching up. `limit` is not 0.
    ///
    /// # Example
    ///
    /// ```
    /// use std::task::{Context, Waker};
    /// use event_core::{MapReader, MapWatcher, MemoryMap};
    ///
    /// let map = MemoryMap::new();
    /// map.insert("a", 1);
    /// let (mut watcher, mut changes) = (map.watch(), Vec::new());
    /// let mut cx = Context::from_waker(Waker::noop());
    /// assert!(watcher.poll_changes(&mut cx, 100, &mut changes).is_pending());
    /// assert_eq!(changes.len(), 2); // the key, and `Synced`
    /// ```
    fn poll_changes(
        &mut self,
        cx: &mut Context<'_>,
        limit: usize,
        into: &mut Vec<Change<K, V>>,
    ) -> Poll<Result<(), Error>> {
        let before = into.len();
        // A limit that is not meant as one must not keep a poll running while a writer writes.
        let most = before.saturating_add(limit.min(1 << 16));
        while into.len() < most {
            match self.poll_change(cx) {
                Poll::Ready(Ok(change)) => into.push(change),
                Poll::Ready(Err(error)) if into.len() == before => return Poll::Ready(Err(error)),
                Poll::Ready(Err(_)) => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// A counter that grows before a newer change becomes visible, if the watcher has one.
    ///
    /// # For implementors
    ///
    /// `None`, the default, is always correct, but slower. See [`Watcher::epoch`](crate::Watcher::epoch).
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{MapReader, MapWatcher, MemoryMap};
    ///
    /// assert!(MemoryMap::<u8, u8>::new().watch().epoch().is_some());
    /// ```
    fn epoch(&self) -> Option<Epoch> {
        None
    }
}

/// A watcher of a map whose type is erased.
pub type BoxMapWatcher<K, V> = Box<dyn MapWatcher<K, V> + Send>;

macro_rules! forward {
    ($($wrapper:ty),*) => {$(
        #[deny(clippy::missing_trait_methods)]
        impl<K, V, W: MapWatcher<K, V> + ?Sized> MapWatcher<K, V> for $wrapper {
            fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<Result<Change<K, V>, Error>> {
                (**self).poll_change(cx)
            }

            fn poll_changes(
                &mut self,
                cx: &mut Context<'_>,
                limit: usize,
                into: &mut Vec<Change<K, V>>,
            ) -> Poll<Result<(), Error>> {
                (**self).poll_changes(cx, limit, into)
            }

            fn epoch(&self) -> Option<Epoch> {
                (**self).epoch()
            }
        }
    )*};
}

forward!(&mut W, Box<W>);
