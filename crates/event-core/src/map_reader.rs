//! What application code is generic over: a map that can be watched.

use std::sync::Arc;

use crate::{BoxMapWatcher, MapWatcher, Refresh};

/// A map that can be watched: a set of keys, each with a value that changes.
///
/// A map changes in *steps*. A step is what the backend changed at once: a transaction of etcd, an
/// [`apply`](crate::MemoryMap::apply), or all that a new read found to be different.
///
/// A reader is a handle. It costs the backend nothing until something watches it.
///
/// To keep a reader whose type is erased, use [`BoxMapReader<K, V>`](BoxMapReader). Its other methods are those of
/// [`MapReaderExt`](crate::MapReaderExt).
///
/// ```
/// use event_core::{Change, MapReader, MapWatcherExt, MemoryMap};
///
/// async fn dial(instances: impl MapReader<String, u16>) {
///     let mut watcher = instances.watch();
///     while let Ok(change) = watcher.change().await {
///         match change {
///             Change::Put { key, value } => println!("{key} listens on {value}"),
///             Change::Delete { key } => println!("{key} is gone"),
///             Change::Failed { key, error } => eprintln!("{key} stays as it is: {error:#}"),
///             Change::Synced => println!("these are all"),
///             _ => {}
///         }
///     }
/// }
///
/// # futures_executor::block_on(async {
/// let instances = MemoryMap::new();
/// instances.insert("a".to_owned(), 8080);
/// let reader = instances.reader();
/// drop(instances); // the last writer: the watcher takes what is there, then gets the end
/// dial(reader).await;
/// # });
/// ```
///
/// # The laws
///
/// Every map keeps the [laws of values](crate#the-laws) for each key, and these. The conformance suite has the same
/// numbers.
///
/// | # | law | in words |
/// |---|---|---|
/// | 1 | current first | a new watcher yields each key that is there, then [`Synced`](crate::Change::Synced), once. `Synced` comes when the backend has read the whole range and the watcher has yielded all of it. This holds for an empty map, too |
/// | 2 | newer only, latest wins, last one arrives | for each key: what is yielded is its newest version, and each version at most once. A slow watcher costs no queue |
/// | 3 | deletes | if a watcher yielded a key and the key is gone, it yields [`Delete`](crate::Change::Delete). If the key was deleted and made anew before the watcher looked, it yields only the new [`Put`](crate::Change::Put): versions in between are skipped. A `Delete` may also come for a key that the watcher never yielded, and never for a key that is there |
/// | 4 | steps | when a watcher has nothing left to yield, after `Synced`, what it has yielded adds up to the map as of one step. From one change to the next, it may be in the middle of a step: [`changes`](crate::MapWatcherExt::changes), [`snapshot`](crate::MapReaderExt::snapshot) and [`current`](crate::MapReaderExt::current) give whole steps |
/// | 5 | order | keys are yielded in the order in which they changed last |
/// | 6 | errors are versions | an error is a version of one key, and names it: [`Failed`](crate::Change::Failed). The other keys go on |
/// | 7 | cancel safe | as law 5 of values |
/// | 8 | independent | as law 6 of values |
/// | 9 | end, drop is close | as laws 8 and 9 of values |
///
/// Between two maps there is no order.
#[must_use = "a reader does nothing unless it is watched"]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a reader of a map from `{K}` to `{V}`",
    label = "expected a `MapReader<{K}, {V}>`",
    note = "a range of a store is a reader of `Bytes` and `Entry`: add `.decode(Json::<…>::new())` with your type, or another decoder",
    note = "to convert the values of a map, add `.map(…)`",
    note = "to store a reader, or to take one of several types, use `BoxMapReader<{K}, {V}>`, which `.boxed()` makes"
)]
pub trait MapReader<K, V> {
    /// The cursor that [`watch`](Self::watch) returns.
    type Watcher: MapWatcher<K, V>;

    /// Starts a watcher, which yields what is there first and then each change.
    ///
    /// Returns at once; the watcher does the waiting. Any number of watchers may be alive, and a backend
    /// reads and watches its range once for all of them. Dropping the watcher ends it.
    ///
    /// # For implementors
    ///
    /// As [`ValueReader::watch`](crate::ValueReader::watch).
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{MapReader, MapWatcherExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.insert("a", 1);
    /// assert_eq!(map.watch().change().await.unwrap().key(), Some(&"a"));
    /// # });
    /// ```
    #[doc(alias = "subscribe")]
    #[must_use = "a watcher does nothing unless it is polled, and dropping it ends it"]
    fn watch(&self) -> Self::Watcher;

    /// Asks the backend for its newest data, for all watchers of this map.
    ///
    /// After it completes, a watcher that has nothing left to yield reflects every write that was complete before the
    /// call. [`ValueReader::refresh`](crate::ValueReader::refresh) names the one exception. For a map in memory, it
    /// completes at once. It waits while the backend can't be reached: add a timeout if that matters.
    ///
    /// # Errors
    ///
    /// The backend refused to read the range, or the map ended. See the backend's reader for the kinds.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the watchers as they are.
    ///
    /// # For implementors
    ///
    /// As [`ValueReader::refresh`](crate::ValueReader::refresh). An adapter must forward the call.
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{MapReader, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// MemoryMap::<u8, u8>::new().refresh().await.unwrap();
    /// # });
    /// ```
    fn refresh(&self) -> Refresh {
        Refresh::nothing()
    }

    /// Makes this handle read-only, if it is a writer as well: it no longer keeps the map alive, and its changes are
    /// ignored. An adapter calls it on the reader that it takes.
    ///
    /// # For implementors
    ///
    /// The default does nothing, which is right for a reader that is no writer.
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{MapReader, MapReaderExt, MapWatcherExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::<u8, u8>::new();
    /// let mut watcher = map.clone().boxed().watch();
    /// watcher.wait_until_synced().await.unwrap();
    /// drop(map); // the last writer, though the adapter has a clone of it
    /// assert!(watcher.change().await.unwrap_err().is_closed());
    /// # });
    /// ```
    fn stop_writing(&mut self) {}
}

/// A reader of a map whose type is erased: a handle that is cheap to clone.
///
/// [`boxed`](crate::MapReaderExt::boxed) makes one.
pub type BoxMapReader<K, V> = Arc<dyn MapReader<K, V, Watcher = BoxMapWatcher<K, V>> + Send + Sync>;

macro_rules! forward {
    ($($wrapper:ty),*) => {$(
        #[deny(clippy::missing_trait_methods)]
        impl<K, V, R: MapReader<K, V> + ?Sized> MapReader<K, V> for $wrapper {
            type Watcher = R::Watcher;

            fn watch(&self) -> Self::Watcher {
                (**self).watch()
            }

            fn refresh(&self) -> Refresh {
                (**self).refresh()
            }

            // The owner of a reader that is borrowed or shared may go on writing.
            fn stop_writing(&mut self) {}
        }
    )*};
}

forward!(&R, Arc<R>);

#[deny(clippy::missing_trait_methods)]
impl<K, V, R: MapReader<K, V> + ?Sized> MapReader<K, V> for Box<R> {
    type Watcher = R::Watcher;

    fn watch(&self) -> Self::Watcher {
        (**self).watch()
    }

    fn refresh(&self) -> Refresh {
        (**self).refresh()
    }

    fn stop_writing(&mut self) {
        (**self).stop_writing();
    }
}
