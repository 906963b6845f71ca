//! `as_value`: a whole map as one value.

use std::marker::PhantomData;
use std::task::{Context, Poll};

use super::CHUNK;
use super::backlog::Backlog;
use crate::adapters::{Shared, yield_now};
use crate::debug::debug;
use crate::{Epoch, Error, MapReader, MapWatcher, Refresh, Snapshot, ValueReader, Watcher};

/// How many chunks one poll takes.
const CHUNKS: usize = 4;

/// What [`MapReaderExt::as_value`](crate::MapReaderExt::as_value) returns: one snapshot for all watchers.
pub type MapValue<R, K, V> = Shared<AsValue<R, K, V>, Snapshot<K, V>>;

/// A map as a value: a snapshot for each step.
///
/// [`MapReaderExt::as_value`](crate::MapReaderExt::as_value) returns it inside a [`Shared`].
pub struct AsValue<R, K, V> {
    reader: R,
    of: PhantomData<fn(K, V)>,
}

impl<R, K, V> AsValue<R, K, V> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, of: PhantomData }
    }
}

impl<R: MapReader<K, V>, K: Ord, V> ValueReader<Snapshot<K, V>> for AsValue<R, K, V> {
    type Watcher = AsValueWatcher<R::Watcher, K, V>;

    fn watch(&self) -> Self::Watcher {
        AsValueWatcher::new(self.reader.watch())
    }

    fn refresh(&self) -> Refresh {
        self.reader.refresh()
    }
}

/// A watcher of a map that yields a snapshot for each step.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct AsValueWatcher<W, K, V> {
    watcher: W,
    backlog: Backlog<K, V>,
    /// The map as far as it was taken: in the middle of a step, perhaps.
    map: Snapshot<K, V>,
    is_synced: bool,
    /// Whether something was taken since the last snapshot.
    has_changed: bool,
}

impl<W, K: Ord, V> AsValueWatcher<W, K, V> {
    pub(crate) fn new(watcher: W) -> Self {
        let (backlog, map) = (Backlog::new(), Snapshot::new());
        Self { watcher, backlog, map, is_synced: false, has_changed: false }
    }

    fn work_off(&mut self) {
        while let Some(change) = self.backlog.pop() {
            self.is_synced |= change.is_synced();
            self.has_changed = true;
            self.map.change(change);
        }
    }
}

impl<W: MapWatcher<K, V>, K: Ord, V> Watcher<Snapshot<K, V>> for AsValueWatcher<W, K, V> {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<Snapshot<K, V>, Error>> {
        for _ in 0..CHUNKS {
            // A chunk at a time: no writer waits until all is taken.
            let polled = self.backlog.poll(&mut self.watcher, cx, CHUNK);
            self.work_off();
            let pending = match polled {
                Poll::Ready(Ok(())) => continue,
                Poll::Ready(Err(end)) => Poll::Ready(Err(end)),
                Poll::Pending => Poll::Pending,
            };
            if !self.is_synced || !self.has_changed {
                return pending;
            }
            self.has_changed = false;
            self.map.next_revision();
            return Poll::Ready(Ok(self.map.clone()));
        }
        yield_now(cx)
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch().map(Epoch::of_adapter)
    }
}

impl<R: Clone, K, V> Clone for AsValue<R, K, V> {
    fn clone(&self) -> Self {
        Self::new(self.reader.clone())
    }
}

debug!(AsValue<R, K, V> { reader: R });
debug!(AsValueWatcher<W, K, V> { watcher: W });
