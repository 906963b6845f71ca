//! A watcher of a map under observation.

use std::fmt::Debug;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::truth::Keys;
use crate::conformance::block_on::yield_now;
use crate::conformance::progress::step;
use crate::conformance::task::Task;
use crate::{Change, Error, MapReader, MapWatcher};

/// How often a poll may do its share of work and wake itself, before it counts as pending.
const SHARES: usize = 1000;

/// A watcher, the one task that polls it, and what it has yielded.
pub(super) struct Consumer<W, K> {
    /// What a failure calls it.
    name: String,
    watcher: W,
    task: Arc<Task>,
    pub(super) yielded: Keys<K>,
    pub(super) is_synced: bool,
}

impl<W: MapWatcher<K, u64>, K: Ord + Clone + Debug> Consumer<W, K> {
    pub(super) fn of(reader: &impl MapReader<K, u64, Watcher = W>, name: &str) -> Self {
        step(format!("starting {name}"));
        let (name, watcher) = (name.to_owned(), reader.watch());
        Self { name, watcher, task: Arc::default(), yielded: Keys::new(), is_synced: false }
    }

    /// Polls. If the poll did its share and woke the task, polls again.
    pub(super) fn poll(&mut self) -> Poll<Result<Change<K, u64>, Error>> {
        step(format!("polling {}", self.name));
        let waker = Waker::from(Arc::clone(&self.task));
        for _ in 0..SHARES {
            self.task.sleep();
            let polled = self.watcher.poll_change(&mut Context::from_waker(&waker));
            if polled.is_ready() || !self.is_woken() {
                return polled;
            }
        }
        Poll::Pending
    }

    /// Takes one change, if there is one, and checks it.
    pub(super) fn take(&mut self, truth: &Keys<K>) -> Option<Change<K, u64>> {
        match self.poll() {
            Poll::Pending => None,
            Poll::Ready(Err(error)) => panic!("{} ended: {error:?}", self.name),
            Poll::Ready(Ok(change)) => {
                self.check(&change, truth);
                Some(change)
            }
        }
    }

    /// Takes all that there is, and checks it. What it has yielded is then the map.
    pub(super) fn drain(&mut self, truth: &Keys<K>) -> Vec<Change<K, u64>> {
        let changes = std::iter::from_fn(|| self.take(truth)).collect();
        let (name, yielded) = (&self.name, &self.yielded);
        assert!(yielded == truth, "{name} waits with {yielded:?}, though the map is {truth:?}");
        changes
    }

    /// The same, after it was woken.
    pub(super) async fn wakes_and_drains(&mut self, truth: &Keys<K>) -> Vec<Change<K, u64>> {
        self.woken().await;
        self.drain(truth)
    }

    /// Takes what there is until it has yielded the map, as it comes.
    pub(super) async fn drain_until(&mut self, truth: &Keys<K>, is_synced: bool) {
        loop {
            while self.take(truth).is_some() {}
            if self.yielded == *truth && (self.is_synced || !is_synced) {
                return;
            }
            self.woken().await;
            yield_now().await;
        }
    }

    fn check(&mut self, change: &Change<K, u64>, truth: &Keys<K>) {
        let name = &self.name;
        match change {
            Change::Put { key, value } => {
                let newest = truth.get(key);
                let is_newest = newest == Some(&Some(*value));
                assert!(
                    is_newest,
                    "{name} yielded {value} of {key:?}, though {newest:?} is the newest"
                );
                let last = self.yielded.insert(key.clone(), Some(*value));
                assert!(last != Some(Some(*value)), "{name} yielded {value} of {key:?} twice");
            }
            Change::Failed { key, .. } => {
                let newest = truth.get(key);
                let is_newest = newest == Some(&None);
                assert!(
                    is_newest,
                    "{name} yielded an error of {key:?}, though {newest:?} is the newest"
                );
                let last = self.yielded.insert(key.clone(), None);
                assert!(last != Some(None), "{name} yielded the error of {key:?} twice");
            }
            Change::Delete { key } => {
                assert!(
                    !truth.contains_key(key),
                    "{name} yielded a delete of {key:?}, which is there"
                );
                self.yielded.remove(key);
            }
            Change::Synced => {
                assert!(!mem::replace(&mut self.is_synced, true), "{name} was synced twice");
                let yielded = &self.yielded;
                assert!(yielded == truth, "{name} was synced with {yielded:?}, and not {truth:?}");
            }
        }
    }

    /// There is nothing to take, for the reason `why`.
    pub(super) fn waits(&mut self, why: &str) {
        if let Poll::Ready(change) = self.poll() {
            panic!("{} yielded {change:?}, though {why}", self.name);
        }
    }

    /// It has ended, and says so for ever.
    pub(super) async fn stays_closed(&mut self) {
        for _ in 0..100 {
            let polled = loop {
                match self.poll() {
                    Poll::Ready(polled) => break polled,
                    Poll::Pending => self.woken().await,
                }
            };
            match polled {
                Ok(change) => panic!("{} yielded {change:?} after the end", self.name),
                Err(error) => assert!(error.is_closed(), "after the end came {error:?}"),
            }
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
    pub(super) fn woken(&self) -> impl Future<Output = ()> + use<W, K> {
        step(format!("waiting for a wake-up of {}", self.name));
        Arc::clone(&self.task).woken()
    }

    /// Drops the watcher.
    pub(super) fn close(self) -> Arc<Task> {
        step(format!("dropping {}", self.name));
        self.task
    }
}
