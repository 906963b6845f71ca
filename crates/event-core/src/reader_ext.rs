//! What you call on a reader.

use std::sync::Arc;

use crate::adapters::{
    Boxed, Current, Decode, Decoded, Dedup, Filter, GetOnce, Mapped, Shared, Zip,
};
use crate::{BoxReader, Decoder, Entry, ValueReader, Versioned};

/// The methods of every [`ValueReader`]. You can't implement it: every reader has it already.
///
/// An adapter over a reader is a reader, as with iterators. It owns its inner reader. A
/// [`MemoryValue`](crate::MemoryValue) is also a writer, so an adapter over it keeps the value from ending.
/// Adapt `value.reader()` instead.
pub trait ReaderExt<T>: ValueReader<T> {
    /// Gets the value once: the current version, or the first one if there is none yet.
    ///
    /// To read more than once, keep a [watcher](ValueReader::watch). Over a remote backend, each call of
    /// this method reads from the server, unless a watcher of the value is alive.
    ///
    /// # Errors
    ///
    /// As [`WatcherExt::get`](crate::WatcherExt::get).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: the next call starts over.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// assert_eq!(MemoryValue::new(8080).get().await.unwrap(), 8080);
    /// # });
    /// ```
    #[doc(alias = "borrow")]
    fn get(&self) -> GetOnce<Self::Watcher, T> {
        GetOnce::new(self.watch())
    }

    /// Keeps the newest value at hand for all threads and tasks: the state of a service, a limit that is looked
    /// at for each request.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt, ValueWriter};
    ///
    /// let limit = MemoryValue::new(10);
    /// let current = limit.current();
    /// let thread = std::thread::spawn({
    ///     let current = current.clone();
    ///     move || *current.get().unwrap()
    /// });
    /// assert_eq!(thread.join().unwrap(), 10);
    /// limit.set(20);
    /// assert_eq!(*current.get().unwrap(), 20);
    /// ```
    fn current(&self) -> Current<T>
    where
        Self::Watcher: Send + 'static,
    {
        Current::new(Box::new(self.watch()))
    }

    /// Maps each version. `f` runs once per version, no matter how many watchers there are.
    ///
    /// `f` runs inside a poll of one of the watchers, without a lock. While it runs, the other watchers of
    /// this reader are `Pending`, and block no thread. Keep `f` short and do not block in it. It may set or
    /// watch any value, including the one that it maps. If `f` panics, the panic unwinds the task that
    /// polled. Each watcher, that one included, then yields an error of kind
    /// [`ErrorKind::Panicked`](crate::ErrorKind::Panicked) instead of the version, and the next version
    /// follows.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let name = MemoryValue::new("etcd");
    /// assert_eq!(name.reader().map(str::len).get().await.unwrap(), 4);
    /// # });
    /// ```
    fn map<U, F>(self, f: F) -> Shared<Mapped<Self, T, F>, U>
    where
        Self: Sized,
        F: Fn(T) -> U,
        U: Clone + Send + 'static,
    {
        Mapped::new(self, f).shared()
    }

    /// Skips the versions that `predicate` refuses. Errors pass.
    ///
    /// Each watcher filters for itself: `predicate` runs once per watcher and version. If it panics, the
    /// next poll calls it again.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let number = MemoryValue::new(3);
    /// assert_eq!(number.reader().filter(|n| *n > 0).get().await.unwrap(), 3);
    /// # });
    /// ```
    fn filter<P: Fn(&T) -> bool>(self, predicate: P) -> Filter<Self, P>
    where
        Self: Sized,
    {
        Filter::new(self, predicate)
    }

    /// Skips the versions that equal the one a watcher took last. Errors pass, and after an error every
    /// value counts as different.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt};
    ///
    /// let value = MemoryValue::new(1);
    /// let mut watcher = value.reader().dedup().watch();
    /// assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    /// value.set(1);
    /// assert!(watcher.try_get().is_none());
    /// ```
    fn dedup(self) -> Dedup<Self>
    where
        Self: Sized,
        T: Clone + PartialEq,
    {
        Dedup(self)
    }

