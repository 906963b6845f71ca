//! futures-signals' `Mutable`.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_signals::signal::{Mutable, MutableSignalCloned, ReadOnlyMutable, Signal};

use crate::machine::with_version;
use crate::payload::Payload;
use crate::value::{IntoVersion, Read, Value, Watch};

pub(crate) struct Signals<T>(Mutable<T>);

impl<T: Payload> Value<T> for Signals<T> {
    type Watcher = MutableSignalCloned<T>;
    type Reader = ReadOnlyMutable<T>;

    fn name() -> String {
        with_version("futures-signals")
    }

    fn new(first: T) -> Self {
        Self(Mutable::new(first))
    }

    fn set(&mut self, version: T) {
        self.0.set(version);
    }

    fn watch(&mut self) -> Self::Watcher {
        self.0.signal_cloned()
    }

    fn reader(&mut self) -> Self::Reader {
        self.0.read_only()
    }

    fn second_writer(&self) -> Option<Self> {
        Some(Self(self.0.clone()))
    }
}

impl<T: Payload> Watch<T> for MutableSignalCloned<T> {
    fn get(&mut self) -> impl Future<Output: IntoVersion<T>> + Send {
        poll_fn(|cx| Pin::new(&mut *self).poll_change(cx))
    }

    fn current(&mut self) -> T {
        match Pin::new(self).poll_change(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(version)) => version,
            _ => unreachable!("a new signal yields the current version"),
        }
    }
}

impl<T: Payload> Read<T> for ReadOnlyMutable<T> {
    fn read<R>(&mut self, f: impl FnOnce(&T) -> R) -> R {
        f(&self.lock_ref())
    }
}
