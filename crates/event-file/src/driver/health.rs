//! What the store says of itself.

use std::time::Instant;

use event_core::upstream::{HealthLog, Publisher};
use event_core::{Cause, CauseKind, Health, HealthState as State};

pub(super) struct HealthState {
    /// The directory.
    source: String,
    published: Option<Health>,
    log: HealthLog,
    /// That there are no notifications was logged.
    has_warned: bool,
}

impl HealthState {
    pub(super) fn new(source: String, now: Instant) -> Self {
        Self { source, published: None, log: HealthLog::new(now), has_warned: false }
    }

    /// Publishes and logs the health if it changed.
    pub(super) fn publish(
        &mut self,
        publisher: &Publisher,
        (state, cause): (State, Option<Cause>),
    ) {
        self.warn(cause.as_ref());
        let now = Instant::now();
        let is_same = |before: &&Health| before.state == state;
        let since = self.published.as_ref().filter(is_same).map_or(now, |before| before.since);
        let mut health = Health::new(state).with_since(since).with_source(&*self.source);
        health.cause = cause;
        if self.published.as_ref() != Some(&health) {
            self.log.changed(&health, now);
            self.published = Some(health.clone());
            publisher.set_health(health);
        }
        if self.due().is_some_and(|due| due <= now) {
            self.log.log(now);
        }
    }

    /// The log of the health has stalls and keys that can't be read.
    fn warn(&mut self, cause: Option<&Cause>) {
        let Some(cause) = cause.filter(|it| it.kind() == CauseKind::NoNotifications) else {
            return;
        };
        if !self.has_warned {
            self.has_warned = true;
            tracing::warn!(source = self.source, "{cause}");
        }
    }

    /// When a line of the log is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.log.due()
    }
}
