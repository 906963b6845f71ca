//! A value in memory, below the reader under test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use event_core::conformance::{Gate, Subject};
use event_core::{
    Epoch, Error, ErrorKind, MemoryReader, MemoryValue, MemoryWatcher, ValueReader, ValueWriter,
    Watcher,
};

pub(super) struct Source<T> {
    /// `None`: it ended.
    value: Option<MemoryValue<T>>,
    version: fn(u64) -> T,
    pub(super) spoilt: fn(&MemoryValue<T>),
    pub(super) below: Below<T>,
}

impl<T: Clone> Source<T> {
    /// The reader that `adapt` makes of one below, and its source.
    pub(super) fn new<R>(version: fn(u64) -> T, adapt: impl FnOnce(Below<T>) -> R) -> (R, Self) {
        let value = MemoryValue::empty();
        let below = Below {
            reader: value.reader(),
            watchers: Arc::default(),
            gate: Some(Gate::default()),
            has_epoch: true,
        };
        let reader = adapt(below.clone());
        let spoilt = |value: &MemoryValue<T>| value.fail(Error::new(ErrorKind::Decode, "spoilt"));
        (reader, Self { value: Some(value), version, spoilt, below })
    }

    fn value(&self) -> &MemoryValue<T> {
        self.value.as_ref().expect("a value that ended is not set")
    }
}

impl<T: Clone> Subject for Source<T> {
    async fn set(&mut self, version: u64) {
        self.value().set((self.version)(version));
    }

    async fn spoil(&mut self) -> bool {
        (self.spoilt)(self.value());
        true
    }

    async fn end(&mut self) -> bool {
        self.value = None;
        true
    }

    async fn held(&mut self) -> usize {
        self.below.watchers.load(Ordering::SeqCst)
    }

    fn gate(&self) -> Option<Gate> {
        self.below.gate.clone()
    }
}

/// The reader below an adapter. It counts its watchers, and their polls pass a gate.
#[derive(Clone)]
pub(super) struct Below<T> {
    pub(super) reader: MemoryReader<T>,
    watchers: Arc<AtomicUsize>,
    /// `None`: nothing in this reader's polls is the program's code.
    pub(super) gate: Option<Gate>,
    has_epoch: bool,
}

impl<T> Below<T> {
    /// Without an epoch, as a backend's own reader may be.
    pub(super) fn without_epoch(self) -> Self {
        Self { has_epoch: false, ..self }
    }
}

impl<T: Clone> ValueReader<T> for Below<T> {
    type Watcher = BelowWatcher<T>;

    fn watch(&self) -> Self::Watcher {
        self.watchers.fetch_add(1, Ordering::SeqCst);
        BelowWatcher { watcher: self.reader.watch(), below: self.clone() }
    }
}

pub(super) struct BelowWatcher<T> {
    watcher: MemoryWatcher<T>,
    below: Below<T>,
}

impl<T: Clone> Watcher<T> for BelowWatcher<T> {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        self.below.gate.iter().for_each(Gate::pass);
        self.watcher.poll_get(cx)
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch().filter(|_| self.below.has_epoch)
    }
}

impl<T> Drop for BelowWatcher<T> {
    fn drop(&mut self) {
        self.below.watchers.fetch_sub(1, Ordering::SeqCst);
    }
}