    /// Pairs the newest version of this value with that of another, whenever one of them has a newer
    /// one.
    ///
    /// The two are read one after the other, so a pair can hold versions of different moments. Once writes
    /// stop, the last pair is the newest. See [`ZipWatcher`](crate::adapters::ZipWatcher) for errors and
    /// the end.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let (host, port) = (MemoryValue::new("localhost"), MemoryValue::new(2379));
    /// let address = host.reader().zip(port.reader());
    /// assert_eq!(address.get().await.unwrap(), ("localhost", 2379));
    /// # });
    /// ```
    fn zip<U, R: ValueReader<U>>(self, other: R) -> Zip<Self, R, T, U>
    where
        Self: Sized,
        T: Clone,
        U: Clone,
    {
        Zip::new(self, other)
    }

    /// Decodes each entry. The decoder runs once per version, no matter how many watchers there are.
    ///
    /// The decoder runs like the function of [`map`](Self::map), and a panic has the same effect. If a
    /// version does not decode, each watcher yields an error instead of it, at most once. The error names
    /// the key and the revision.
    ///
    /// ```
    /// use event_core::{Entry, MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let bytes = MemoryValue::new(Entry::present("name", 1, "etcd"));
    /// let name = bytes.reader().decode(|bytes: &[u8]| String::from_utf8(bytes.to_vec()));
    /// assert_eq!(name.get().await.unwrap(), "etcd");
    /// # });
    /// ```
    fn decode<D>(self, decoder: D) -> Decoded<Self, D>
    where
        Self: ValueReader<Entry> + Sized,
        D: Decoder,
        D::Output: Clone + Send + 'static,
    {
        Decode::new(self, decoder, |_, value| value).shared()
    }

    /// Decodes each entry as [`decode`](Self::decode) does, and keeps the key and the revision with the
    /// value.
    ///
    /// ```
    /// use event_core::{Entry, MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let bytes = MemoryValue::new(Entry::present("name", 7, "etcd"));
    /// let name = bytes.reader().decode_versioned(|bytes: &[u8]| String::from_utf8(bytes.to_vec()));
    /// let name = name.get().await.unwrap();
    /// assert_eq!((name.value.as_str(), name.revision), ("etcd", Some(7)));
    /// # });
    /// ```
    fn decode_versioned<D>(self, decoder: D) -> Decoded<Self, D, Versioned<D::Output>>
    where
        Self: ValueReader<Entry> + Sized,
        D: Decoder,
        D::Output: Clone + Send + 'static,
    {
        Decode::new(self, decoder, Versioned::of).shared()
    }

    /// Lets all watchers share one watcher of this reader, so that this reader does its work once.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let number = MemoryValue::new(1);
    /// let shared = number.reader().shared();
    /// let (a, b) = (shared.clone(), shared);
    /// assert_eq!((a.get().await.unwrap(), b.get().await.unwrap()), (1, 1));
    /// # });
    /// ```
    fn shared(self) -> Shared<Self, T>
    where
        Self: Sized,
        T: Clone + Send + 'static,
    {
        Shared::new(self)
    }

    /// Erases the type: a handle that is cheap to clone, to store and to return.
    ///
    /// ```
    /// use event_core::{BoxReader, MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let port = MemoryValue::new(8080);
    /// let reader: BoxReader<u16> = port.reader().boxed();
    /// assert_eq!(reader.get().await.unwrap(), 8080);
    /// # });
    /// ```
    fn boxed(self) -> BoxReader<T>
    where
        Self: Send + Sync + Sized + 'static,
        Self::Watcher: Send + 'static,
        T: 'static,
    {
        Arc::new(Boxed(self))
    }
}

impl<T, R: ValueReader<T> + ?Sized> ReaderExt<T> for R {}
