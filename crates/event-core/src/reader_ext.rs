//! What you call on a reader.

use std::sync::Arc;
#[cfg(feature = "tokio")]
use std::time::Duration;

use crate::adapters::{
    Boxed, Current, Decode, Decoded, Dedup, Filter, GetOnce, LastGood, Mapped, OnError, OrElse,
    Shared, Zip,
};
#[cfg(feature = "tokio")]
use crate::adapters::{Debounce, Timeout};
use crate::{BoxReader, Decoder, Entry, Error, ValueReader, Versioned};

/// The methods of every [`ValueReader`]. You can't implement it: every reader has it already.
///
/// An adapter over a reader is a reader, as with iterators. It owns its inner reader. A
/// [`MemoryValue`](crate::MemoryValue) that an adapter owns is no writer any more: `value.clone().map(f)` does not
/// keep the value alive, and ends when the last *other* writer is dropped.
pub trait ReaderExt<T>: ValueReader<T> {
    /// Gets the value once: the current version. If there is none yet, waits for the first one.
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

    /// Keeps the newest value at hand for all threads and tasks. Use it, for example, for the state of a service,
    /// or for a limit that each request looks at. The watch starts with this call.
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

    /// Maps each version. `f` runs at most once per version, no matter how many watchers there are, and not for a
    /// version that every watcher skips. The clones of the returned reader share that run. If you call `map` twice,
    /// each call runs its own `f`. If no watcher is alive, the next one runs `f` again.
    ///
    /// `f` runs inside a poll of one of the watchers, without a lock. While it runs, the other watchers of
    /// this reader can't take that version yet, and block no thread. Keep `f` short and do not block in it.
    /// It may set or watch any value, including the one that it maps. If `f` panics, the panic unwinds the
    /// task that polled. Each watcher, the one that polled included, then yields an error of kind
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
        Mapped::new(read_only(self), f).shared()
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
        Filter::new(read_only(self), predicate)
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
        Dedup(read_only(self))
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
        Zip::new(read_only(self), read_only(other))
    }

    /// Calls `f` with the error of each bad version: to log it, or to count it. `f` runs at most once per
    /// version, no matter how many watchers of this reader and its clones there are. The watchers still yield the
    /// error.
    ///
    /// `f` runs inside a poll, and not for a version that every watcher skipped. With a [`current`](Self::current) or a
    /// `latest` alone, a bad version is therefore reported at the next `get`, and never if a newer one comes before
    /// that. To report it at once, let a task wait for the next version.
    ///
    /// `f` runs like the function of [`map`](Self::map). If it panics, the watchers yield the error all the same. The end
    /// of the value is not reported.
    ///
    /// ```
    /// use event_core::{Error, ErrorKind, MemoryValue, ReaderExt, ValueReader, WatcherExt};
    ///
    /// let port = MemoryValue::new(8080);
    /// let reported = port.reader().on_error(|error| eprintln!("keeping the old port: {error:#}"));
    /// let mut watcher = reported.watch();
    /// assert_eq!(watcher.try_get().unwrap().unwrap(), 8080);
    /// port.fail(Error::new(ErrorKind::Decode, "expected a number"));
    /// assert!(watcher.try_get().unwrap().is_err());
    /// ```
    fn on_error<F>(self, f: F) -> Shared<OnError<Self, F>, T>
    where
        Self: Sized,
        F: Fn(&Error),
        T: Clone + Send + 'static,
    {
        OnError::new(read_only(self), f).shared()
    }

    /// Skips the versions that are errors. `Closed` is not skipped. If the newest version is bad, a new watcher
    /// starts with the last good one if another watcher has taken that one and is alive. Otherwise it waits.
    ///
    /// To report the errors, call [`on_error`](Self::on_error) before `last_good` in the chain.
    ///
    /// ```
    /// use event_core::{Error, ErrorKind, MemoryValue, ReaderExt, ValueReader, WatcherExt};
    ///
    /// let port = MemoryValue::new(8080);
    /// let good = port.reader().last_good();
    /// let mut watcher = good.watch();
    /// assert_eq!(watcher.try_get().unwrap().unwrap(), 8080);
    /// port.fail(Error::new(ErrorKind::Decode, "expected a number"));
    /// assert!(watcher.try_get().is_none());
    /// assert_eq!(good.watch().try_get().unwrap().unwrap(), 8080);
    /// ```
    fn last_good(self) -> Shared<LastGood<Self>, T>
    where
        Self: Sized,
        T: Clone + Send + 'static,
    {
        LastGood::new(read_only(self)).shared()
    }

    /// Follows `other` until this value has data: a good version. From then on it follows this value only, even if
    /// this value is later deleted or bad.
    ///
    /// Until then, watchers get the errors of both. If `other` ends, the watchers wait for this value. If
    /// this value ends without data, they follow `other` to its end.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt};
    ///
    /// let (remote, local) = (MemoryValue::empty(), MemoryValue::new("default"));
    /// let mut watcher = remote.reader().or_else(local.reader()).watch();
    /// assert_eq!(watcher.try_get().unwrap().unwrap(), "default");
    /// remote.set("from the store");
    /// assert_eq!(watcher.try_get().unwrap().unwrap(), "from the store");
    /// local.set("too late");
    /// assert!(watcher.try_get().is_none());
    /// ```
    fn or_else<R>(self, other: R) -> Shared<OrElse<Self, R>, T>
    where
        Self: Sized,
        R: ValueReader<T>,
        T: Clone + Send + 'static,
    {
        OrElse::new(read_only(self), read_only(other)).shared()
    }

    /// Waits until no newer version has come for `quiet`, then yields the newest. Use it if acting on a change is
    /// costly and changes come in bursts. Two versions are not delayed: the first, and the last when the value ends.
    ///
    /// While versions keep coming at shorter intervals, nothing is yielded. The watchers must be polled in a
    /// tokio runtime with time enabled.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// use std::time::Duration;
    /// use event_core::{MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt};
    ///
    /// let value = MemoryValue::new(1);
    /// let mut watcher = value.reader().debounce(Duration::from_millis(100)).watch();
    /// assert_eq!(watcher.get().await.unwrap(), 1);
    /// value.set(2);
    /// value.set(3);
    /// assert_eq!(watcher.get().await.unwrap(), 3); // after 100 ms
    /// # });
    /// ```
    #[cfg(feature = "tokio")]
    fn debounce(self, quiet: Duration) -> Shared<Debounce<Self>, T>
    where
        Self: Sized,
        T: Clone + Send + 'static,
    {
        Debounce::new(read_only(self), quiet).shared()
    }

    /// If a watcher has no version within `limit` after its first poll, it yields an error of kind
    /// [`Unavailable`](crate::ErrorKind::Unavailable), once. The watcher goes on: the first version follows.
    ///
    /// The watchers must be polled in a tokio runtime with time enabled.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// use std::time::Duration;
    /// use event_core::{ErrorKind, MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt};
    ///
    /// let value = MemoryValue::empty();
    /// let mut watcher = value.reader().timeout(Duration::from_secs(5)).watch();
    /// assert_eq!(watcher.get().await.unwrap_err().kind(), ErrorKind::Unavailable);
    /// value.set(1);
    /// assert_eq!(watcher.get().await.unwrap(), 1);
    /// # });
    /// ```
    #[cfg(feature = "tokio")]
    fn timeout(self, limit: Duration) -> Timeout<Self>
    where
        Self: Sized,
    {
        Timeout::new(read_only(self), limit)
    }

    /// Decodes each entry. The decoder runs at most once per version, no matter how many watchers there are.
    ///
    /// The decoder runs like the function of [`map`](Self::map): clones of the returned reader share the run, two
    /// calls of `decode` decode twice, and a panic has the same effect. If a version does not decode, each watcher yields an error instead of it, at most
    /// once. The error names the key and the revision. If a closure fails, its kind is
    /// [`Decode`](crate::ErrorKind::Decode), unless the closure returns an [`Error`], whose kind stays.
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
        Decode::new(read_only::<Entry, _>(self), decoder, |_, value| value).shared()
    }

    /// Decodes each entry as [`decode`](Self::decode) does, and keeps the key, the revision and the
    /// [metadata](crate::Metadata) with the value.
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
        Decode::new(read_only::<Entry, _>(self), decoder, Versioned::of).shared()
    }

    /// Lets all watchers share one watcher of this reader, so that this reader does its work once. Use it after
    /// `filter`, `dedup` or `zip`, which otherwise work once per watcher.
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
        Shared::new(read_only(self))
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
        Arc::new(Boxed(read_only(self)))
    }
}

/// A reader that an adapter owns.
fn read_only<T, R: ValueReader<T>>(mut reader: R) -> R {
    reader.stop_writing();
    reader
}

impl<T, R: ValueReader<T> + ?Sized> ReaderExt<T> for R {}
