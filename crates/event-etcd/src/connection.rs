//! What all handles of a store share: dropping the last of them ends its task.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event_core::{Health, HealthState, MemoryReader, MemoryValue};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::bounds::Bounds;
use crate::driver::Driver;
use crate::endpoints::Endpoints;
use crate::registry::Registry;
use crate::session::Session;
use crate::source::Source;

pub(crate) struct Connection {
    pub(crate) registry: Arc<Registry>,
    health: MemoryReader<Health>,
    begun: Instant,
    task: AbortHandle,
}

impl Connection {
    pub(crate) fn start(
        source: Arc<dyn Source>,
        endpoints: Endpoints,
        bounds: Bounds,
        runtime: &Handle,
    ) -> Self {
        let begun = now();
        let registry = Arc::new(Registry::default());
        let health = MemoryValue::new(Health::new(HealthState::Connecting).with_since(begun));
        let reader = health.reader();
        let session = Session::new(endpoints, bounds, begun);
        let driver = Driver::new(source, session, Arc::clone(&registry), health);
        let task = runtime.spawn(driver.run()).abort_handle();
        Self { registry, health: reader, begun, task }
    }

    pub(crate) fn health(&self) -> MemoryReader<Health> {
        self.health.clone()
    }

    pub(crate) fn stale_for(&self) -> Duration {
        let proof = self.registry.last_heard().unwrap_or(self.begun);
        now().saturating_duration_since(proof)
    }

    pub(crate) fn close(&self) {
        self.registry.close();
        self.task.abort();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The runtime's clock, which a test may hold.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
