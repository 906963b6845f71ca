//! The operations that are counted, and their implementation for each contender.

use event_core::{MemoryValue, MemoryWatcher, ValueReader, ValueWriter, WatcherExt};
use eyeball::{SharedObservable, Subscriber};
use tokio::sync::watch::{Receiver, Sender};

pub(crate) trait Value: 'static {
    type Watcher: Watch;

    fn new() -> Self;
    fn set(&self, version: u64);
    fn watch(&self) -> Self::Watcher;
}

pub(crate) trait Watch: 'static {
    fn get(&mut self) -> impl Future;

    /// Takes the current version from a new watcher.
    fn current(&mut self) -> u64;
}

impl Value for MemoryValue<u64> {
    type Watcher = MemoryWatcher<u64>;

    fn new() -> Self {
        Self::new(0)
    }

    fn set(&self, version: u64) {
        ValueWriter::set(self, version);
    }

    fn watch(&self) -> Self::Watcher {
        ValueReader::watch(self)
    }
}

impl Watch for MemoryWatcher<u64> {
    fn get(&mut self) -> impl Future {
        WatcherExt::get(self)
    }

    fn current(&mut self) -> u64 {
        self.try_get().expect("a new watcher yields the current version").expect("not an error")
    }
}

impl Value for Sender<u64> {
    type Watcher = Receiver<u64>;

    fn new() -> Self {
        Self::new(0)
    }

    fn set(&self, version: u64) {
        self.send_replace(version);
    }

    fn watch(&self) -> Self::Watcher {
        self.subscribe()
    }
}

impl Watch for Receiver<u64> {
    fn get(&mut self) -> impl Future {
        async { self.changed().await.map(|()| *self.borrow_and_update()) }
    }

    fn current(&mut self) -> u64 {
        *self.borrow_and_update()
    }
}

impl Value for SharedObservable<u64> {
    type Watcher = Subscriber<u64>;

    fn new() -> Self {
        Self::new(0)
    }

    fn set(&self, version: u64) {
        SharedObservable::set(self, version);
    }

    fn watch(&self) -> Self::Watcher {
        self.subscribe()
    }
}

impl Watch for Subscriber<u64> {
    fn get(&mut self) -> impl Future {
        self.next()
    }

    fn current(&mut self) -> u64 {
        self.next_now()
    }
}
