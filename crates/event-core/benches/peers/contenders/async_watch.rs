//! async-watch's channel.

use std::sync::Arc;

use async_watch::{Receiver, Sender};

use crate::machine::with_version;
use crate::payload::Payload;
use crate::value::{IntoVersion, Read, Value, Watch};

/// The sender can't be cloned, so two writers share it in an `Arc`. New receivers are clones of a receiver.
pub(crate) struct AsyncWatch<T>(Arc<Sender<T>>, Receiver<T>);

impl<T: Payload> Value<T> for AsyncWatch<T> {
    type Watcher = Receiver<T>;
    type Reader = Receiver<T>;

    fn name() -> String {
        with_version("async-watch")
    }

    fn new(first: T) -> Self {
        let (sender, receiver) = async_watch::channel(first);
        Self(Arc::new(sender), receiver)
    }

    fn set(&mut self, version: T) {
        assert!(self.0.send(version).is_ok(), "there is a receiver");
    }

    fn watch(&mut self) -> Self::Watcher {
        self.1.clone()
    }

    fn reader(&mut self) -> Self::Reader {
        self.1.clone()
    }

    fn second_writer(&self) -> Option<Self> {
        Some(Self(Arc::clone(&self.0), self.1.clone()))
    }
}

impl<T: Payload> Watch<T> for Receiver<T> {
    fn get(&mut self) -> impl Future<Output: IntoVersion<T>> + Send {
        self.recv()
    }

    fn current(&mut self) -> T {
        self.borrow().clone()
    }
}

impl<T: Payload> Read<T> for Receiver<T> {
    fn read<R>(&mut self, f: impl FnOnce(&T) -> R) -> R {
        f(&self.borrow())
    }
}
