//! `filter_keys`: only the keys that a predicate accepts.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::CHUNK;
use super::backlog::Backlog;
use crate::adapters::yield_now;
use crate::debug::debug;
use crate::{Change, Epoch, Error, MapReader, MapWatcher, Refresh};

/// A reader of a map without the keys that a predicate refuses.
///
/// [`MapReaderExt::filter_keys`](crate::MapReaderExt::filter_keys) makes one.
pub struct FilterKeys<R, P> {
    reader: R,
    predicate: Arc<P>,
}

impl<R, P> FilterKeys<R, P> {
    pub(crate) fn new(reader: R, predicate: P) -> Self {
        Self { reader, predicate: Arc::new(predicate) }
    }
}

impl<R, K, V, P> MapReader<K, V> for FilterKeys<R, P>
where
    R: MapReader<K, V>,
    P: Fn(&K) -> bool,
{
    type Watcher = FilterKeysWatcher<R::Watcher, K, V, P>;

    fn watch(&self) -> Self::Watcher {
        let predicate = Arc::clone(&self.predicate);
        FilterKeysWatcher { watcher: self.reader.watch(), predicate, backlog: Backlog::new() }
    }

    fn refresh(&self) -> Refresh {
        self.reader.refresh()
    }
}

/// A watcher of a map that skips the keys that a predicate refuses.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct FilterKeysWatcher<W, K, V, P> {
    watcher: W,
    predicate: Arc<P>,
    /// Not judged yet. It is empty between two polls, unless the predicate panicked.
    backlog: Backlog<K, V>,
}

impl<W, K, V, P> FilterKeysWatcher<W, K, V, P>
where
    W: MapWatcher<K, V>,
    P: Fn(&K) -> bool,
{
    /// Judges the changes that were taken, up to the first that passes. Those that do not pass leave their key in
    /// `skipped`.
    fn judge(&mut self, skipped: &mut Option<K>) -> Option<Change<K, V>> {
        loop {
            let passes = self.backlog.first()?.key().is_none_or(|key| (self.predicate)(key));
            match self.backlog.pop()? {
                change if passes => return Some(change),
                Change::Put { key, .. } | Change::Delete { key } | Change::Failed { key, .. } => {
                    *skipped = Some(key);
                }
                Change::Synced => {}
            }
        }
    }
}

/// A poll that did its share without a result yields this: `Pending` would say that the step is complete, and the key
/// is not there for whoever sees this map.
fn stands_for<K, V>(skipped: Option<K>) -> Option<Change<K, V>> {
    skipped.map(|key| Change::Delete { key })
}

impl<W, K, V, P> MapWatcher<K, V> for FilterKeysWatcher<W, K, V, P>
where
    W: MapWatcher<K, V>,
    P: Fn(&K) -> bool,
{
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<Result<Change<K, V>, Error>> {
        let mut skipped = None;
        for _ in 0..CHUNK {
            if let Some(change) = self.judge(&mut skipped) {
                return Poll::Ready(Ok(change));
            }
            // One by one: what waits here while the caller does something else may be outdated.
            ready!(self.backlog.poll(&mut self.watcher, cx, 1))?;
        }
        match self.judge(&mut skipped).or(stands_for(skipped)) {
            Some(change) => Poll::Ready(Ok(change)),
            None => yield_now(cx),
        }
    }

    fn poll_changes(
        &mut self,
        cx: &mut Context<'_>,
        limit: usize,
        into: &mut Vec<Change<K, V>>,
    ) -> Poll<Result<(), Error>> {
        let (before, mut skipped) = (into.len(), None);
        while let Some(change) = self.judge(&mut skipped) {
            into.push(change); // what a panic has left
        }
        let polled = self.backlog.poll(&mut self.watcher, cx, limit);
        while let Some(change) = self.judge(&mut skipped) {
            into.push(change);
        }
        match polled {
            Poll::Ready(Ok(())) if into.len() == before => into.extend(stands_for(skipped)),
            Poll::Ready(Err(_)) if into.len() > before => return Poll::Ready(Ok(())),
            _ => {}
        }
        polled
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch().map(Epoch::of_adapter)
    }
}

impl<R: Clone, P> Clone for FilterKeys<R, P> {
    fn clone(&self) -> Self {
        Self { reader: self.reader.clone(), predicate: Arc::clone(&self.predicate) }
    }
}

debug!(FilterKeys<R, P> { reader: R });
debug!(FilterKeysWatcher<W, K, V, P> { watcher: W });
