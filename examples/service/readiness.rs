//! When the service is ready.
//!
//! Why not as soon as the health is live, and only then? If etcd fails, all copies of the service stall at the
//! same moment. A load balancer would drop all of them, and the failure of etcd would become the failure of the
//! service. With its last good configuration, the service goes on for a while.

use std::time::Duration;

use event_core::{Health, HealthState};

/// Whether the service is ready, and why. It is not ready before its first configuration, nor once its
/// configuration may have been stale for as long as is `tolerated`.
pub(crate) fn readiness(
    has_config: bool,
    health: &Health,
    tolerated: Duration,
) -> Result<String, String> {
    let cause = health.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
    if !has_config {
        return Err(format!("there is no configuration yet, the store is {}{cause}", health.state));
    }
    if health.state != HealthState::Stalled {
        return Ok("ready".to_owned());
    }
    let stalled = health.since.elapsed();
    let why = format!("the configuration may be stale for {} s{cause}", stalled.as_secs());
    if stalled < tolerated { Ok(format!("ready, but {why}")) } else { Err(why) }
}
