//! The session against a simulated etcd: a cluster with faults, a network that delays and reorders,
//! and a program, in schedules that a seed decides.
//!
//! After each step the laws are checked on what was published. At the end of a schedule all
//! faults end, and then every key must have what the store holds, in a limited time.
//!
//! A failure prints its seed and what happened. To run one schedule again, and to run a million:
//!
//! ```sh
//! EVENT_SEED=17 cargo test -p event-etcd simulation
//! EVENT_SCHEDULES=1000000 cargo test --release -p event-etcd simulation
//! ```

mod calls;
mod cluster;
mod ending;
mod history;
mod link;
mod map;
mod program;
mod schedule;
mod stream;
mod world;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use world::World;

const SCHEDULES: u64 = 100_000;
/// The longest schedule, before its faults end.
const LONGEST: usize = 150;

#[test]
fn every_schedule_keeps_the_laws_and_ends_with_what_the_store_holds() {
    if let Some(seed) = number("EVENT_SEED") {
        return check(seed);
    }
    let schedules = number("EVENT_SCHEDULES").unwrap_or(SCHEDULES);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    // Each thread goes on up to the first seed that is known to fail, so that the lowest is reported.
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(schedules));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= failed.load(Ordering::Relaxed) {
                        return;
                    }
                    if run(seed, false).is_err() {
                        failed.fetch_min(seed, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    if failed < schedules {
        check(failed);
    }
}

/// Runs a schedule again, and prints all that happened if it fails.
fn check(seed: u64) {
    if let Err(message) = run(seed, true) {
        panic!("EVENT_SEED={seed}: {message}");
    }
}

fn run(seed: u64, traced: bool) -> Result<(), String> {
    let mut world = World::new(seed, traced);
    let schedule = || -> Result<(), String> {
        for _ in 0..world.random.usize(..LONGEST) {
            world.step()?;
        }
        world.finish()
    };
    match catch_unwind(AssertUnwindSafe(schedule)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(message)) => Err(format!("{message}, after\n{}", world.trace())),
        Err(_) => Err(format!("a panic, after\n{}", world.trace())),
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is to be a number, not `{text}`")))
}
