//! A value in memory that behaves as a backend does, below the reader under test.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use event_core::conformance::{Gate, Subject};
use event_core::{
    Epoch, Error, ErrorKind, MemoryReader, MemoryValue, MemoryWatcher, Refresh, ValueReader,
    ValueWriter, Watcher,
};

pub(super) struct Source<T> {
    version: fn(u64) -> T,
    pub(super) spoil: fn(&MemoryValue<T>),
    /// `None`: no code of the program runs in a poll.
    pub(super) gate: Option<Gate>,
    backend: Arc<Backend<T>>,
    /// Writes arrive a moment later.
    is_remote: bool,
}

struct Backend<T> {
    /// `None`: it ended.
    value: Mutex<Option<MemoryValue<T>>>,
    on_their_way: Mutex<VecDeque<T>>,
    watchers: AtomicUsize,
}

impl<T: Clone + Send + 'static> Source<T> {
    /// The reader that `adapt` makes of one below, and its source.
    pub(super) fn new<R>(version: fn(u64) -> T, adapt: impl FnOnce(Below<T>) -> R) -> (R, Self) {
        let value = MemoryValue::empty();
        let reader = value.reader();
        let backend = Arc::new(Backend {
            value: Mutex::new(Some(value)),
            on_their_way: Mutex::default(),
            watchers: AtomicUsize::new(0),
        });
        let gate = Gate::default();
        let below =
            Below { reader, gate: gate.clone(), has_epoch: true, backend: Arc::clone(&backend) };
        let spoil = |value: &MemoryValue<T>| value.fail(Error::new(ErrorKind::Decode, "spoilt"));
        (adapt(below), Self { version, spoil, gate: Some(gate), backend, is_remote: true })
    }

    /// The same, straight over a value in memory: it has no upstream, and runs no code of the program.
    pub(super) fn in_memory<R>(
        version: fn(u64) -> T,
        adapt: impl FnOnce(MemoryReader<T>) -> R,
    ) -> (R, Self) {
        let (reader, source) = Self::new(version, |below| adapt(below.reader));
        (reader, Self { gate: None, is_remote: false, ..source })
    }
}

impl<T> Backend<T> {
    /// Publishes what was written.
    fn arrive(&self) {
        let mut on_their_way = self.on_their_way.lock().unwrap();
        while let Some(version) = on_their_way.pop_front() {
            self.change(|value| value.set(version));
        }
    }

    fn change(&self, change: impl FnOnce(&MemoryValue<T>)) {
        change(self.value.lock().unwrap().as_ref().expect("a value that ended is not set"));
    }
}

impl<T: Clone + Send + 'static> Subject for Source<T> {
    async fn set(&mut self, version: u64) {
        self.backend.arrive();
        self.backend.change(|value| value.set((self.version)(version)));
    }

    async fn write(&mut self, version: u64) {
        if !self.is_remote {
            return self.set(version).await;
        }
        self.backend.on_their_way.lock().unwrap().push_back((self.version)(version));
        let backend = Arc::clone(&self.backend);
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(10));
            backend.arrive();
        });
    }

    async fn spoil(&mut self) -> bool {
        self.backend.arrive();
        self.backend.change(self.spoil);
        true
    }

    async fn end(&mut self) -> bool {
        self.backend.arrive();
        drop(self.backend.value.lock().unwrap().take());
        true
    }

    async fn held(&mut self) -> usize {
        self.backend.watchers.load(Ordering::SeqCst)
    }

    fn gate(&self) -> Option<Gate> {
        self.gate.clone()
    }
}

/// The reader below an adapter. Its watchers are counted, and their polls pass a gate.
pub(super) struct Below<T> {
    reader: MemoryReader<T>,
    gate: Gate,
    has_epoch: bool,
    backend: Arc<Backend<T>>,
}

impl<T> Below<T> {
    /// Its watchers have no epoch, as those of a backend may have none.
    pub(super) fn without_epoch(self) -> Self {
        Self { has_epoch: false, ..self }
    }
}

impl<T: Clone + Send + 'static> ValueReader<T> for Below<T> {
    type Watcher = BelowWatcher<T>;

    fn watch(&self) -> Self::Watcher {
        self.backend.watchers.fetch_add(1, Ordering::SeqCst);
        let (gate, backend) = (self.gate.clone(), Arc::clone(&self.backend));
        BelowWatcher { watcher: self.reader.watch(), gate, has_epoch: self.has_epoch, backend }
    }

    /// The writes that were complete arrive when the future is polled.
    fn refresh(&self) -> Refresh {
        let backend = Arc::clone(&self.backend);
        Refresh::new(async move {
            backend.arrive();
            Ok(())
        })
    }
}

pub(super) struct BelowWatcher<T> {
    watcher: MemoryWatcher<T>,
    gate: Gate,
    has_epoch: bool,
    backend: Arc<Backend<T>>,
}

impl<T: Clone> Watcher<T> for BelowWatcher<T> {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        self.gate.pass();
        self.watcher.poll_get(cx)
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch().filter(|_| self.has_epoch)
    }
}

impl<T> Drop for BelowWatcher<T> {
    fn drop(&mut self) {
        self.backend.watchers.fetch_sub(1, Ordering::SeqCst);
    }
}
