//! What you call on a reader of a map.

use std::sync::Arc;

use crate::adapters::BoxedMap;
use crate::{BoxMapReader, MapReader};

/// The methods of every [`MapReader`]. You can't implement it: every reader has it already.
///
/// An adapter over a reader is a reader, as with iterators. It owns its inner reader. A
/// [`MemoryMap`](crate::MemoryMap) that an adapter owns is no writer any more.
pub trait MapReaderExt<K, V>: MapReader<K, V> {
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
