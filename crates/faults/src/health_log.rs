//! What a store's health says over time.

use std::time::{Duration, Instant};

use event_core::{
    CauseKind, Health, HealthState, MemoryReader, MemoryValue, ReaderExt, ValueReader, ValueWriter,
    WatcherExt,
};
use event_etcd::EtcdStore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::row::said;

pub(crate) struct HealthLog {
    log: MemoryReader<Vec<(Instant, Health)>>,
    logger: JoinHandle<()>,
}

impl HealthLog {
    pub(crate) fn start(store: &EtcdStore) -> Self {
        let log = MemoryValue::new(Vec::new());
        let reader = log.reader();
        let mut health = store.health().watch();
        let logger = tokio::spawn(async move {
            let mut said = Vec::new();
            while let Ok(health) = health.get().await {
                said.push((Instant::now(), health));
                log.set(said.clone());
            }
        });
        Self { log: reader, logger }
    }

    /// When health first said stalled since a fault, and all that it said since. Waits until the store is live, unless
    /// it is not live again.
    pub(crate) async fn since(&self, fault: Instant) -> (Option<Duration>, String) {
        let mut log = self.log.watch();
        let live = log
            .get_if(|log| log.last().is_some_and(|(_, health)| health.state == HealthState::Live));
        let _ = timeout(Duration::from_secs(15), live).await;
        let log = self.log.get().await.unwrap_or_default();
        let since: Vec<_> = log.iter().filter(|(at, _)| *at >= fault).collect();
        let stalled = since.iter().find(|(_, health)| health.state == HealthState::Stalled);
        (stalled.map(|(at, _)| *at - fault), said(since.iter().map(|(_, health)| health)))
    }

    /// Ends the log. Says whether its task had panicked.
    pub(crate) async fn end(self) -> bool {
        ended_badly(self.logger).await
    }
}

/// Waits until a store's health has this state.
pub(crate) async fn state(store: &EtcdStore, state: HealthState) {
    let _ = store.health().watch().get_if(|health| health.state == state).await;
}

/// Waits until a store's health has a cause of this kind.
pub(crate) async fn cause(store: &EtcdStore, kind: CauseKind) {
    let is_it = |health: &Health| health.cause.as_ref().is_some_and(|it| it.kind() == kind);
    let _ = store.health().watch().get_if(is_it).await;
}

/// Waits until a store's health says that the history was replaced, which it may after it is live.
pub(crate) async fn replaced(store: &EtcdStore) {
    let mut health = store.health().watch();
    let _ =
        timeout(Duration::from_secs(5), health.get_if(|health| health.history_resets > 0)).await;
}

/// Ends a task. Says whether it had panicked before.
pub(crate) async fn ended_badly(task: JoinHandle<()>) -> bool {
    task.abort();
    task.await.is_err_and(|error| error.is_panic())
}
