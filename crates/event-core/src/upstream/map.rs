//! A range of an upstream as a map.

use std::fmt;
use std::task::{Context, Poll};

use super::Upstream;
use super::health::UpstreamHealth;
use super::value::Subscription;
use crate::{
    Bytes, Change, Entry, Epoch, Error, KeyRange, MapReader, MapWatcher, MemoryMapReader,
    MemoryMapWatcher, Refresh,
};

/// A range of an [`Upstream`] as a map of [`Entry`]s. It costs nothing until it is watched. Equal ranges share one
/// subscription, and one copy of what the backend has read.
#[derive(Clone)]
pub struct UpstreamMap {
    upstream: Upstream,
    range: KeyRange,
}

impl UpstreamMap {
    pub(super) fn new(upstream: Upstream, range: KeyRange) -> Self {
        Self { upstream, range }
    }

    /// Which keys it has.
    #[must_use]
    pub fn range(&self) -> &KeyRange {
        &self.range
    }

    /// How this map is doing, as a value: see [`Store::range_health`](crate::Store::range_health).
    #[must_use]
    pub fn health(&self) -> UpstreamHealth {
        self.upstream.health().of_map(self.range.clone())
    }
}

impl MapReader<Bytes, Entry> for UpstreamMap {
    type Watcher = UpstreamMapWatcher;

    fn watch(&self) -> UpstreamMapWatcher {
        let (subscription, map) = subscribe(&self.upstream, &self.range);
        UpstreamMapWatcher { watcher: map.watch(), _subscription: subscription }
    }

    /// Asks the backend to read the range, for all watchers of the map.
    ///
    /// # Errors
    ///
    /// Those with which the backend answers, and [`Closed`](crate::ErrorKind::Closed) if the upstream ended.
    fn refresh(&self) -> Refresh {
        let Self { upstream, range } = self.clone();
        Refresh::new(async move {
            let (subscription, _) = subscribe(&upstream, &range);
            let refreshed = upstream.mailbox().refresh(subscription.id());
            refreshed.done().await.map_err(|error| named(error, range.start()))
        })
    }
}

fn subscribe(
    upstream: &Upstream,
    range: &KeyRange,
) -> (Subscription, MemoryMapReader<Bytes, Entry>) {
    let (id, map) = upstream.mailbox().subscribe_map(range);
    (Subscription::new(upstream, id), map)
}

/// The error with the name of what it is about: a key, or the start of a range. Empty: everything.
pub(super) fn named(error: Error, name: &Bytes) -> Error {
    if name.is_empty() { error } else { error.at(&Entry::never_seen(name.clone())) }
}

/// A watcher of a range of an [`Upstream`].
///
/// Dropping the last watcher of equal ranges stops the range in the backend. A watcher keeps the upstream alive.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct UpstreamMapWatcher {
    watcher: MemoryMapWatcher<Bytes, Entry>,
    _subscription: Subscription,
}

impl MapWatcher<Bytes, Entry> for UpstreamMapWatcher {
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<Result<Change<Bytes, Entry>, Error>> {
        self.watcher.poll_change(cx)
    }

    fn poll_changes(
        &mut self,
        cx: &mut Context<'_>,
        limit: usize,
        into: &mut Vec<Change<Bytes, Entry>>,
    ) -> Poll<Result<(), Error>> {
        self.watcher.poll_changes(cx, limit, into)
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch()
    }
}

impl fmt::Debug for UpstreamMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamMap").field("range", &self.range).finish_non_exhaustive()
    }
}

impl fmt::Debug for UpstreamMapWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamMapWatcher").field("watcher", &self.watcher).finish_non_exhaustive()
    }
}
