//! The health of an upstream, of a key and of a map, as values.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::first::First;
use super::mailbox::Mailbox;
use crate::{
    Bytes, Cause, Error, Health, HealthState, KeyRange, MemoryReader, MemoryWatcher, ValueReader,
    Watcher,
};

/// How a store, one of its keys or one of its maps is doing, as a value.
///
/// The `health` of an [`Upstream`](super::Upstream), of an [`UpstreamValue`](super::UpstreamValue) and of an
/// [`UpstreamMap`](super::UpstreamMap) make one. It
/// reads nothing and watches no key, and does not keep its store alive. When the store has ended, every `get` returns
/// [`Closed`](crate::ErrorKind::Closed).
#[derive(Clone)]
pub struct UpstreamHealth {
    mailbox: Arc<Mailbox>,
    store: MemoryReader<Health>,
    /// `None`: of the store.
    part: Option<Part>,
}

/// What of a store.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Key(Bytes),
    Map(KeyRange),
}

/// A watcher of the health of a store, of a key or of a map.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct UpstreamHealthWatcher {
    mailbox: Arc<Mailbox>,
    store: MemoryWatcher<Health>,
    /// What `store` yielded last.
    newest: Option<Health>,
    watched: Option<Watched>,
    /// What this watcher yielded last.
    last: Option<Health>,
}

/// What the health of a key or a map needs beside that of the store.
struct Watched {
    part: Part,
    changed: MemoryWatcher<()>,
    /// While it was not read.
    first: Option<First>,
}

/// What is known of a key or a map.
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
        Self { mailbox, store, part: None }
    }

    /// The health of one key of the store.
    pub(super) fn of_key(self, name: Bytes) -> Self {
        Self { part: Some(Part::Key(name)), ..self }
    }

    /// The health of one map of the store.
    pub(super) fn of_map(self, range: KeyRange) -> Self {
        Self { part: Some(Part::Map(range)), ..self }
    }
}

impl ValueReader<Health> for UpstreamHealth {
    type Watcher = UpstreamHealthWatcher;

    fn watch(&self) -> UpstreamHealthWatcher {
        let part = self.part.clone();
        let changed = || self.mailbox.watch_keys();
        UpstreamHealthWatcher {
            mailbox: Arc::clone(&self.mailbox),
            store: self.store.watch(),
            newest: None,
            watched: part.map(|part| Watched { part, changed: changed(), first: None }),
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
            if let Some(watched) = &mut self.watched {
                is_pending &= watched.changed.poll_get(cx).is_pending();
                known = watched.look(&self.mailbox, cx);
            }
            let health = self.newest.as_ref().map(|health| match &self.watched {
                Some(_) => of_part(health, known),
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

impl Watched {
    /// Finds out what is known of the key or map. While it was not read, the first read wakes the task of `cx`.
    fn look(&mut self, mailbox: &Mailbox, cx: &mut Context<'_>) -> Known {
        self.first = None;
        let invalid = match &self.part {
            Part::Key(name) => mailbox.invalid(name),
            Part::Map(_) => None,
        };
        if let Some(cause) = invalid {
            return Known::Refused(cause);
        }
        match mailbox.watched(&self.part) {
            Some((_, Some(cause))) => Known::Refused(cause),
            Some((mut first, None)) => {
                if first.is_read(cx) {
                    return Known::Read;
                }
                self.first = Some(first);
                Known::Nothing
            }
            None => Known::Nothing,
        }
    }
}

/// The health of a key or a map of which this is known, in a store of this health.
fn of_part(store: &Health, known: Known) -> Health {
    let mut health = store.clone();
    match known {
        Known::Refused(cause) => {
            (health.state, health.cause) = (HealthState::Stalled, Some(cause));
        }
        _ if store.state == HealthState::Stalled => {}
        Known::Nothing => (health.state, health.cause) = (HealthState::Connecting, None),
        // A cause with a key concerns another key or map.
        Known::Read => health.cause = health.cause.filter(|cause| cause.key().is_none()),
    }
    health
}

impl fmt::Debug for UpstreamHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamHealth").field("part", &self.part).finish_non_exhaustive()
    }
}

impl fmt::Debug for UpstreamHealthWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = self.watched.as_ref().map(|watched| &watched.part);
        f.debug_struct("UpstreamHealthWatcher")
            .field("part", &part)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
