//! What the driver counts, through the `metrics` facade. The crate's docs have the table.
//!
//! A recorder that the program installs later does not get these: they are registered once, when the store is
//! made, so that counting costs no look-up.

use std::time::Duration;

use event_core::HealthState;
use metrics::{Counter, Gauge, counter, gauge};

pub(super) struct Metrics {
    state: Gauge,
    stale: Gauge,
    keys: Gauge,
    maps: Gauge,
    reconnects: Counter,
    versions: Counter,
    has_connected: bool,
}

impl Metrics {
    pub(super) fn new(endpoints: &str) -> Self {
        let labels = [("endpoints", endpoints.to_owned())];
        let metrics = Self {
            state: gauge!("event_etcd_state", &labels),
            stale: gauge!("event_etcd_stale_seconds", &labels),
            keys: gauge!("event_etcd_watched_keys", &labels),
            maps: gauge!("event_etcd_watched_maps", &labels),
            reconnects: counter!("event_etcd_reconnects_total", &labels),
            versions: counter!("event_etcd_versions_total", &labels),
            has_connected: false,
        };
        metrics.reset();
        metrics
    }

    fn reset(&self) {
        for gauge in [&self.state, &self.stale, &self.keys, &self.maps] {
            gauge.set(0);
        }
    }

    pub(super) fn state(&self, state: HealthState) {
        self.state.set(match state {
            HealthState::Live => 1.0,
            HealthState::Stalled => 2.0,
            _ => 0.0,
        });
    }

    pub(super) fn connected(&mut self) {
        if std::mem::replace(&mut self.has_connected, true) {
            self.reconnects.increment(1);
        }
    }

    pub(super) fn published(&self, versions: usize) {
        self.versions.increment(versions as u64);
    }

    /// After each turn of the driver.
    #[expect(clippy::cast_precision_loss, reason = "there are fewer keys")]
    pub(super) fn turned(&self, keys: usize, maps: usize, stale_for: Duration) {
        self.keys.set(keys as f64);
        self.maps.set(maps as f64);
        self.stale.set(if keys + maps == 0 { 0.0 } else { stale_for.as_secs_f64() });
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        self.reset();
    }
}
