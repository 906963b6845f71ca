//! The health of a store and of a key, as values.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use event_core::{
    Bytes, Cause, Entry, Error, Health, HealthState, MemoryReader, MemoryWatcher, ValueReader,
    Watcher,
};

use crate::mailbox::{Mailbox, empty_key_cause};

/// How a store or one of its keys is doing, as a value.
///
/// [`EtcdStore::health`](crate::EtcdStore::health) and [`EtcdValue::health`](crate::EtcdValue::health) make
/// one. It reads nothing and watches no key, and does not keep its store alive. When the store has ended, every
/// `get` returns [`Closed`](event_core::ErrorKind::Closed).
#[derive(Clone)]
pub struct EtcdHealth {
    mailbox: Arc<Mailbox>,
    store: MemoryReader<Health>,
    /// `None`: of the store.
    key: Option<Bytes>,
}

/// A watcher of the health of a store or of a key.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct EtcdHealthWatcher {
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
pub(crate) const ROUNDS: usize = 32;

impl EtcdHealth {
    pub(crate) fn of_store(mailbox: Arc<Mailbox>, store: MemoryReader<Health>) -> Self {
        Self { mailbox, store, key: None }
    }

    /// The health of one key of the store.
    pub(crate) fn of_key(self, name: Bytes) -> Self {
        Self { key: Some(name), ..self }
    }
}

impl ValueReader<Health> for EtcdHealth {
    type Watcher = EtcdHealthWatcher;

    fn watch(&self) -> EtcdHealthWatcher {
        let key = self.key.clone();
        let changed = || self.mailbox.watch_keys();
        EtcdHealthWatcher {
            mailbox: Arc::clone(&self.mailbox),
            store: self.store.watch(),
            newest: None,
            key: key.map(|name| Key { name, changed: changed(), first: None }),
            last: None,
        }
    }
}

impl Watcher<Health> for EtcdHealthWatcher {
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
        if self.name.is_empty() {
            return Known::Refused(empty_key_cause());
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

impl fmt::Debug for EtcdHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdHealth").field("key", &self.key).finish_non_exhaustive()
    }
}

impl fmt::Debug for EtcdHealthWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_ref().map(|key| &key.name);
        f.debug_struct("EtcdHealthWatcher")
            .field("key", &key)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
