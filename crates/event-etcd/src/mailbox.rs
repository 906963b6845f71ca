//! What handles want of the driver beside keys, and what the driver says to them.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// What the driver has not taken yet: at most one change of each endpoint.
    endpoints: Vec<(String, EndpointChange)>,
    last_proof: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndpointChange {
    Added,
    Removed,
}

impl Mailbox {
    pub(crate) fn change_endpoint(&self, endpoint: String, change: EndpointChange) {
        let mut state = self.lock();
        state.endpoints.retain(|(other, _)| *other != endpoint);
        state.endpoints.push((endpoint, change));
        drop(state);
        self.changed.notify_one();
    }

    /// When a server last answered a linearizable read.
    pub(crate) fn last_proof(&self) -> Option<Instant> {
        self.lock().last_proof
    }

    // The driver's side.

    /// Waits until handles change endpoints. Cancel safe.
    pub(crate) async fn endpoint_changes(&self) -> Vec<(String, EndpointChange)> {
        loop {
            let changes = mem::take(&mut self.lock().endpoints);
            if !changes.is_empty() {
                return changes;
            }
            self.changed.notified().await;
        }
    }

    pub(crate) fn set_last_proof(&self, at: Option<Instant>) {
        self.lock().last_proof = at;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
