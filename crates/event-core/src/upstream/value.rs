//! A key of an upstream as a value.

use std::fmt;
use std::task::{Context, Poll};

use super::Upstream;
use super::health::UpstreamHealth;
use super::mailbox::Mailbox;
use super::map::named;
use super::slots::KeyId;
use crate::{
    Bytes, Entry, Epoch, Error, MemoryReader, MemoryWatcher, Refresh, ValueReader, Watcher,
};

/// A key of an [`Upstream`] as a value of [`Entry`]s. It costs nothing until it is watched.
#[derive(Clone)]
pub struct UpstreamValue {
    upstream: Upstream,
    key: Bytes,
}

impl UpstreamValue {
    pub(super) fn new(upstream: Upstream, key: Bytes) -> Self {
        Self { upstream, key }
    }

    /// The name of the key.
    #[must_use]
    pub fn key(&self) -> &Bytes {
        &self.key
    }

    /// How this key is doing, as a value: see [`Store::key_health`](crate::Store::key_health).
    #[must_use]
    pub fn health(&self) -> UpstreamHealth {
        self.upstream.health().of_key(self.key.clone())
    }
}

impl ValueReader<Entry> for UpstreamValue {
    type Watcher = UpstreamWatcher;

    fn watch(&self) -> UpstreamWatcher {
        let (subscription, value) = subscribe(&self.upstream, &self.key);
        UpstreamWatcher { watcher: value.watch(), _subscription: subscription }
    }

    /// Asks the backend to read the key, for all its watchers.
    ///
    /// # Errors
    ///
    /// Those with which the backend answers, [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if the backend
    /// can't have this key, and [`Closed`](crate::ErrorKind::Closed) if the upstream ended.
    fn refresh(&self) -> Refresh {
        let Self { upstream, key } = self.clone();
        Refresh::new(async move {
            let mailbox = upstream.mailbox();
            if let Some(cause) = mailbox.invalid(&key).filter(|_| !mailbox.is_closed()) {
                return Err(named(Error::new(cause.kind().error_kind(), cause.message()), &key));
            }
            let (subscription, _) = subscribe(&upstream, &key);
            let refreshed = mailbox.refresh(subscription.id);
            refreshed.done().await.map_err(|error| error.at(&Entry::never_seen(key)))
        })
    }
}

fn subscribe(upstream: &Upstream, key: &Bytes) -> (Subscription, MemoryReader<Entry>) {
    let (id, value) = upstream.mailbox().subscribe(key);
    (Subscription::new(upstream, id), value)
}

/// A watcher of a key of an [`Upstream`].
///
/// Dropping the last watcher of a key stops the key in the backend. A watcher keeps the upstream alive.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct UpstreamWatcher {
    watcher: MemoryWatcher<Entry>,
    _subscription: Subscription,
}

impl Watcher<Entry> for UpstreamWatcher {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<Entry, Error>> {
        self.watcher.poll_get(cx)
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch()
    }
}

/// One watcher's share in a key or a map. Dropping it gives the share back.
pub(super) struct Subscription {
    upstream: Upstream,
    /// `None` if the upstream had ended.
    id: Option<KeyId>,
}

impl Subscription {
    pub(super) fn new(upstream: &Upstream, id: Option<KeyId>) -> Self {
        Self { upstream: upstream.clone(), id }
    }

    pub(super) fn id(&self) -> Option<KeyId> {
        self.id
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            Mailbox::unsubscribe(self.upstream.mailbox(), id);
        }
    }
}

impl fmt::Debug for UpstreamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamValue").field("key", &self.key).finish_non_exhaustive()
    }
}

impl fmt::Debug for UpstreamWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamWatcher").field("watcher", &self.watcher).finish_non_exhaustive()
    }
}
