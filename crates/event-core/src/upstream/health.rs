//! The health of an upstream and of a key, as values.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::mailbox::Mailbox;
use crate::{
    Bytes, Cause, Entry, Error, Health, HealthState, MemoryReader, MemoryWatcher, ValueReader,
    Watcher,
};

/// How a store or one of its keys is doing, as a value.
///
/// The `health` of an [`Upstream`](super::Upstream) and of an [`UpstreamValue`](super::UpstreamValue) make one. It
/// reads nothing and watches no key, and does not keep its store alive. When the store has ended, every `get` returns
/// [`Closed`](crate::ErrorKind::Closed).
#[derive(Clone)]
pub struct UpstreamHealth {
    mailbox: Arc<Mailbox>,
    store: MemoryReader<Health>,
    /// `None`: of the store.
    key: Option<Bytes>,
}

/// A watcher of the health of a store or of a key.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct UpstreamHealthWatcher {
    mailbox: Arc<Mailbox>,
    store: MemoryWatcher<Health>,
    /// What `store` yielded last.
    newest: Option<Health>,
    key: Option<Key>,
    /// What this watcher yielded last.
    last: Option<Health>,
}

/// What the health of a key needs beside that of the store.
struct Key {
    name: Bytes,
    changed: MemoryWatcher<()>,
    /// Of the key, while it has no version.
    first: Option<MemoryWatcher<Entry>>,
}

/// What is known of a key.
enum Known {
    /// It has no watcher, or was not read yet.
    Nothing,
    Read,
    Refused(Cause),
}

/// After so many rounds a poll lets other tasks run.
pub(super) const ROUNDS: usize = 32;

impl UpstreamHealth {
    pub(super) fn of_all(mailbox: Arc<Mailbox>, store: MemoryReader<Health>) -> Self {
        Self { mailbox, store, key: None }
    }

    /// The health of one key of the store.
    pub(super) fn of_key(self, name: Bytes) -> Self {
        Self { key: Some(name), ..self }
    }
}

impl ValueReader<Health> for UpstreamHealth {
    type Watcher = UpstreamHealthWatcher;

    fn watch(&self) -> UpstreamHealthWatcher {
        let key = self.key.clone();
        let changed = || self.mailbox.watch_keys();
        UpstreamHealthWatcher {
            mailbox: Arc::clone(&self.mailbox),
            store: self.store.watch(),
            newest: None,
            key: key.map(|name| Key { name, changed: changed(), first: None }),
            last: None,
        }
    }
}

impl Watcher<Health> for UpstreamHealthWatcher {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<Health, Error>> {
        for _ in 0..ROUNDS {
            let store = self.store.poll_get(cx)?;
            if self.mailbox.is_closed() {
                return Poll::Ready(Err(Error::closed()));
            }
            let mut is_pending = store.is_pending();
            if let Poll::Ready(health) = store {
                self.newest = Some(health);
            }
            let mut known = Known::Read;
            if let Some(key) = &mut self.key {
                is_pending &= key.changed.poll_get(cx).is_pending();
                known = key.look(&self.mailbox, cx);
            }
            let health = self.newest.as_ref().map(|health| match &self.key {
                Some(_) => of_key(health, known),
                None => health.clone(),
            });
            if health != self.last {
                self.last.clone_from(&health);
                if let Some(health) = health {
                    return Poll::Ready(Ok(health));
                }
            }
            if is_pending {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Key {
    /// Finds out what is known of the key. While it has no version, the first one wakes the task of `cx`.
    fn look(&mut self, mailbox: &Mailbox, cx: &mut Context<'_>) -> Known {
        self.first = None;
        if let Some(cause) = mailbox.invalid(&self.name) {
            return Known::Refused(cause);
        }
        match mailbox.watched(&self.name) {
            Some((_, Some(cause))) => Known::Refused(cause),
            Some((value, None)) => {
                let mut first = value.watch();
                if first.poll_get(cx).is_ready() {
                    return Known::Read;
                }
                self.first = Some(first);
                Known::Nothing
            }
            None => Known::Nothing,
        }
    }
}

/// The health of a key of which this is known, in a store of this health.
fn of_key(store: &Health, known: Known) -> Health {
    let mut health = store.clone();
    match known {
        Known::Refused(cause) => {
            (health.state, health.cause) = (HealthState::Stalled, Some(cause));
        }
        _ if store.state == HealthState::Stalled => {}
        Known::Nothing => (health.state, health.cause) = (HealthState::Connecting, None),
        // A cause with a key concerns another key.
        Known::Read => health.cause = health.cause.filter(|cause| cause.key().is_none()),
    }
    health
}

impl fmt::Debug for UpstreamHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamHealth").field("key", &self.key).finish_non_exhaustive()
    }
}

impl fmt::Debug for UpstreamHealthWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_ref().map(|key| &key.name);
        f.debug_struct("UpstreamHealthWatcher")
            .field("key", &key)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
