//! What users call on a reader.

use std::sync::Arc;

use crate::{
    BoxReader, Boxed, Decode, DecodeVersioned, Decoder, Dedup, Entry, Filter, GetOnce, Map, Share,
    ValueReader, Versioned, Zip,
};

/// The methods of every [`ValueReader`]. It can't be implemented, since every reader has it already.
///
/// An adapter over a reader is a reader, as with iterators.
pub trait ReaderExt<T>: ValueReader<T> {
    /// One look: the current version, or the first where there is none yet.
    ///
    /// For a second look keep a [`watch`](ValueReader::watch): where the backend is remote, each one
    /// of these asks anew.
    ///
    /// # Errors
    ///
    /// As [`WatcherExt::get`](crate::WatcherExt::get).
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// assert_eq!(MemoryValue::new(8080).get().await.unwrap(), 8080);
    /// # });
    /// ```
    fn get(&self) -> GetOnce<Self::Watcher, T> {
        GetOnce::new(self.watch())
    }

    /// Maps each version. `f` runs once per version, however many watch, under a lock that the
    /// watchers share: it must not panic, wait, or watch what it is part of.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// assert_eq!(MemoryValue::new("etcd").map(str::len).get().await.unwrap(), 4);
    /// # });
    /// ```
    fn map<U, F>(self, f: F) -> Share<Map<Self, T, F>, U>
    where
        Self: Sized,
        F: Fn(T) -> U,
        U: Clone + Send + 'static,
    {
        Map::new(self, f).share()
    }

    /// Passes over the versions that `predicate` refuses. Errors pass.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// assert_eq!(MemoryValue::new(3).filter(|n| *n > 0).get().await.unwrap(), 3);
    /// # });
    /// ```
    fn filter<P: Fn(&T) -> bool>(self, predicate: P) -> Filter<Self, P>
    where
        Self: Sized,
    {
        Filter::new(self, predicate)
    }

    /// Passes over the versions that equal the one a watcher took last. Errors pass.
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
    /// ```
    /// use event_core::{MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let address = MemoryValue::new("localhost").zip(MemoryValue::new(2379));
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

    /// Decodes each entry, once per version, however many watch. The decoder runs under a lock that
    /// the watchers share, as [`map`](Self::map)'s function does.
    ///
    /// ```
    /// use event_core::{Entry, MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let bytes = MemoryValue::new(Entry::new("name", 1, "etcd"));
    /// let name = bytes.decode(|bytes: &[u8]| String::from_utf8(bytes.to_vec()));
    /// assert_eq!(name.get().await.unwrap(), "etcd");
    /// # });
    /// ```
    fn decode<D>(self, decoder: D) -> Share<Decode<Self, D>, D::Output>
    where
        Self: ValueReader<Entry> + Sized,
        D: Decoder,
        D::Output: Clone + Send + 'static,
    {
        Decode::new(self, decoder).share()
    }

    /// Decodes each entry, as [`decode`](Self::decode) does, and keeps the key and the revision beside
    /// the value.
    ///
    /// ```
    /// use event_core::{Entry, MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let bytes = MemoryValue::new(Entry::new("name", 7, "etcd"));
    /// let name = bytes.decode_versioned(|bytes: &[u8]| String::from_utf8(bytes.to_vec()));
    /// let name = name.get().await.unwrap();
    /// assert_eq!((name.value.as_str(), name.revision), ("etcd", 7));
    /// # });
    /// ```
    fn decode_versioned<D>(
        self,
        decoder: D,
    ) -> Share<DecodeVersioned<Self, D>, Versioned<D::Output>>
    where
        Self: ValueReader<Entry> + Sized,
        D: Decoder,
        D::Output: Clone + Send + 'static,
    {
        DecodeVersioned::new(self, decoder).share()
    }

    /// Lets all watchers share one watcher of this reader, so that what is below does its work once.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let shared = MemoryValue::new(1).share();
    /// let (a, b) = (shared.clone(), shared);
    /// assert_eq!((a.get().await.unwrap(), b.get().await.unwrap()), (1, 1));
    /// # });
    /// ```
    fn share(self) -> Share<Self, T>
    where
        Self: Sized,
        T: Clone + Send + 'static,
    {
        Share::new(self)
    }

    /// Erases the type: a handle that is cheap to clone.
    ///
    /// ```
    /// use event_core::{BoxReader, MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let reader: BoxReader<u16> = MemoryValue::new(8080).boxed();
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
