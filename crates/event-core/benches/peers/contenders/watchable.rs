//! watchable's `Watchable`.

use watchable::Watcher;

use crate::machine::with_version;
use crate::payload::Payload;
use crate::value::{IntoVersion, Read, Value, Watch};

pub(crate) struct Watchable<T>(watchable::Watchable<T>);

impl<T: Payload> Value<T> for Watchable<T> {
    type Watcher = Watcher<T>;
    type Reader = Watcher<T>;

    fn name() -> String {
        with_version("watchable")
    }

    fn new(first: T) -> Self {
        Self(watchable::Watchable::new(first))
    }

    fn set(&mut self, version: T) {
        self.0.replace(version);
    }

    fn watch(&mut self) -> Self::Watcher {
        self.0.watch()
    }

    fn reader(&mut self) -> Self::Reader {
        self.0.watch()
    }

    fn second_writer(&self) -> Option<Self> {
        Some(Self(self.0.clone()))
    }
}

impl<T: Payload> Watch<T> for Watcher<T> {
    fn get(&mut self) -> impl Future<Output: IntoVersion<T>> + Send {
        self.next_value_async()
    }

    fn current(&mut self) -> T {
        Watcher::get(self)
    }
}

impl<T: Payload> Read<T> for Watcher<T> {
    fn read<R>(&mut self, f: impl FnOnce(&T) -> R) -> R {
        f(&self.peek())
    }
}
