//! Waiting until everything that is watched was read.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use event_core::{
    Cause, CauseKind, Entry, Error, ErrorKind, Health, HealthState, MemoryWatcher, ValueReader,
    Watcher,
};
use tokio::task::JoinHandle;

use crate::driver::DriverHandle;
use crate::health::{EtcdHealthWatcher, ROUNDS};
use crate::slots::KeyId;

/// The future of [`EtcdStore::ready`](crate::EtcdStore::ready).
#[must_use = "futures do nothing unless awaited"]
pub struct Ready {
    driver: Arc<DriverHandle>,
    /// The keys without a version so far, in the order of their ids.
    unread: Vec<(KeyId, MemoryWatcher<Entry>)>,
    keys_changed: MemoryWatcher<()>,
    watcher: EtcdHealthWatcher,
    /// What `watcher` yielded last.
    health: Option<Health>,
    timer: Option<Timer>,
}

impl Ready {
    pub(crate) fn new(driver: &Arc<DriverHandle>) -> Self {
        let mailbox = &driver.mailbox;
        let (keys_changed, unread) = (mailbox.watch_keys(), mailbox.all_watched());
        let watcher = driver.health().watch();
        let driver = Arc::clone(driver);
        Self { driver, unread, keys_changed, watcher, health: None, timer: None }
    }

    /// Waits for this long at most, from now on. Then the future returns an error that has the cause, and its
    /// kind: [`Unavailable`](ErrorKind::Unavailable) if the cluster can't be reached.
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timer = Some(Timer::start(timeout, &self.driver));
        self
    }

    /// Takes the keys away that were read, or that nobody watches any more.
    fn look_at_keys(&mut self, cx: &mut Context<'_>) {
        while let Some((_, watcher)) = self.unread.last_mut()
            && watcher.poll_get(cx).is_ready()
        {
            self.unread.pop();
        }
    }

    /// Why waiting is of no use: the server refuses a key, or the credentials.
    fn refusal(&self) -> Option<Error> {
        let is_unread = |id: &KeyId| self.unread.binary_search_by_key(id, |(id, _)| *id).is_ok();
        let is_meant = |id: &KeyId, cause: &Cause| {
            let concerns_key = matches!(
                cause.kind(),
                CauseKind::PermissionDenied | CauseKind::InvalidArgument | CauseKind::TooLarge
            );
            concerns_key && is_unread(id)
        };
        if let Some(cause) = self.driver.mailbox.refusal(is_meant) {
            let key = Entry::never_seen(cause.key().unwrap_or_default().to_vec());
            return Some(Error::new(cause.kind().error_kind(), cause.message()).at(&key));
        }
        let cause = stalled_for(self.health.as_ref()?)?;
        (cause.kind() == CauseKind::Unauthenticated)
            .then(|| Error::new(cause.kind().error_kind(), cause.to_string()))
    }

    /// The time is over.
    fn late(&self, timeout: Duration) -> Error {
        let late =
            |kind, why: &str| Error::new(kind, format!("not ready within {timeout:?}: {why}"));
        match self.health.as_ref().and_then(stalled_for) {
            Some(cause) => late(cause.kind().error_kind(), &cause.to_string()),
            None => late(ErrorKind::Unavailable, "the cluster has not answered yet"),
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
                // The keys may be gone because the store ended.
                let is_closed = self.driver.mailbox.is_closed();
                return Poll::Ready(if is_closed { Err(Error::closed()) } else { Ok(()) });
            }
            if let Some(error) = self.refusal() {
                return Poll::Ready(Err(error));
            }
            if is_pending {
                let Some(timer) = &mut self.timer else { return Poll::Pending };
                let timeout = timer.timeout;
                return match Pin::new(&mut timer.task).poll(cx) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(Ok(())) => Poll::Ready(Err(self.late(timeout))),
                    // The runtime has ended, and the store with it.
                    Poll::Ready(Err(_)) => Poll::Ready(Err(Error::closed())),
                };
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A task that sleeps. Why not a sleep in this future? It would panic outside of the store's runtime.
struct Timer {
    timeout: Duration,
    task: JoinHandle<()>,
}

impl Timer {
    fn start(timeout: Duration, driver: &DriverHandle) -> Self {
        let sleep = async move { tokio::time::sleep(timeout).await };
        Self { timeout, task: driver.runtime.spawn(sleep) }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("unread", &self.unread.len()).finish_non_exhaustive()
    }
}
