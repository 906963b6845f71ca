//! Waiting until everything that is watched was read.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Upstream;
use super::first::First;
use super::health::{ROUNDS, UpstreamHealthWatcher};
use super::map::named;
use super::slots::KeyId;
use crate::{
    Bytes, Cause, CauseKind, Error, ErrorKind, Health, HealthState, MemoryWatcher, ValueReader,
    Watcher,
};

/// The future of [`Upstream::ready`]: it completes when every key and every map that was watched at the call has been
/// read.
///
/// It keeps the upstream alive. While the backend can't be reached, it waits. If a timeout is over,
/// [`late`](Self::late) says why.
///
/// # Errors
///
/// - [`Unauthenticated`](ErrorKind::Unauthenticated): the store is stalled for this reason.
/// - [`PermissionDenied`](ErrorKind::PermissionDenied), [`InvalidArgument`](ErrorKind::InvalidArgument) or
///   [`ResourceExhausted`](ErrorKind::ResourceExhausted), with the key, or the start of the range: the publisher
///   [refused](super::Publisher::refuse) a key or a map with such a cause. A key that [`with_keys`](Upstream::with_keys)
///   rejects is no error here: it counts as read. Its own health is stalled, and says why.
/// - [`Closed`](ErrorKind::Closed): the upstream ended.
///
/// # Cancel safety
///
/// Dropping the future changes nothing.
#[must_use = "futures do nothing unless awaited"]
pub struct Ready {
    upstream: Upstream,
    /// The keys and maps that were not read so far, in the order of their ids.
    unread: Vec<(KeyId, First)>,
    keys_changed: MemoryWatcher<()>,
    watcher: UpstreamHealthWatcher,
    /// What `watcher` yielded last.
    health: Option<Health>,
}

impl Ready {
    pub(super) fn new(upstream: Upstream) -> Self {
        let mailbox = upstream.mailbox();
        let (keys_changed, unread) = (mailbox.watch_keys(), mailbox.all_watched());
        let watcher = upstream.health().watch();
        Self { upstream, unread, keys_changed, watcher, health: None }
    }

    /// Takes the keys away that were read, or that nobody watches any more.
    fn look_at_keys(&mut self, cx: &mut Context<'_>) {
        while self.unread.last_mut().is_some_and(|(_, first)| first.is_read(cx)) {
            self.unread.pop();
        }
    }

    /// Why waiting is of no use: the backend refuses a key, or the credentials.
    fn refusal(&self) -> Option<Error> {
        let is_unread = |id: &KeyId| self.unread.binary_search_by_key(id, |(id, _)| *id).is_ok();
        let is_meant = |id: &KeyId, cause: &Cause| {
            let concerns_key = matches!(
                cause.kind(),
                CauseKind::PermissionDenied | CauseKind::InvalidArgument | CauseKind::TooLarge
            );
            concerns_key && is_unread(id)
        };
        if let Some(cause) = self.upstream.mailbox().refusal(is_meant) {
            let key = Bytes::copy_from_slice(cause.key().unwrap_or_default());
            return Some(named(Error::new(cause.kind().error_kind(), cause.message()), &key));
        }
        let cause = stalled_for(self.health.as_ref()?)?;
        (cause.kind() == CauseKind::Unauthenticated)
            .then(|| Error::new(cause.kind().error_kind(), cause.to_string()))
    }

    /// The error for a program that waited as long as it wants: it has the cause, and its kind.
    #[must_use]
    pub fn late(&self, waited: Duration) -> Error {
        let late =
            |kind, why: &str| Error::new(kind, format!("not ready within {waited:?}: {why}"));
        match self.health.as_ref().and_then(stalled_for) {
            Some(cause) => late(cause.kind().error_kind(), &cause.to_string()),
            None => late(ErrorKind::Unavailable, "the backend has not answered yet"),
        }
    }
}

fn stalled_for(health: &Health) -> Option<&Cause> {
    health.cause.as_ref().filter(|_| health.state == HealthState::Stalled)
}

impl Future for Ready {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        for _ in 0..ROUNDS {
            let health = self.watcher.poll_get(cx)?;
            let mut is_pending = health.is_pending();
            if let Poll::Ready(health) = health {
                self.health = Some(health);
            }
            is_pending &= self.keys_changed.poll_get(cx).is_pending();
            self.look_at_keys(cx);
            if self.unread.is_empty() {
                // The keys may be gone because the upstream ended.
                let is_closed = self.upstream.mailbox().is_closed();
                return Poll::Ready(if is_closed { Err(Error::closed()) } else { Ok(()) });
            }
            if let Some(error) = self.refusal() {
                return Poll::Ready(Err(error));
            }
            if is_pending {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("unread", &self.unread.len()).finish_non_exhaustive()
    }
}
