//! Ours, generic and with erased types.

use event_core::adapters::{Current, Latest};
use event_core::{
    BoxReader, BoxWatcher, MemoryValue, MemoryWatcher, ReaderExt, ValueReader, ValueWriter,
    Watcher, WatcherExt,
};

use crate::payload::Payload;
use crate::value::{IntoVersion, Read, Value, Watch};

pub(crate) struct Ours<T>(MemoryValue<T>);

impl<T: Payload> Value<T> for Ours<T> {
    type Watcher = MemoryWatcher<T>;
    type Reader = Latest<MemoryWatcher<T>, T>;

    fn name() -> String {
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

    fn second_writer(&self) -> Option<Self> {
        Some(Self(self.0.clone()))
    }
}

/// The same through [`BoxReader`].
pub(crate) struct OursBoxed<T>(MemoryValue<T>, BoxReader<T>);

impl<T: Payload> Value<T> for OursBoxed<T> {
    type Watcher = BoxWatcher<T>;
    type Reader = Latest<BoxWatcher<T>, T>;

    fn name() -> String {
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

    fn second_writer(&self) -> Option<Self> {
        Some(Self(self.0.clone(), self.1.clone()))
    }
}

impl<T: Payload> Watch<T> for MemoryWatcher<T> {
    fn get(&mut self) -> impl Future<Output: IntoVersion<T>> + Send {
        WatcherExt::get(self)
    }

    fn current(&mut self) -> T {
        current(self)
    }
}

impl<T: Payload> Watch<T> for BoxWatcher<T> {
    fn get(&mut self) -> impl Future<Output: IntoVersion<T>> + Send {
        WatcherExt::get(&mut **self)
    }

    fn current(&mut self) -> T {
        current(self)
    }
}

impl<T: Payload> Read<T> for Current<T> {
    fn read<R>(&mut self, f: impl FnOnce(&T) -> R) -> R {
        f(&self.get().expect("there is a version"))
    }
}

fn current<T>(watcher: &mut impl Watcher<T>) -> T {
    watcher.try_get().expect("a new watcher yields the current version").expect("not an error")
}

impl<T: Payload, W: Watcher<T> + Send + 'static> Read<T> for Latest<W, T> {
    fn read<R>(&mut self, f: impl FnOnce(&T) -> R) -> R {
        f(self.get().expect("there is a version"))
    }
}
