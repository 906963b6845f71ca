//! What you call on a reader of a map.

use std::hash::Hash;
use std::sync::Arc;

use crate::adapters::{
    AsValue, AsValueWatcher, BoxedMap, CurrentMap, FilterKeys, GetOnce, GroupBy, GroupedMap, Key,
    MapValue, SharedMap, Work, decode,
};
use crate::{BoxMapReader, Decoder, Entry, MapReader, ReaderExt, Snapshot, Versioned};

/// The methods of every [`MapReader`]. You can't implement it: every reader has it already.
///
/// An adapter over a reader is a reader, as with iterators. It owns its inner reader. A
/// [`MemoryMap`](crate::MemoryMap) that an adapter owns is no writer any more.
pub trait MapReaderExt<K, V>: MapReader<K, V> {
    /// Gets the whole map once, as of one step, when the backend has read it.
    ///
    /// # Errors
    ///
    /// The map ended before it was synced. The error of a key is in [`Snapshot::errors`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: the next call starts over.
    ///
    /// ```
    /// use event_core::{MapReaderExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.insert("a", 1);
    /// assert_eq!(map.snapshot().await.unwrap().len(), 1);
    /// # });
    /// ```
    fn snapshot(&self) -> GetOnce<AsValueWatcher<Self::Watcher, K, V>, Snapshot<K, V>>
    where
        K: Ord,
    {
        GetOnce::new(AsValueWatcher::new(self.watch()))
    }

    /// Keeps the newest state at hand for all threads and tasks: the addresses that a balancer picks from, the rules
    /// that are looked at for each request.
    ///
    /// It has no task: each call takes up to 32,768 changes, or 1024 over [`map`](Self::map), [`decode`](Self::decode) or
    /// [`filter`](Self::filter). Until all of a step is taken, calls show the step before. To begin with the whole map,
    /// call [`wait_until_synced`](CurrentMap::wait_until_synced).
    ///
    /// ```
    /// use event_core::{MapReaderExt, MemoryMap};
    ///
    /// let weights = MemoryMap::new();
    /// weights.insert("a", 1);
    /// let current = weights.current();
    /// assert_eq!(current.get("a"), Some(1));
    /// weights.remove("a");
    /// assert_eq!(current.get("a"), None);
    /// ```
    fn current(&self) -> CurrentMap<K, V>
    where
        Self::Watcher: Send + 'static,
        K: Ord + Send + Sync + 'static,
        V: Send + Sync + 'static,
    {
        CurrentMap::new(Box::new(AsValueWatcher::new(self.watch())))
    }

    /// The whole map as one value: a [`Snapshot`] for each step, once the map is synced. All watchers of the value share
    /// one snapshot, which is kept while one of them lives.
    ///
    /// ```
    /// use event_core::{MapReaderExt, MemoryMap, ValueReader, WatcherExt};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// let mut watcher = map.reader().as_value().watch();
    /// assert!(watcher.get().await.unwrap().is_empty());
    /// map.replace_all([("a", 1), ("b", 2)]);
    /// assert_eq!(watcher.get().await.unwrap().len(), 2);
    /// # });
    /// ```
    #[allow(clippy::wrong_self_convention)] // as with every adapter, the reader goes in
    fn as_value(self) -> MapValue<Self, K, V>
    where
        Self: Sized,
        K: Ord + Send + Sync + 'static,
        V: Send + Sync + 'static,
    {
        ReaderExt::<Snapshot<K, V>>::shared(AsValue::new(read_only(self)))
    }

    /// One key as a value: `Some` while it is there, `None` while it is not, an error if its newest version is one. The
    /// first version comes when the key is there, or the map is synced.
    ///
    /// Each watcher looks at every change of the map, and keeps nothing of them. For many keys of one map, use
    /// [`current`](Self::current).
    ///
    /// ```
    /// use event_core::{MapReaderExt, MemoryMap, ValueReader, WatcherExt};
    ///
    /// # futures_executor::block_on(async {
    /// let ports = MemoryMap::new();
    /// let mut web = ports.reader().key("web").watch();
    /// assert_eq!(web.get().await.unwrap(), None);
    /// ports.insert("dns", 53);
    /// ports.insert("web", 80);
    /// assert_eq!(web.get().await.unwrap(), Some(80));
    /// # });
    /// ```
    fn key(self, key: K) -> Key<Self, K, V>
    where
        Self: Sized,
        K: Eq,
    {
        Key::new(read_only(self), key)
    }

