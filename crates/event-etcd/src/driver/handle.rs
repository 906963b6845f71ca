//! What all handles of a store share. The driver ends with the last of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event_core::upstream::Upstream;
use event_core::{Health, HealthState};
use tokio::runtime::Handle;

use super::metrics::Metrics;
use super::{Driver, now};
use crate::mailbox::Mailbox;
use crate::seam::Connector;
use crate::session::Session;

#[derive(Clone)]
pub(crate) struct DriverHandle {
    pub(crate) upstream: Upstream,
    pub(crate) mailbox: Arc<Mailbox>,
    begun: Instant,
    pub(crate) runtime: Handle,
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
        let (upstream, publisher) = Upstream::with_keys(|name| match name {
            b"" => Err("the key's name is empty, and etcd has no such key".to_owned()),
            _ => Ok(()),
        });
        publisher.set_health(Health::new(HealthState::Connecting).with_since(begun));
        let session = session(begun);
        let metrics = Metrics::new(&session.endpoint_names());
        let driver = Driver::new(connector, session, Arc::clone(&mailbox), publisher, metrics);
        drop(runtime.spawn(driver.run())); // it ends with the upstream, or with the runtime
        Self { upstream, mailbox, begun, runtime: runtime.clone() }
    }

    /// The time since a server last answered a linearizable read, or since the start.
    pub(crate) fn stale_for(&self) -> Duration {
        let proof = self.mailbox.last_proof().unwrap_or(self.begun);
        now().saturating_duration_since(proof)
    }
}
