//! What is worth a new version of the health.

use event_core::{Cause, Health, HealthState};

/// Whether a watcher of the health would want to know. While the store is stalled it tries the endpoints
/// in turn, each with words of its own, which is not worth a version.
pub(crate) fn differs(one: &Health, other: &Health) -> bool {
    fn shown(health: &Health) -> impl PartialEq {
        let kind = health.cause.as_ref().map(Cause::kind);
        let source = health.source.as_ref().filter(|_| health.state == HealthState::Live);
        (health.state, kind, source, health.history_resets)
    }
    shown(one) != shown(other)
}
