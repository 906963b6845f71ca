//! A watcher under observation.

use std::future::Future;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::block_on::yield_now;
use super::progress::step;
use super::task::Task;
use crate::{Error, ValueReader, Watcher};

/// How often a poll may do its share of work and wake itself, before it counts as pending.
const SHARES: usize = 1000;

/// A watcher, and the one task that polls it.
pub(super) struct Consumer<W> {
    /// What a failure calls it.
    name: String,
    watcher: W,
    task: Arc<Task>,
}

impl<W: Watcher<u64>> Consumer<W> {
    pub(super) fn of(reader: &impl ValueReader<u64, Watcher = W>, name: impl Into<String>) -> Self {
        let name = name.into();
        step(format!("starting {name}"));
        Self { name, watcher: reader.watch(), task: Arc::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Polls. If the poll did its share and woke the task, polls again.
    pub(super) fn poll(&mut self) -> Poll<Result<u64, Error>> {
        step(format!("polling {}", self.name));
        let waker = Waker::from(Arc::clone(&self.task));
        for _ in 0..SHARES {
            self.task.sleep();
            let polled = self.watcher.poll_get(&mut Context::from_waker(&waker));
            if polled.is_ready() || !self.is_woken() {
                return polled;
            }
        }
        Poll::Pending
    }

    /// Gets the next version. Polls again only when the task is woken.
    pub(super) async fn get(&mut self) -> Result<u64, Error> {
        loop {
            if let Poll::Ready(version) = self.poll() {
                return version;
            }
            self.woken().await;
            yield_now().await;
        }
    }

    /// Gets until `version` is taken.
    pub(super) async fn get_until(&mut self, version: u64) {
        loop {
            let taken = Poll::Ready(self.get().await);
            if self.has_reached(version, taken) {
                break;
            }
        }
    }

    /// Polls until `version` is taken, which is there.
    pub(super) fn reaches(&mut self, version: u64) {
        loop {
            let polled = self.poll();
            if self.has_reached(version, polled) {
                break;
            }
        }
    }

    fn has_reached(&self, version: u64, polled: Poll<Result<u64, Error>>) -> bool {
        let name = &self.name;
        match polled {
            Poll::Ready(Ok(taken)) if taken <= version => taken == version,
            Poll::Ready(Ok(taken)) => panic!("{name} took {taken}, which was not set yet"),
            Poll::Ready(Err(error)) => panic!("{name} took an error, not {version}: {error:?}"),
            Poll::Pending => panic!("{name} waits, though it has not taken {version}"),
        }
    }

    /// Polls once: it takes `version`, and none before it.
    pub(super) fn takes(&mut self, version: u64) {
        let polled = self.poll();
        self.has_taken(version, polled);
    }

    /// Gets `version`, and none before it.
    pub(super) async fn gets(&mut self, version: u64) {
        let polled = Poll::Ready(self.get().await);
        self.has_taken(version, polled);
    }

    fn has_taken(&self, version: u64, polled: Poll<Result<u64, Error>>) {
        if let Poll::Ready(Ok(taken)) = polled {
            assert!(taken == version, "{} took {taken}, though {version} is the newest", self.name);
        } else {
            self.has_reached(version, polled);
        }
    }

    /// Polls once: it takes an error, which is not the end.
    pub(super) fn takes_error(&mut self) {
        let polled = self.poll();
        self.has_taken_error(&polled);
    }

    /// Gets an error, which is not the end.
    pub(super) async fn gets_error(&mut self) {
        let polled = Poll::Ready(self.get().await);
        self.has_taken_error(&polled);
    }

    fn has_taken_error(&self, polled: &Poll<Result<u64, Error>>) {
        let name = &self.name;
        match polled {
            Poll::Ready(Ok(taken)) => panic!("{name} took {taken}, though an error is the newest"),
            Poll::Ready(Err(error)) => {
                assert!(!error.is_closed(), "{name} took an error as the end");
            }
            Poll::Pending => panic!("{name} waits, though it has not taken the error"),
        }
    }

    /// Polls once: there is nothing to take, for the reason `why`.
    pub(super) fn waits(&mut self, why: &str) {
        match self.poll() {
            Poll::Ready(Ok(taken)) => panic!("{} took {taken}, though {why}", self.name),
            Poll::Ready(Err(error)) => {
                panic!("{} took an error, though {why}: {error:?}", self.name)
            }
            Poll::Pending => {}
        }
    }

    /// The next polls are those of a new task.
    pub(super) fn move_to_new_task(&mut self) -> Arc<Task> {
        mem::take(&mut self.task)
    }

    pub(super) fn is_woken(&self) -> bool {
        self.task.is_woken()
    }

    /// Completes when the task was woken since its last poll.
    pub(super) fn woken(&self) -> impl Future<Output = ()> {
        step(format!("waiting for a wake-up of {}", self.name));
        Arc::clone(&self.task).woken()
    }

    /// Drops the watcher.
    pub(super) fn close(self) -> Arc<Task> {
        step(format!("dropping {}", self.name));
        self.task
    }
}
