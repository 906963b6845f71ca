//! What the log says of the health: a stall, a key that can't be read, and their ends.
//!
//! A stall that comes and goes must not fill the log. So the same line comes at most once in ten seconds. A line
//! that has to wait is logged later, if it is still true then.

use std::time::{Duration, Instant};

use crate::{Health, HealthState};

/// How often the same line is logged.
const EVERY: Duration = Duration::from_secs(10);
/// How many lines come in ten seconds, and are remembered. The words of a cause may change without end.
const MOST: usize = 16;

/// Logs through `tracing` what a backend says of its health: a stall, or that a key can't be read, is a
/// warning with the cause. When the problem is over, a line of level `INFO` says how long it lasted. The
/// same line comes at most once in ten seconds. Each change is also logged at level `DEBUG`.
///
/// It has no timer. Call [`log`](Self::log) when it is [`due`](Self::due).
///
/// ```
/// use std::time::Instant;
///
/// use event_core::upstream::HealthLog;
/// use event_core::{Cause, CauseKind, Health, HealthState};
///
/// let mut log = HealthLog::new(Instant::now());
/// let cause = Cause::new(CauseKind::Unreachable, "connection refused");
/// log.changed(&Health::stalled(cause), Instant::now()); // stalled: unreachable: connection refused
/// log.changed(&Health::new(HealthState::Live), Instant::now()); // no longer stalled, after 0.0 s
/// assert!(log.due().is_none());
/// ```
#[derive(Debug)]
pub struct HealthLog {
    stall: Trouble,
    refusal: Trouble,
    source: String,
}

/// One thing that may be wrong, and what the log says of it.
#[derive(Debug)]
struct Trouble {
    words: Words,
    /// Why it is wrong.
    cause: Option<String>,
    /// Since when it is wrong, or was the last time.
    since: Instant,
    /// When the last time ended.
    until: Instant,
    /// What the newest line says.
    logged: Option<String>,
    /// The lines of the last ten seconds: the cause, or `None` for an end.
    recent: Vec<(Option<String>, Instant)>,
}

#[derive(Debug)]
struct Words {
    begin: &'static str,
    end: &'static str,
}

/// A line of the log.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Begin(&'static str, String),
    End(&'static str, Duration),
}

impl HealthLog {
    /// A log of a backend that is not stalled.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        let stall = Words { begin: "stalled", end: "no longer stalled" };
        let refusal = Words {
            begin: "a key can't be read",
            end: "every key that is watched can be read again",
        };
        let [stall, refusal] = [stall, refusal].map(|words| Trouble::new(words, now));
        Self { stall, refusal, source: String::new() }
    }

    /// Call it when the health changed.
    pub fn changed(&mut self, health: &Health, now: Instant) {
        let Health { state, cause, source, .. } = health;
        let in_words = cause.as_ref().map(ToString::to_string);
        let (in_full, source) = (in_words.as_deref(), source.as_deref());
        tracing::debug!(%state, cause = in_full, source, "health");
        let is_stalled = *state == HealthState::Stalled;
        let is_of_key = cause.as_ref().is_some_and(|cause| cause.key().is_some());
        self.stall.changed(in_words.clone().filter(|_| is_stalled), now);
        // While the store is stalled, nothing is known of keys.
        if !is_stalled {
            self.refusal.changed(in_words.filter(|_| is_of_key), now);
        }
        source.unwrap_or_default().clone_into(&mut self.source);
        self.log(now);
    }

    /// When to call [`log`](Self::log), if a line waits.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.stall.due().into_iter().chain(self.refusal.due()).min()
    }

    /// Logs what is due.
    pub fn log(&mut self, now: Instant) {
        let source = &self.source;
        for trouble in [&mut self.stall, &mut self.refusal] {
            match trouble.next(now) {
                Some(Line::Begin(words, cause)) => tracing::warn!(source, "{words}: {cause}"),
                Some(Line::End(words, lasted)) => {
                    tracing::info!(source, "{words}, after {:.1} s", lasted.as_secs_f64());
                }
                None => {}
            }
        }
    }
}

impl Trouble {
    fn new(words: Words, now: Instant) -> Self {
        Self { words, cause: None, since: now, until: now, logged: None, recent: Vec::new() }
    }

