//! Ours, as it is and with its type erased.

use event_core::adapters::Latest;
use event_core::{
    BoxReader, BoxWatcher, MemoryValue, MemoryWatcher, ReaderExt, ValueReader, ValueWriter,
    Watcher, WatcherExt,
};

use crate::payload::Payload;
use crate::value::{Read, Taken, Value, Watch};

pub(crate) struct Ours<T>(MemoryValue<T>);

impl<T: Payload> Value<T> for Ours<T> {
    type Watcher = MemoryWatcher<T>;
    type Reader = Latest<MemoryWatcher<T>, T>;

    fn who() -> String {
        "ours".to_owned()
    }

    fn new(first: T) -> Self {
        Self(MemoryValue::new(first))
    }

    fn set(&mut self, version: T) {
        self.0.set(version);
    }

    fn watch(&mut self) -> Self::Watcher {
        self.0.watch()
    }

    fn reader(&mut self) -> Self::Reader {
        self.0.watch().latest()
    }

    fn another(&self) -> Option<Self> {
        Some(Self(self.0.clone()))
    }
}

/// The same through [`BoxReader`].
pub(crate) struct OursBoxed<T>(MemoryValue<T>, BoxReader<T>);

impl<T: Payload> Value<T> for OursBoxed<T> {
    type Watcher = BoxWatcher<T>;
    type Reader = Latest<BoxWatcher<T>, T>;

    fn who() -> String {
        "ours".to_owned()
    }

    fn new(first: T) -> Self {
        let value = MemoryValue::new(first);
        let reader = value.reader().boxed();
        Self(value, reader)
    }

    fn set(&mut self, version: T) {
        self.0.set(version);
    }

    fn watch(&mut self) -> Self::Watcher {
        self.1.watch()
    }

    fn reader(&mut self) -> Self::Reader {
        self.1.watch().latest()
    }

    fn another(&self) -> Option<Self> {
        Some(Self(self.0.clone(), self.1.clone()))
    }
}

impl<T: Payload> Watch<T> for MemoryWatcher<T> {
    fn get(&mut self) -> impl Future<Output: Taken<T>> + Send {
        WatcherExt::get(self)
    }

    fn first(&mut self) -> T {
        first(self)
    }
}

impl<T: Payload> Watch<T> for BoxWatcher<T> {
    fn get(&mut self) -> impl Future<Output: Taken<T>> + Send {
        WatcherExt::get(&mut **self)
    }

    fn first(&mut self) -> T {
        first(self)
    }
}

fn first<T>(watcher: &mut impl Watcher<T>) -> T {
    watcher.try_get().expect("the current version is new").expect("it is no error")
}

impl<T: Payload, W: Watcher<T> + Send + 'static> Read<T> for Latest<W, T> {
    fn read<R>(&mut self, look: impl FnOnce(&T) -> R) -> R {
        look(self.get().expect("there is a version"))
    }
}