    /// Maps each version. `f` runs at most once per version, no matter how many watchers there are, and not for a version
    /// that was skipped. If no watcher is alive, the next one runs `f` again.
    ///
    /// `f` runs inside a poll of one of the watchers, without a lock. While it runs, the other watchers of this reader
    /// yield what is ready, and block no thread. Keep `f` short and do not block in it. If `f` panics, the panic unwinds
    /// the task that polled; the key then has an error of kind [`Panicked`](crate::ErrorKind::Panicked) until its next
    /// version.
    ///
    /// ```
    /// use event_core::{MapReaderExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let ports = MemoryMap::new();
    /// ports.insert("localhost", 80);
    /// let addresses = ports.reader().map(|host, port| format!("{host}:{port}"));
    /// assert_eq!(addresses.snapshot().await.unwrap().get("localhost").unwrap(), "localhost:80");
    /// # });
    /// ```
    fn map<U, F>(self, f: F) -> SharedMap<Self, K, V, U>
    where
        Self: Sized,
        K: Hash + Eq + Clone + Send + 'static,
        U: Clone + Send + 'static,
        F: Fn(&K, V) -> U + Send + Sync + 'static,
    {
        let work = Work::new("mapper", move |key: &K, value| Some(Ok(f(key, value))));
        SharedMap::new(read_only(self), work)
    }

    /// Decodes each entry. The decoder runs like the function of [`map`](Self::map). A version that does not decode is an
    /// error of its key, which names the key and the revision; the other keys go on.
    ///
    /// ```
    /// use event_core::{Bytes, Entry, MapReaderExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.insert(Bytes::from("a"), Entry::present("a", 1, "1"));
    /// map.insert(Bytes::from("b"), Entry::present("b", 2, "not a number"));
    /// let numbers = map.reader().decode(|bytes: &[u8]| {
    ///     let text = std::str::from_utf8(bytes).map_err(|_| "expected UTF-8")?;
    ///     text.parse::<u8>().map_err(|_| "expected a number")
    /// });
    /// let snapshot = numbers.snapshot().await.unwrap();
    /// assert_eq!(snapshot.get(&b"a"[..]), Some(&1));
    /// assert_eq!(snapshot.error(&b"b"[..]).unwrap().revision(), Some(2));
    /// # });
    /// ```
    fn decode<D>(self, decoder: D) -> SharedMap<Self, K, Entry, D::Output>
    where
        Self: MapReader<K, Entry> + Sized,
        K: Hash + Eq + Clone + Send + 'static,
        D: Decoder + Send + Sync + 'static,
        D::Output: Clone + Send + 'static,
    {
        let work = Work::new("decoder", move |_: &K, entry: Entry| decode(&decoder, &entry));
        SharedMap::new(read_only::<K, Entry, _>(self), work)
    }

    /// Decodes each entry as [`decode`](Self::decode) does, and keeps the full key, the revision and the
    /// [metadata](crate::Metadata) with the value.
    ///
    /// ```
    /// use event_core::{Bytes, Entry, MapReaderExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.insert(Bytes::from("a"), Entry::present("dir/a", 7, "x"));
    /// let texts = map.reader().decode_versioned(|bytes: &[u8]| String::from_utf8(bytes.to_vec()));
    /// let snapshot = texts.snapshot().await.unwrap();
    /// assert_eq!(snapshot.get(&b"a"[..]).unwrap().revision, Some(7));
    /// # });
    /// ```
    fn decode_versioned<D>(self, decoder: D) -> SharedMap<Self, K, Entry, Versioned<D::Output>>
    where
        Self: MapReader<K, Entry> + Sized,
        K: Hash + Eq + Clone + Send + 'static,
        D: Decoder + Send + Sync + 'static,
        D::Output: Clone + Send + 'static,
    {
        let work = Work::new("decoder", move |_: &K, entry: Entry| {
            let decoded = decode(&decoder, &entry)?;
            Some(decoded.map(|value| Versioned::of(entry, value)))
        });
        SharedMap::new(read_only::<K, Entry, _>(self), work)
    }

    /// Leaves the versions out that `predicate` refuses: a key whose newest version is refused is not there. Errors pass.
    ///
    /// The predicate runs like the function of [`map`](Self::map), and a panic has the same effect.
    ///
    /// ```
    /// use event_core::{MapReaderExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let weights = MemoryMap::new();
    /// weights.replace_all([("a", 1), ("b", 0)]);
    /// let used = weights.reader().filter(|_, weight| *weight > 0);
    /// assert!(used.snapshot().await.unwrap().iter().eq([(&"a", &1)]));
    /// # });
    /// ```
    fn filter<P>(self, predicate: P) -> SharedMap<Self, K, V>
    where
        Self: Sized,
        K: Hash + Eq + Clone + Send + 'static,
        V: Clone + Send + 'static,
        P: Fn(&K, &V) -> bool + Send + Sync + 'static,
    {
        let accepts = move |key: &K, value: V| predicate(key, &value).then_some(Ok(value));
        SharedMap::new(read_only(self), Work::new("predicate", accepts))
    }

