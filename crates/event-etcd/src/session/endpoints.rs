//! Which address is next, and after how long.
//!
//! One connection at a time to one member (C4): a balancer gives calls to dead members again and again. Each
//! address of a name is an endpoint of its own (C13). Clients choose at random, so that they spread over the
//! members, and stay where they are as long as it works.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The wait before an endpoint that failed is tried again, without its jitter, which at most doubles it. The
/// cap is low: a store has only one connection (C7).
const SHORTEST: Duration = Duration::from_millis(25);
const LONGEST: Duration = Duration::from_millis(300);
const FACTOR: f32 = 1.5;

/// The wait after the server had no time for us (C12), without its jitter: twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// A connection that was good for so long was a good one.
const QUIET: Duration = Duration::from_secs(1);

/// An address that did not serve us is tried after all others: for so long, and until so many connections to
/// others failed. Twice as long each time, up to [`MOST_DOUBLINGS`].
const DEAD: Duration = Duration::from_secs(60);
const OTHERS_FAILED: u64 = 8;
const MOST_DOUBLINGS: u32 = 6;

#[derive(Debug)]
pub(crate) struct Endpoints {
    /// As the program named them.
    names: Vec<Arc<str>>,
    list: Vec<Endpoint>,
    /// The one in use, or the last one.
    current: Option<(Arc<str>, Arc<str>)>,
    /// Try them in the program's order, and not at random.
    in_order: bool,
    /// How many connections failed; and how many in a row, without a good one.
    failures: u64,
    in_a_row: usize,
    good_since: Option<Instant>,
    /// The server had no time for us: the last wait.
    pause: Option<Duration>,
    is_paused: bool,
    backoff: Backoff,
    random: fastrand::Rng,
}

#[derive(Debug)]
struct Endpoint {
    name: Arc<str>,
    address: Arc<str>,
    /// The number of its last failure, and when that was; 0 if its last connection did not fail.
    failed: u64,
    failed_at: Option<Instant>,
    /// How often in a row it did not serve us, and until when that counts.
    deaths: u32,
    dead: Option<Dead>,
}

#[derive(Debug, Clone, Copy)]
struct Dead {
    until: Instant,
    /// Until the number of failures is this.
    until_failure: u64,
}

