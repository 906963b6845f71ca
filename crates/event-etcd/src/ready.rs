//! Waiting until everything that is watched was read.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use event_core::{Error, upstream};
use tokio::task::JoinHandle;

use crate::driver::DriverHandle;

/// The future of [`EtcdStore::ready`](crate::EtcdStore::ready).
#[must_use = "futures do nothing unless awaited"]
pub struct Ready {
    driver: DriverHandle,
    without_timeout: upstream::Ready,
    timer: Option<Timer>,
}

impl Ready {
    pub(crate) fn new(driver: &DriverHandle) -> Self {
        Self { driver: driver.clone(), without_timeout: driver.upstream.ready(), timer: None }
    }

    /// Waits for this long at most, from now on. Then the future returns an error that has the cause, and its
    /// kind: [`Unavailable`](event_core::ErrorKind::Unavailable) if the cluster can't be reached.
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timer = Some(Timer::start(timeout, &self.driver));
        self
    }
}

impl Future for Ready {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { without_timeout: ready, timer, .. } = &mut *self;
        let result = Pin::new(&mut *ready).poll(cx);
        let Some(timer) = timer.as_mut().filter(|_| result.is_pending()) else { return result };
        match Pin::new(&mut timer.task).poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => Poll::Ready(Err(ready.late(timer.timeout))),
            // The runtime has ended, and the store with it.
            Poll::Ready(Err(_)) => Poll::Ready(Err(Error::closed())),
        }
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
        f.debug_tuple("Ready").field(&self.without_timeout).finish()
    }
}
