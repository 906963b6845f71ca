//! What you call on a watcher.

use std::task::{Context, Poll, Waker};

use crate::adapters::{
    DecodeWatcher, DedupWatcher, FilterWatcher, ForLatest, Get, GetIf, IntoStream, Latest,
    MappedWatcher, ZipWatcher,
};
use crate::{BoxWatcher, Decoder, Entry, Error, Watcher};

/// The methods of every [`Watcher`]. You can't implement it: every watcher has it already.
///
/// The adapters turn a watcher into another one. If many tasks watch the same value, adapt the reader
/// instead ([`ReaderExt`](crate::ReaderExt)): then a mapper or a decoder runs once for all of them.
pub trait WatcherExt<T>: Watcher<T> {
    /// The first call returns the current version. Each later call waits for a version that is newer than
    /// the last one that this watcher returned.
    ///
    /// # Errors
    ///
    /// If the newest version is an error, returns it, at most once: call `get` again for the next version.
    /// If the value [ended](Error::is_closed) and this watcher has taken the last version, this and every later call
    /// returns [`ErrorKind::Closed`](crate::ErrorKind::Closed): leave the loop. A `while let Ok(…)` ends at the
    /// first bad version, too.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: use it in `select!`. It does not allocate.
    ///
    /// ```
    /// use event_core::{MemoryValue, ValueReader, ValueWriter, WatcherExt};
    ///
    /// # futures_executor::block_on(async {
    /// let value = MemoryValue::new(1);
    /// let mut watcher = value.watch();
    /// assert_eq!(watcher.get().await.unwrap(), 1);
    /// value.set(2);
    /// assert_eq!(watcher.get().await.unwrap(), 2);
    /// # });
    /// ```
    #[doc(alias = "changed")]
    #[doc(alias = "recv")]
    fn get(&mut self) -> Get<'_, Self, T> {
        Get::new(self)
    }

    /// Waits for a version that `predicate` accepts, and skips the others.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get): an error ends the wait.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses only versions that the predicate has refused.
    ///
    /// ```
    /// use event_core::{MemoryValue, ValueReader, WatcherExt};
    ///
    /// # futures_executor::block_on(async {
    /// let replicas = MemoryValue::new(3);
    /// assert_eq!(replicas.watch().get_if(|n| *n >= 2).await.unwrap(), 3);
    /// # });
    /// ```
    fn get_if<P: FnMut(&T) -> bool>(&mut self, predicate: P) -> GetIf<'_, Self, T, P> {
        GetIf::new(self, predicate)
    }

    /// Returns a newer version if there is one now. Does not wait. Over a mapped or decoded reader, it may return
    /// `None` although there is a newer version, while another watcher runs the mapper or the decoder.
    ///
    /// ```
    /// use event_core::{MemoryValue, ValueReader, WatcherExt};
    ///
    /// let value = MemoryValue::new(1);
    /// let mut watcher = value.watch();
    /// assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    /// assert!(watcher.try_get().is_none());
    /// ```
    #[doc(alias = "try_recv")]
    fn try_get(&mut self) -> Option<Result<T, Error>> {
        // A poll that has done its share is pending too, with something left: so it is asked again.
        let cx = &mut Context::from_waker(Waker::noop());
        match self.poll_get(cx) {
            Poll::Pending => match self.poll_get(cx) {
                Poll::Pending => None,
                Poll::Ready(version) => Some(version),
            },
            Poll::Ready(version) => Some(version),
        }
    }

    /// Keeps the newest value at hand, for a loop that reads the value far more often than the value changes. Give each
    /// task or thread its own, or share a [`Current`](crate::adapters::Current).
    ///
    /// Call it on a new watcher: a watcher that already returned the current version does not return it
    /// again. [`Latest::wait`] waits for the first value.
    ///
    /// ```
    /// use event_core::{MemoryValue, ValueReader, ValueWriter, WatcherExt};
    ///
    /// let limit = MemoryValue::new(10);
    /// let mut latest = limit.watch().latest();
    /// assert_eq!(latest.get(), Some(&10));
    /// limit.set(20);
    /// assert_eq!(latest.get(), Some(&20));
    /// ```
    #[doc(alias = "borrow")]
    fn latest(self) -> Latest<Self, T>
    where
        Self: Sized,
    {
        Latest::new(self)
    }

    /// The versions as a `Stream`, which ends when the value does.
    ///
    /// ```
    /// use event_core::{MemoryValue, ValueReader, WatcherExt};
    /// use futures_util::StreamExt;
    ///
    /// # futures_executor::block_on(async {
    /// let value = MemoryValue::new(1);
    /// let stream = value.watch().into_stream();
    /// drop(value);
    /// assert_eq!(stream.map(Result::unwrap).collect::<Vec<_>>().await, [1]);
    /// # });
    /// ```
    fn into_stream(self) -> IntoStream<Self, T>
    where
        Self: Sized,
    {
        IntoStream::new(self)
    }

    /// Maps each version.
    ///
    /// If `f` panics, the panic unwinds the task that polled. The next `get` then yields an error of kind
    /// [`ErrorKind::Panicked`](crate::ErrorKind::Panicked) instead of the version.
    ///
    /// ```
    /// use event_core::{MemoryValue, ValueReader, WatcherExt};
    ///
    /// let name = MemoryValue::new("etcd");
    /// assert_eq!(name.watch().map(str::len).try_get().unwrap().unwrap(), 4);
    /// ```
    fn map<U, F: Fn(T) -> U>(self, f: F) -> MappedWatcher<Self, T, F>
    where
        Self: Sized,
    {
        MappedWatcher::new(self, f)
    }

    /// Skips the versions that `predicate` refuses. Errors pass.
    ///
    /// ```
    /// use event_core::{MemoryValue, ValueReader, WatcherExt};
    ///
    /// let value = MemoryValue::new(-1);
    /// assert!(value.watch().filter(|n| *n > 0).try_get().is_none());
    /// ```
    fn filter<P: Fn(&T) -> bool>(self, predicate: P) -> FilterWatcher<Self, T, P>
    where
        Self: Sized,
    {
        FilterWatcher::new(self, predicate)
    }

    /// Skips the versions that equal the one taken last. Errors pass, and after an error every value
    /// counts as different.
    ///
    /// ```
    /// use event_core::{MemoryValue, ValueReader, ValueWriter, WatcherExt};
    ///
    /// let value = MemoryValue::new(1);
    /// let mut watcher = value.watch().dedup();
    /// assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    /// value.set(1);
    /// assert!(watcher.try_get().is_none());
    /// ```
    fn dedup(self) -> DedupWatcher<Self, T>
    where
        Self: Sized,
        T: Clone + PartialEq,
    {
        DedupWatcher::new(self)
    }

    /// Pairs this watcher's newest version with that of another, whenever one of them has a newer
    /// one.
    ///
    /// ```
    /// use event_core::{MemoryValue, ValueReader, WatcherExt};
    ///
    /// let (host, port) = (MemoryValue::new("localhost"), MemoryValue::new(2379));
    /// let mut address = host.watch().zip(port.watch());
    /// assert_eq!(address.try_get().unwrap().unwrap(), ("localhost", 2379));
    /// ```
    fn zip<U, W: Watcher<U>>(self, other: W) -> ZipWatcher<Self, W, T, U>
    where
        Self: Sized,
        T: Clone,
        U: Clone,
    {
        ZipWatcher::new(self, other)
    }

    /// Decodes each entry. If a version does not decode, yields an error instead of it.
    ///
    /// ```
    /// use event_core::{Entry, MemoryValue, ValueReader, WatcherExt};
    ///
    /// let bytes = MemoryValue::new(Entry::present("name", 1, "etcd"));
    /// let mut name = bytes.watch().decode(|bytes: &[u8]| String::from_utf8(bytes.to_vec()));
    /// assert_eq!(name.try_get().unwrap().unwrap(), "etcd");
    /// ```
    fn decode<D: Decoder>(self, decoder: D) -> DecodeWatcher<Self, D, D::Output>
    where
        Self: Watcher<Entry> + Sized,
    {
        DecodeWatcher::new(self, decoder, |_, value| value)
    }

    /// Runs a future for the newest value. When a newer value comes, it drops the running future at its current
    /// `.await` and starts one for the new value. Use it, for example, for a connection to the newest address, or
    /// for a job with the newest settings.
    ///
    /// A bad version changes nothing: the future of the last good value goes on. To see the errors, call
    /// [`on_error`](crate::ReaderExt::on_error) on the reader. Completes when the value has ended and the last
    /// future is complete.
    ///
    /// The future starts again even if the new version equals the one before. If that matters, call
    /// [`last_good`](crate::ReaderExt::last_good) and then [`dedup`](crate::ReaderExt::dedup) on the reader. `dedup`
    /// alone restarts the future after a bad version, even if the value is the same as before.
    ///
    /// # Cancel safety
    ///
    /// Dropping this future also drops the future that it runs.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt};
    ///
    /// # futures_executor::block_on(async {
    /// let address = MemoryValue::new("localhost:1");
    /// let connects = address.watch().for_latest(|address| async move {
    ///     println!("connecting to {address}");
    /// });
    /// address.set("localhost:2");
    /// drop(address);
    /// connects.await; // prints only "connecting to localhost:2"
    /// # });
    /// ```
    fn for_latest<F, U>(self, f: F) -> ForLatest<Self, T, F, U>
    where
        Self: Sized,
        F: FnMut(T) -> U,
        U: Future<Output = ()>,
    {
        ForLatest::new(self, f)
    }

    /// Erases the type.
    ///
    /// ```
    /// use event_core::{BoxWatcher, MemoryValue, ValueReader, WatcherExt};
    ///
    /// let mut watcher: BoxWatcher<u8> = MemoryValue::new(1).watch().boxed();
    /// assert_eq!(watcher.try_get().unwrap().unwrap(), 1);
    /// ```
    fn boxed(self) -> BoxWatcher<T>
    where
        Self: Send + Sized + 'static,
    {
        Box::new(self)
    }
}

impl<T, W: Watcher<T> + ?Sized> WatcherExt<T> for W {}
