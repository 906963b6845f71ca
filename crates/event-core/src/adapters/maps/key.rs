//! `key`: one key of a map as a value.

use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::CHUNK;
use super::backlog::Backlog;
use crate::adapters::{ROUNDS, yield_now};
use crate::debug::debug;
use crate::{Change, Epoch, Error, MapReader, MapWatcher, Refresh, ValueReader, Watcher};

/// One key of a map as a value.
///
/// [`MapReaderExt::key`](crate::MapReaderExt::key) makes one.
pub struct Key<R, K, V> {
    reader: R,
    wanted: Arc<K>,
    yields: PhantomData<fn() -> V>,
}

impl<R, K, V> Key<R, K, V> {
    pub(crate) fn new(reader: R, key: K) -> Self {
        Self { reader, wanted: Arc::new(key), yields: PhantomData }
    }
}

impl<R: MapReader<K, V>, K: Eq, V> ValueReader<Option<V>> for Key<R, K, V> {
    type Watcher = KeyWatcher<R::Watcher, K, V>;

    fn watch(&self) -> Self::Watcher {
        KeyWatcher {
            watcher: self.reader.watch(),
            wanted: Arc::clone(&self.wanted),
            backlog: Backlog::new(),
            newest: None,
            last: Last::Unknown,
        }
    }

    fn refresh(&self) -> Refresh {
        self.reader.refresh()
    }
}

/// A watcher of one key of a map.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct KeyWatcher<W, K, V> {
    watcher: W,
    wanted: Arc<K>,
    backlog: Backlog<K, V>,
    /// Taken and not yielded yet.
    newest: Option<Result<Option<V>, Error>>,
    last: Last,
}

/// What the newest version of the key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// The map is not synced, and the key has not been seen.
    Unknown,
    Absent,
    Present,
}

impl<W, K: Eq, V> KeyWatcher<W, K, V> {
    fn work_off(&mut self) {
        while let Some(change) = self.backlog.pop() {
            match change {
                Change::Put { key, value } if key == *self.wanted => {
                    (self.newest, self.last) = (Some(Ok(Some(value))), Last::Present);
                }
                Change::Failed { key, error } if key == *self.wanted => {
                    (self.newest, self.last) = (Some(Err(error)), Last::Present);
                }
                // A map may yield a delete of a key that it never yielded.
                Change::Delete { key } if self.last == Last::Present && key == *self.wanted => {
                    (self.newest, self.last) = (Some(Ok(None)), Last::Absent);
                }
                Change::Synced if self.last == Last::Unknown => {
                    (self.newest, self.last) = (Some(Ok(None)), Last::Absent);
                }
                _ => {}
            }
        }
    }
}

impl<W: MapWatcher<K, V>, K: Eq, V> Watcher<Option<V>> for KeyWatcher<W, K, V> {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<V>, Error>> {
        for _ in 0..ROUNDS {
            let polled = self.backlog.poll(&mut self.watcher, cx, CHUNK);
            self.work_off();
            let pending = match polled {
                Poll::Ready(Ok(())) => continue,
                Poll::Ready(Err(end)) => Poll::Ready(Err(end)),
                Poll::Pending => Poll::Pending,
            };
            return self.newest.take().map_or(pending, Poll::Ready);
        }
        yield_now(cx)
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch().map(Epoch::of_adapter)
    }
}

impl<R: Clone, K, V> Clone for Key<R, K, V> {
    fn clone(&self) -> Self {
        let wanted = Arc::clone(&self.wanted);
        Self { reader: self.reader.clone(), wanted, yields: PhantomData }
    }
}

debug!(Key<R, K, V> { reader: R });
debug!(KeyWatcher<W, K, V> { watcher: W });
