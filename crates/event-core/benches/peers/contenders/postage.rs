//! postage's `watch`.

use postage::sink::Sink;
use postage::stream::Stream;
use postage::watch::{Receiver, Sender};

use crate::machine::with_version;
use crate::payload::Payload;
use crate::value::{IntoVersion, Read, Value, Watch};

/// Sending fails if there is no receiver, so this keeps one.
pub(crate) struct Postage<T>(
    Sender<T>,
    #[expect(dead_code, reason = "keeps it alive")] Receiver<T>,
);

impl<T: Payload> Value<T> for Postage<T> {
    type Watcher = Receiver<T>;
    type Reader = Receiver<T>;

    fn name() -> String {
        with_version("postage")
    }

    fn new(first: T) -> Self {
        let (sender, receiver) = postage::watch::channel_with(first);
        Self(sender, receiver)
    }

    fn set(&mut self, version: T) {
        assert!(self.0.try_send(version).is_ok(), "there is a receiver");
    }

    fn watch(&mut self) -> Self::Watcher {
        self.0.subscribe()
    }

    fn reader(&mut self) -> Self::Reader {
        self.0.subscribe()
    }

    /// The sender can't be cloned, and sending needs `&mut`.
    fn second_writer(&self) -> Option<Self> {
        None
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
