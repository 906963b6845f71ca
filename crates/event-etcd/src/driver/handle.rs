//! What all handles of a store share. The driver ends with the last of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event_core::{Health, HealthState, MemoryReader, MemoryValue};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::metrics::Metrics;
use super::{Driver, now};
use crate::health::EtcdHealth;
use crate::mailbox::Mailbox;
use crate::seam::Connector;
use crate::session::Session;

pub(crate) struct DriverHandle {
    pub(crate) mailbox: Arc<Mailbox>,
    health: MemoryReader<Health>,
    begun: Instant,
    pub(crate) runtime: Handle,
    task: AbortHandle,
}

impl DriverHandle {
    /// Starts a driver of a session that begins now.
    pub(crate) fn start(
        connector: Arc<dyn Connector>,
        session: impl FnOnce(Instant) -> Session,
        runtime: &Handle,
    ) -> Self {
        let begun = now();
        let mailbox = Arc::new(Mailbox::default());
        let health = MemoryValue::new(Health::new(HealthState::Connecting).with_since(begun));
        let reader = health.reader();
        let session = session(begun);
        let metrics = Metrics::new(&session.endpoint_names());
        let driver = Driver::new(connector, session, Arc::clone(&mailbox), health, metrics);
        let task = runtime.spawn(driver.run()).abort_handle();
        Self { mailbox, health: reader, begun, runtime: runtime.clone(), task }
    }

    pub(crate) fn health(&self) -> EtcdHealth {
        EtcdHealth::of_store(Arc::clone(&self.mailbox), self.health.clone())
    }

    /// The time since a server last answered a linearizable read, or since the start.
    pub(crate) fn stale_for(&self) -> Duration {
        let proof = self.mailbox.last_proof().unwrap_or(self.begun);
        now().saturating_duration_since(proof)
    }

    pub(crate) fn close(&self) {
        self.mailbox.close();
        self.task.abort();
    }
}

impl Drop for DriverHandle {
    fn drop(&mut self) {
        self.close();
    }
}
