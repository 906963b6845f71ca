//! Which member is next, and after how long.
//!
//! One connection at a time to one member. A member that failed is tried last (C4): the balancer of the
//! client below gives calls to dead members again and again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The first wait, when every endpoint has failed.
const SHORTEST: Duration = Duration::from_millis(25);
/// The longest wait before jitter, which at most doubles it. One connection a process makes a low
/// cap cheap (C7).
const LONGEST: Duration = Duration::from_millis(300);
/// How it grows: slowly, for a handful of resets in a row to cost little.
const FACTOR: f32 = 1.5;
/// How long a connection must have been good for its end to be a first failure again.
const QUIET: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Endpoints {
    list: Vec<Endpoint>,
    current: Option<Arc<str>>,
    /// Counts failures, to know which is the oldest.
    failures: u64,
    good_since: Option<Instant>,
    backoff: Backoff,
}

#[derive(Debug)]
struct Endpoint {
    name: Arc<str>,
    /// The number of its last failure, or 0 if it is not known to fail.
    failed: u64,
}

impl Endpoints {
    /// `seed` fixes the jitter, for a test to repeat a run.
    pub(crate) fn new(names: impl IntoIterator<Item = String>, seed: Option<u64>) -> Self {
        let list =
            names.into_iter().map(|name| Endpoint { name: name.into(), failed: 0 }).collect();
        Self { list, current: None, failures: 0, good_since: None, backoff: Backoff::new(seed) }
    }

    /// The member in use, or the one last tried.
    pub(crate) fn current(&self) -> Option<&Arc<str>> {
        self.current.as_ref()
    }

    /// Adds an endpoint, to be tried before those that failed, and says whether it is a new one.
    pub(crate) fn add(&mut self, name: &str) -> bool {
        let is_new = !self.list.iter().any(|endpoint| &*endpoint.name == name);
        if is_new {
            self.list.push(Endpoint { name: name.into(), failed: 0 });
        }
        is_new
    }

    /// Removes an endpoint, and says whether it is the one in use.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.list.retain(|endpoint| &*endpoint.name != name);
        self.current.as_deref() == Some(name)
    }

    /// Chooses the endpoint that failed longest ago, if any is left, and how long to wait first:
    /// not at all for one that is not known to fail.
    pub(crate) fn next(&mut self) -> Option<(Arc<str>, Duration)> {
        let endpoint = self.list.iter().min_by_key(|endpoint| endpoint.failed)?;
        let wait = if endpoint.failed == 0 { Duration::ZERO } else { self.backoff.next() };
        self.current = Some(Arc::clone(&endpoint.name));
        Some((Arc::clone(&endpoint.name), wait))
    }

    /// The member in use gave a sign of life.
    pub(crate) fn good(&mut self, now: Instant) {
        self.good_since.get_or_insert(now);
    }

    /// The member in use failed.
    pub(crate) fn failed(&mut self, now: Instant) {
        let good_since = self.good_since.take();
        if good_since.is_some_and(|since| now.saturating_duration_since(since) >= QUIET) {
            self.backoff.reset();
            self.list.iter_mut().for_each(|endpoint| endpoint.failed = 0);
        }
        self.failures += 1;
        if let Some(endpoint) =
            self.list.iter_mut().find(|e| Some(&e.name) == self.current.as_ref())
        {
            endpoint.failed = self.failures;
        }
    }
}

/// A wait that grows with each failure, and never gives up.
#[derive(Debug)]
struct Backoff {
    builder: ExponentialBuilder,
    waits: ExponentialBackoff,
}

impl Backoff {
    fn new(seed: Option<u64>) -> Self {
        let mut builder = ExponentialBuilder::new()
            .with_min_delay(SHORTEST)
            .with_max_delay(LONGEST)
            .with_factor(FACTOR)
            .with_jitter()
            .without_max_times();
        if let Some(seed) = seed {
            builder = builder.with_jitter_seed(seed);
        }
        Self { builder, waits: builder.build() }
    }

    fn next(&mut self) -> Duration {
        self.waits.next().unwrap_or(LONGEST)
    }

    fn reset(&mut self) {
        self.waits = self.builder.build();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Endpoints {
        Endpoints::new(["a", "b", "c"].map(str::to_owned), Some(1))
    }

    #[test]
    fn an_endpoint_that_failed_is_tried_last() {
        let now = Instant::now();
        let mut endpoints = three();
        let mut tried = Vec::new();
        for _ in 0..6 {
            tried.push(endpoints.next().unwrap().0);
            endpoints.failed(now);
        }
        assert_eq!(
            tried.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
            ["a", "b", "c", "a", "b", "c"]
        );
    }

    #[test]
    fn an_endpoint_that_is_not_known_to_fail_is_tried_at_once() {
        let now = Instant::now();
        let mut endpoints = three();
        for _ in 0..3 {
            assert_eq!(endpoints.next().unwrap().1, Duration::ZERO);
            endpoints.failed(now);
        }
        assert!(endpoints.next().unwrap().1 >= SHORTEST);
        endpoints.add("d");
        assert_eq!(endpoints.next().unwrap(), ("d".into(), Duration::ZERO));
    }

    #[test]
    fn the_wait_grows_to_a_low_cap_and_starts_over_after_a_quiet_period() {
        let mut now = Instant::now();
        let mut endpoints = Endpoints::new(["a".to_owned()], Some(1));
        let mut waits = Vec::new();
        for _ in 0..20 {
            waits.push(endpoints.next().unwrap().1);
            endpoints.good(now); // good for a moment is no quiet period
            endpoints.failed(now);
        }
        assert!(waits.iter().all(|wait| *wait <= 2 * LONGEST), "{waits:?}");
        assert!(*waits.last().unwrap() >= LONGEST, "{waits:?}");
        endpoints.next();
        endpoints.good(now);
        now += QUIET;
        endpoints.failed(now);
        assert!(endpoints.next().unwrap().1 <= 2 * SHORTEST);
    }

    #[test]
    fn an_endpoint_in_use_may_be_removed() {
        let mut endpoints = three();
        endpoints.next();
        assert!(!endpoints.remove("b"));
        assert!(endpoints.remove("a"));
        endpoints.failed(Instant::now());
        assert_eq!(&*endpoints.next().unwrap().0, "c");
        endpoints.remove("c");
        assert!(endpoints.next().is_none());
    }
}