    fn changed(&mut self, cause: Option<String>, now: Instant) {
        match (&self.cause, &cause) {
            (None, Some(_)) => self.since = now,
            (Some(_), None) => self.until = now,
            _ => {}
        }
        self.cause = cause;
    }

    /// When the next line may be logged, if the log does not say what is so.
    fn due(&self) -> Option<Instant> {
        if self.cause == self.logged {
            return None;
        }
        let before = self.recent.iter().rfind(|(line, _)| *line == self.cause);
        let before = before.or(self.recent.first().filter(|_| self.recent.len() == MOST));
        Some(before.map_or(self.since, |(_, at)| *at + EVERY))
    }

    fn next(&mut self, now: Instant) -> Option<Line> {
        self.recent.retain(|(_, at)| now.saturating_duration_since(*at) < EVERY);
        self.due().filter(|due| *due <= now)?;
        self.recent.push((self.cause.clone(), now));
        self.logged.clone_from(&self.cause);
        let Words { begin, end } = self.words;
        Some(match &self.cause {
            Some(cause) => Line::Begin(begin, cause.clone()),
            None => Line::End(end, self.until.saturating_duration_since(self.since)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    struct Log {
        trouble: Trouble,
        begun: Instant,
    }

    impl Log {
        fn new() -> Self {
            let begun = Instant::now();
            let words = Words { begin: "stalled", end: "no longer stalled" };
            Self { trouble: Trouble::new(words, begun), begun }
        }

        /// What is logged when the cause is this one, so many seconds after the begin.
        fn at(&mut self, second: u32, cause: Option<&str>) -> Option<Line> {
            let now = self.begun + second * SECOND;
            self.trouble.changed(cause.map(str::to_owned), now);
            self.trouble.next(now)
        }

        fn due(&self) -> Option<Duration> {
            self.trouble.due().map(|due| due - self.begun)
        }
    }

    fn begin(cause: &str) -> Line {
        Line::Begin("stalled", cause.to_owned())
    }

    fn end(seconds: u32) -> Line {
        Line::End("no longer stalled", seconds * SECOND)
    }

    #[test]
    fn a_stall_is_logged_with_its_cause_and_its_end_with_how_long_it_lasted() {
        let mut log = Log::new();
        assert_eq!(log.at(1, None), None);
        assert_eq!(log.at(2, Some("down")), Some(begin("down")));
        assert_eq!(log.at(3, Some("refused")), Some(begin("refused")));
        assert_eq!(log.at(3, Some("refused")), None);
        assert_eq!(log.at(60, None), Some(end(58)));
        assert_eq!(log.due(), None);
    }

    #[test]
    fn the_same_line_comes_at_most_once_in_ten_seconds() {
        let mut log = Log::new();
        let lines = (0..100).filter_map(|second| {
            log.at(second, Some("down").filter(|_| second % 2 == 0)) // up and down all the time
        });
        let lines = lines.collect::<Vec<_>>();
        assert!((10..=20).contains(&lines.len()), "{lines:?}");
        assert!(log.trouble.recent.len() <= MOST);
    }

    #[test]
    fn a_line_that_waits_is_logged_if_it_is_still_true() {
        let mut log = Log::new();
        assert_eq!(log.at(0, Some("down")), Some(begin("down")));
        assert_eq!(log.at(1, None), Some(end(1)));
        assert_eq!(log.at(2, Some("down")), None);
        assert_eq!(log.due(), Some(10 * SECOND));
        assert_eq!(log.at(3, None), None); // which is what the log says
        assert_eq!(log.due(), None);
        assert_eq!(log.at(4, Some("down")), None);
        assert_eq!(log.at(10, Some("down")), Some(begin("down")));
        // The end waits for its ten seconds, too.
        assert_eq!(log.at(10, None), None);
        assert_eq!(log.at(11, None), Some(end(6)));
    }

    #[test]
    fn words_that_change_without_end_do_not_fill_the_log() {
        let mut log = Log::new();
        let lines = (0..1000).filter_map(|number| log.at(number / 100, Some(&number.to_string())));
        assert_eq!(lines.count(), MOST);
        assert_eq!(log.due(), Some(10 * SECOND));
        assert_eq!(log.at(10, Some("999")), Some(begin("999")));
    }
}