impl Endpoints {
    /// The seed is for tests.
    pub(crate) fn new(names: impl IntoIterator<Item = String>, seed: Option<u64>) -> Self {
        let mut endpoints = Self {
            names: Vec::new(),
            list: Vec::new(),
            current: None,
            in_order: false,
            failures: 0,
            in_a_row: 0,
            good_since: None,
            pause: None,
            is_paused: false,
            backoff: Backoff::new(seed),
            random: seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed),
        };
        for name in names {
            endpoints.add(&name);
        }
        endpoints
    }

    /// Tries them in the order in which the program named them.
    pub(crate) fn in_order(mut self) -> Self {
        self.in_order = true;
        self
    }

    /// Names the one in use, or the last one. Where a name has several addresses, names the address, too.
    pub(crate) fn current(&self) -> Option<Arc<str>> {
        let (name, address) = self.current.as_ref()?;
        let addresses = self.list.iter().filter(|endpoint| endpoint.name == *name).count();
        Some(if addresses > 1 { format!("{name} ({address})").into() } else { name.clone() })
    }

    pub(crate) fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// Whether an address of some name is known.
    pub(crate) fn has_addresses(&self) -> bool {
        !self.list.is_empty()
    }

    /// A number between 0 and 1.
    pub(crate) fn random(&mut self) -> f64 {
        self.random.f64()
    }

    /// Adds an endpoint, and says whether it is new.
    pub(crate) fn add(&mut self, name: &str) -> bool {
        let is_new = self.names.iter().all(|other| **other != *name);
        if is_new {
            self.names.push(name.into());
            self.in_a_row = 0;
        }
        is_new
    }

    /// Removes an endpoint, and says whether it is the one in use.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.names.retain(|other| **other != *name);
        self.list.retain(|endpoint| *endpoint.name != *name);
        self.current.as_ref().is_some_and(|(current, _)| **current == *name)
    }

    /// The addresses that a name has now. What is known of those that it had before is kept.
    pub(crate) fn resolved(&mut self, name: &Arc<str>, addresses: Vec<Arc<str>>) {
        if addresses.is_empty() || !self.names.contains(name) {
            return;
        }
        self.list
            .retain(|endpoint| endpoint.name != *name || addresses.contains(&endpoint.address));
        for address in addresses {
            let is_known = self.list.iter().any(|it| it.name == *name && it.address == address);
            if !is_known {
                let name = Arc::clone(name);
                let new =
                    Endpoint { name, address, failed: 0, failed_at: None, deaths: 0, dead: None };
                self.list.push(new);
            }
        }
        // In the order of the names, for those who want it.
        let place = |endpoint: &Endpoint| self.names.iter().position(|it| *it == endpoint.name);
        self.list.sort_by_key(place);
    }

    /// How long to wait before the next connection.
    pub(crate) fn wait(&mut self) -> Duration {
        let is_unknown = |name: &Arc<str>| self.list.iter().all(|it| it.name != *name);
        let has_others =
            self.names.iter().any(is_unknown) || self.list.iter().any(|it| it.failed == 0);
        let is_patient = self.in_a_row >= self.list.len().max(self.names.len());
        let wait = if has_others && !is_patient { Duration::ZERO } else { self.backoff.next() };
        match self.pause.filter(|_| self.is_paused) {
            Some(pause) => wait.max(pause.mul_f64(0.5 + self.random.f64())),
            None => wait,
        }
    }

    /// The next one to connect to: its name and its address.
    pub(crate) fn next(&mut self, now: Instant) -> Option<(Arc<str>, Arc<str>)> {
        let counts = |dead: Dead| now < dead.until && self.failures < dead.until_failure;
        // One that failed long ago is like the others, so that clients spread again.
        let lately = |at: Instant| now.saturating_duration_since(at) < DEAD;
        let failed = |it: &Endpoint| if it.failed_at.is_some_and(lately) { it.failed } else { 0 };
        let rank = |it: &Endpoint| (it.dead.is_some_and(counts), failed(it));
        let best = self.list.iter().map(rank).min()?;
        let mut of_best: Vec<_> = self.list.iter().filter(|it| rank(it) == best).collect();
        let at = if self.in_order { 0 } else { self.random.usize(..of_best.len()) };
        let chosen = of_best.swap_remove(at);
        self.current = Some((Arc::clone(&chosen.name), Arc::clone(&chosen.address)));
        self.current.clone()
    }

    /// Whether there is another one to try.
    pub(crate) fn has_others(&self) -> bool {
        self.list.len() > 1
    }

    /// The connection serves us.
    pub(crate) fn good(&mut self, now: Instant) {
        if self.good_since.is_none() {
            self.good_since = Some(now);
            (self.pause, self.is_paused) = (None, false);
        }
    }

    /// The connection failed, or could not be made.
    pub(crate) fn failed(&mut self, now: Instant) {
        self.failures += 1;
        self.in_a_row += 1;
        self.is_paused = false;
        let good_since = self.good_since.take();
        let was_good = good_since.is_some_and(|it| now.saturating_duration_since(it) >= QUIET);
        if was_good {
            self.backoff.reset();
            self.in_a_row = 1;
        }
        let Some((name, address)) = &self.current else { return };
        let is_current = |it: &&mut Endpoint| it.name == *name && it.address == *address;
        let Some(endpoint) = self.list.iter_mut().find(is_current) else { return };
        (endpoint.failed, endpoint.failed_at) = (self.failures, Some(now));
        if was_good {
            (endpoint.deaths, endpoint.dead) = (0, None);
        } else {
            let times = 2_u32.pow(endpoint.deaths);
            let until_failure = self.failures + OTHERS_FAILED * u64::from(times);
            endpoint.dead = Some(Dead { until: now + DEAD * times, until_failure });
            endpoint.deaths = (endpoint.deaths + 1).min(MOST_DOUBLINGS);
        }
    }

    /// The server had no time for us.
    pub(crate) fn overloaded(&mut self) {
        self.pause = Some(self.pause.map_or(FIRST_PAUSE, |it| (it * 2).min(LONGEST_PAUSE)));
        self.is_paused = true;
    }
}

/// The waits, ever longer, each with jitter.
#[derive(Debug)]
struct Backoff {
    builder: ExponentialBuilder,
    waits: ExponentialBackoff,
}

impl Backoff {
    /// The seed is for tests.
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
