//! How the store is doing, and when that is worth a new version.

use std::sync::Arc;
use std::time::Instant;

use event_core::{Cause, Health, HealthState};

use super::{Action, Session, State};
use crate::seam::Failure;

#[derive(Debug)]
pub(super) struct HealthLog {
    /// Why the last connection ended and the endpoint it was to, until the next one is live.
    failure: Option<(Failure, Option<Arc<str>>)>,
    published: Health,
}

impl HealthLog {
    pub(super) fn new(now: Instant) -> Self {
        Self { failure: None, published: Health::new(HealthState::Connecting).with_since(now) }
    }

    pub(super) fn failed(&mut self, failure: Failure, endpoint: Option<Arc<str>>) {
        self.failure = Some((failure, endpoint));
    }

    /// The connection answers: what the store was stalled for is over.
    pub(super) fn recovered(&mut self) {
        self.failure = None;
    }
}

impl Session {
    /// Publishes the health, if that is worth a version.
    pub(super) fn assess_health(&mut self, now: Instant) {
        let failure = self.health.failure.as_ref();
        let (refused, is_live) = match &self.state {
            State::Connected(connected) => (connected.refused.first_key_value(), connected.is_live),
            _ => (None, false),
        };
        let (state, kind) = match (refused, failure) {
            (Some((_, failure)), _) | (None, Some((failure, _))) => {
                (HealthState::Stalled, Some(failure.kind))
            }
            (None, None) if is_live => (HealthState::Live, None),
            (None, None) => (HealthState::Connecting, None),
        };
        let source =
            failure.and_then(|(_, endpoint)| endpoint.as_ref()).or(self.endpoints.current());
        let published = &self.health.published;
        let resets = self.history.resets;
        // While the store is stalled it tries the endpoints in turn, each with words of its own: that is
        // not worth a version.
        if state == published.state
            && kind == published.cause.as_ref().map(Cause::kind)
            && resets == published.history_resets
            && (state != HealthState::Live || source == published.source.as_ref())
        {
            return;
        }
        let since = if state == published.state { published.since } else { now };
        let mut health = Health::new(state).with_since(since).with_history_resets(resets);
        health.source = source.cloned();
        health.cause = match (refused, failure) {
            (Some((id, failure)), _) => {
                let name = self.keys.get(*id).map(|key| key.name().clone());
                Some(Cause::from(failure).with_key(name.unwrap_or_default()))
            }
            (None, Some((failure, _))) => Some(Cause::from(failure)),
            (None, None) => None,
        };
        self.health.published = health.clone();
        self.actions.push_back(Action::PublishHealth(health));
    }
}
