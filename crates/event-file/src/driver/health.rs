//! What the store says of itself.

use std::time::{Duration, Instant};

use event_core::upstream::{HealthLog, Publisher};
use event_core::{Cause, CauseKind, Health, HealthState as State};

use super::root::RootState;
use crate::watches::Watches;

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

    /// Publishes and logs the health if it changed. `root` is `None` while nothing is watched.
    pub(super) fn publish(
        &mut self,
        publisher: &Publisher,
        root: Option<&RootState>,
        watches: &Watches,
        poll_interval: Duration,
    ) {
        let (state, cause) = match root {
            None | Some(RootState::Unknown) => (State::Connecting, None),
            Some(RootState::Lost(cause)) => (State::Stalled, Some(cause.clone())),
            Some(RootState::Found(_)) => {
                let polls = self.no_notifications(watches, poll_interval);
                (State::Live, publisher.refusal().or(polls))
            }
        };
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

    fn no_notifications(&mut self, watches: &Watches, poll_interval: Duration) -> Option<Cause> {
        let (dir, why) = watches.why_polled()?;
        let dir = dir.display();
        let why = format!("{dir} is looked at every {poll_interval:?}: {why}");
        let cause = Cause::new(CauseKind::NoNotifications, why);
        if !self.has_warned {
            self.has_warned = true;
            tracing::warn!(source = self.source, "{cause}");
        }
        Some(cause)
    }

    /// When a line of the log is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.log.due()
    }
}
