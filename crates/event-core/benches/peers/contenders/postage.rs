//! postage's `watch`.

use postage::sink::Sink;
use postage::stream::Stream;
use postage::watch::{Receiver, Sender};

use crate::machine::versioned;
use crate::payload::Payload;
use crate::value::{Read, Taken, Value, Watch};

/// A sender refuses what nobody would receive, so one receiver is kept.
pub(crate) struct Postage<T>(Sender<T>, #[expect(dead_code, reason = "kept")] Receiver<T>);

impl<T: Payload> Value<T> for Postage<T> {
    type Watcher = Receiver<T>;
    type Reader = Receiver<T>;

    fn who() -> String {
        versioned("postage")
    }

    fn new(first: T) -> Self {
        let (sender, receiver) = postage::watch::channel_with(first);
        Self(sender, receiver)
    }

    fn set(&mut self, version: T) {
        assert!(self.0.try_send(version).is_ok(), "a receiver is there");
    }

    fn watch(&mut self) -> Self::Watcher {
        self.0.subscribe()
    }

    fn reader(&mut self) -> Self::Reader {
        self.0.subscribe()
    }

    /// A sender sets through `&mut` and can't be cloned.
    fn another(&self) -> Option<Self> {
        None
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
