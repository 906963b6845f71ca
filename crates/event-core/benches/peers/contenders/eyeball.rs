//! eyeball's `SharedObservable`.

use eyeball::{SharedObservable, Subscriber};

use crate::machine::with_version;
use crate::payload::Payload;
use crate::value::{IntoVersion, Read, Value, Watch};

pub(crate) struct Eyeball<T>(SharedObservable<T>);

impl<T: Payload> Value<T> for Eyeball<T> {
    type Watcher = Subscriber<T>;
    type Reader = Subscriber<T>;

    fn name() -> String {
        with_version("eyeball")
    }

    fn new(first: T) -> Self {
        Self(SharedObservable::new(first))
    }

    fn set(&mut self, version: T) {
        self.0.set(version);
    }

    fn watch(&mut self) -> Self::Watcher {
        self.0.subscribe()
    }

    fn reader(&mut self) -> Self::Reader {
        self.0.subscribe()
    }

    fn second_writer(&self) -> Option<Self> {
        Some(Self(self.0.clone()))
    }
}

impl<T: Payload> Watch<T> for Subscriber<T> {
    fn get(&mut self) -> impl Future<Output: IntoVersion<T>> + Send {
        self.next()
    }

    fn current(&mut self) -> T {
        self.next_now()
    }
}

impl<T: Payload> Read<T> for Subscriber<T> {
    fn read<R>(&mut self, f: impl FnOnce(&T) -> R) -> R {
        f(&Subscriber::read(self))
    }
}
