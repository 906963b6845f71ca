//! How long to wait before the next try.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(5);

/// Grows from half a second to five. Notifications do not wait for it.
#[derive(Debug, Default)]
pub(super) struct Backoff(Option<Duration>);

impl Backoff {
    pub(super) fn next(&mut self) -> Duration {
        let next = self.0.map_or(FIRST, |last| (2 * last).min(LONGEST));
        self.0 = Some(next);
        next
    }
}
