//! async-watch's channel.

use std::sync::Arc;

use async_watch::{Receiver, Sender};

use crate::machine::versioned;
use crate::payload::Payload;
use crate::value::{Read, Taken, Value, Watch};

/// The sender is no handle: where two write they share it. Receivers come from receivers.
pub(crate) struct AsyncWatch<T>(Arc<Sender<T>>, Receiver<T>);

impl<T: Payload> Value<T> for AsyncWatch<T> {
    type Watcher = Receiver<T>;
    type Reader = Receiver<T>;

    fn who() -> String {
        versioned("async-watch")
    }

    fn new(first: T) -> Self {
        let (sender, receiver) = async_watch::channel(first);
        Self(Arc::new(sender), receiver)
    }

    fn set(&mut self, version: T) {
        assert!(self.0.send(version).is_ok(), "a receiver is there");
    }

    fn watch(&mut self) -> Self::Watcher {
        self.1.clone()
    }

    fn reader(&mut self) -> Self::Reader {
        self.1.clone()
    }

    fn another(&self) -> Option<Self> {
        Some(Self(Arc::clone(&self.0), self.1.clone()))
    }
}

impl<T: Payload> Watch<T> for Receiver<T> {
    fn get(&mut self) -> impl Future<Output: Taken<T>> + Send {
        self.recv()
    }

    fn first(&mut self) -> T {
        self.borrow().clone()
    }
}

impl<T: Payload> Read<T> for Receiver<T> {
    fn read<R>(&mut self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.borrow())
    }
}