    /// Leaves the keys out that `predicate` refuses. It must always say the same of a key.
    ///
    /// Each watcher filters for itself and remembers nothing: `predicate` runs once per watcher and change. If it panics,
    /// the next poll calls it again. A watcher may yield the `Delete` of a key that was left out.
    ///
    /// ```
    /// use event_core::{MapReaderExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.replace_all([("a/1", 1), ("a/2", 2), ("b/1", 3)]);
    /// let a = map.reader().filter_keys(|key| key.starts_with("a/"));
    /// assert_eq!(a.snapshot().await.unwrap().len(), 2);
    /// # });
    /// ```
    fn filter_keys<P: Fn(&K) -> bool>(self, predicate: P) -> FilterKeys<Self, P>
    where
        Self: Sized,
    {
        FilterKeys::new(read_only(self), predicate)
    }

    /// Groups the keys: a map from each group to a [`Snapshot`] of its entries. `group_of` names the group of a key;
    /// a key with `None` is left out. It must always say the same of a key. A group without keys is not
    /// there. As with any map, a group may lack keys before [`Synced`](crate::Change::Synced).
    ///
    /// All watchers share one set of groups. `group_of` runs once per change, inside a poll of one of the watchers,
    /// without a lock. To group by a part of the key, pass [`segment`](crate::segment).
    ///
    /// ```
    /// use event_core::{Bytes, MapReaderExt, MemoryMap, segment};
    ///
    /// # futures_executor::block_on(async {
    /// let ports = MemoryMap::new();
    /// for (key, port) in [("web/a", 80), ("web/b", 81), ("dns/a", 53)] {
    ///     ports.insert(Bytes::from(key), port);
    /// }
    /// let services = ports.reader().group_by(segment(0));
    /// let services = services.snapshot().await.unwrap();
    /// let web = services.get(&b"web"[..]).unwrap();
    /// assert_eq!(web.get(&b"web/b"[..]), Some(&81));
    /// assert_eq!(services.len(), 2);
    /// # });
    /// ```
    fn group_by<G, F>(self, group_of: F) -> GroupedMap<Self, K, V, G, F>
    where
        Self: Sized,
        K: Ord + Send + Sync + 'static,
        V: Send + Sync + 'static,
        G: Hash + Eq + Clone + Send + 'static,
        F: Fn(&K) -> Option<G>,
    {
        let groups = GroupBy::new(read_only(self), group_of);
        MapReaderExt::<G, Snapshot<K, V>>::shared(groups)
    }

    /// Lets all watchers share one watcher of this reader, so that this reader does its work once.
    ///
    /// ```
    /// use event_core::{MapReaderExt, MemoryMap};
    ///
    /// # futures_executor::block_on(async {
    /// let map = MemoryMap::new();
    /// map.insert("a", 1);
    /// let shared = map.reader().shared();
    /// let (one, two) = (shared.clone(), shared);
    /// assert_eq!(one.snapshot().await.unwrap().len(), two.snapshot().await.unwrap().len());
    /// # });
    /// ```
    fn shared(self) -> SharedMap<Self, K, V>
    where
        Self: Sized,
        K: Hash + Eq + Clone + Send + 'static,
        V: Clone + Send + 'static,
    {
        SharedMap::new(read_only(self), Work::new("reader", |_: &K, value| Some(Ok(value))))
    }

    /// Erases the type: a handle that is cheap to clone, to store and to return.
    ///
    /// ```
    /// use event_core::{BoxMapReader, MapReader, MapReaderExt, MapWatcherExt, MemoryMap};
    ///
    /// let map = MemoryMap::new();
    /// map.insert("a", 1);
    /// let reader: BoxMapReader<&str, i32> = map.reader().boxed();
    /// assert_eq!(reader.watch().try_change().unwrap().unwrap().key(), Some(&"a"));
    /// ```
    fn boxed(self) -> BoxMapReader<K, V>
    where
        Self: Send + Sync + Sized + 'static,
        Self::Watcher: Send + 'static,
        K: 'static,
        V: 'static,
    {
        Arc::new(BoxedMap(read_only(self)))
    }
}

/// A reader that an adapter owns.
fn read_only<K, V, R: MapReader<K, V>>(mut reader: R) -> R {
    reader.stop_writing();
    reader
}

impl<K, V, R: MapReader<K, V> + ?Sized> MapReaderExt<K, V> for R {}
