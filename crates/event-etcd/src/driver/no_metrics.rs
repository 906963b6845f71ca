//! In place of `metrics.rs` where the feature `metrics` is off.

use std::time::Duration;

use event_core::HealthState;

pub(super) struct Metrics;

#[expect(clippy::unused_self, reason = "as in `metrics.rs`")]
impl Metrics {
    pub(super) fn new(_endpoints: &str) -> Self {
        Self
    }

    pub(super) fn state(&self, _state: HealthState) {}

    pub(super) fn connected(&mut self) {}

    pub(super) fn published(&self, _versions: usize) {}

    pub(super) fn turned(&self, _keys: usize, _maps: usize, _stale_for: Duration) {}
}
