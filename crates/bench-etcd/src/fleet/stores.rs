//! The stores of a fleet, in several processes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::part::{Part, StoreState, now};

const STORES_OF_PART: usize = 500;
const TIMEOUT: Duration = Duration::from_secs(120);
const INTERVAL: Duration = Duration::from_millis(200);

pub(crate) struct Stores {
    parts: Vec<Part>,
    pub(crate) started: u64,
}

/// What all stores have, and the connections that they tried: for each address and second.
#[derive(Default)]
pub(crate) struct Snapshot {
    pub(crate) stores: Vec<StoreState>,
    attempts: BTreeMap<(String, u64), u64>,
}

impl Stores {
    pub(crate) fn start(stores: usize, liveness: Duration, endpoints: &[String]) -> Self {
        let started = now();
        let parts = (0..stores)
            .step_by(STORES_OF_PART)
            .map(|start| Part::start(STORES_OF_PART.min(stores - start), liveness, endpoints));
        Self { parts: parts.collect(), started }
    }

    pub(crate) fn snapshot(&mut self) -> Snapshot {
        let mut all = Snapshot::default();
        self.parts.iter_mut().for_each(Part::ask);
        for report in self.parts.iter_mut().map(Part::read) {
            all.stores.extend(report.stores);
            for (address, second, count) in report.attempts {
                *all.attempts.entry((address, second)).or_default() += count;
            }
        }
        all
    }

    /// Waits until something holds for every store.
    pub(crate) async fn all(&mut self, holds: impl Fn(&StoreState) -> bool) -> Snapshot {
        let start = Instant::now();
        loop {
            let all = self.snapshot();
            let missing = all.stores.iter().filter(|store| !holds(store)).count();
            if missing == 0 {
                return all;
            }
            assert!(start.elapsed() < TIMEOUT, "{missing} stores are not there in {TIMEOUT:?}");
            sleep(INTERVAL).await;
        }
    }

    /// Waits until every store is live and has a generation.
    pub(crate) async fn current(&mut self, generation: u32) -> Snapshot {
        self.all(|store| store.live && store.generation == generation).await
    }

    /// Waits until every store is live elsewhere than at an address.
    pub(crate) async fn left(&mut self, address: &str) -> Snapshot {
        self.all(|store| store.live && !store.source.contains(address)).await
    }
}

impl Snapshot {
    /// When the last store got what it has.
    pub(crate) fn last(&self) -> u64 {
        self.stores.iter().map(|store| store.since.max(store.taken)).max().unwrap_or(0)
    }

    pub(crate) fn spread(&self, addresses: &[String]) -> Vec<usize> {
        spread(&self.stores, addresses)
    }

    /// How many connections were tried since a time: all, the most in one second, and the most in one
    /// second at one address.
    pub(crate) fn attempts(&self, since: u64) -> (u64, u64, u64) {
        let (mut seconds, mut all, mut most_at_one) = (BTreeMap::<u64, u64>::new(), 0, 0);
        for ((_, second), count) in &self.attempts {
            if *second >= since / 1_000_000 {
                all += count;
                most_at_one = most_at_one.max(*count);
                *seconds.entry(*second).or_default() += count;
            }
        }
        (all, seconds.into_values().max().unwrap_or(0), most_at_one)
    }
}

/// How many stores are at each address.
pub(crate) fn spread(stores: &[StoreState], addresses: &[String]) -> Vec<usize> {
    let at = |address: &str| stores.iter().filter(|store| store.source.contains(address)).count();
    addresses.iter().map(|address| at(address)).collect()
}
