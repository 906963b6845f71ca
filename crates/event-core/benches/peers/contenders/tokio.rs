//! tokio's `sync::watch`.

use tokio::sync::watch::{Receiver, Sender};

use crate::machine::with_version;
use crate::payload::Payload;
use crate::value::{IntoVersion, Read, Value, Watch};

pub(crate) struct Tokio<T>(Sender<T>);

impl<T: Payload> Value<T> for Tokio<T> {
    type Watcher = Receiver<T>;
    type Reader = Receiver<T>;

    fn name() -> String {
        with_version("tokio")
    }

    fn new(first: T) -> Self {
        Self(Sender::new(first))
    }

    fn set(&mut self, version: T) {
        self.0.send_replace(version);
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

impl<T: Payload> Watch<T> for Receiver<T> {
    fn get(&mut self) -> impl Future<Output: IntoVersion<T>> + Send {
        async { self.changed().await.map(|()| self.borrow_and_update().clone()) }
    }

    fn current(&mut self) -> T {
        self.borrow_and_update().clone()
    }
}

impl<T: Payload> Read<T> for Receiver<T> {
    fn read<R>(&mut self, f: impl FnOnce(&T) -> R) -> R {
        f(&self.borrow())
    }
}
