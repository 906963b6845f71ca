//! The benchmarks, by what they are about.

mod memory;
mod put;
mod snapshot;
mod spike;
mod take;

use crate::bench::{Bench, Work};
use crate::content::KEYS;

/// How many watchers there are, where it is not one.
const WATCHERS: usize = 1000;
const ROUNDS: usize = 11;
const MANY: usize = 1_000_000;

pub(crate) fn run(bench: &mut Bench) {
    let timed = |name, size| Work { name, size, unit: "ns", rounds: ROUNDS };
    let few = |name, size, unit| Work { name, size, unit, rounds: 3 };
    let counted = |name, size, unit| Work { name, size, unit, rounds: 1 };
    bench.run(timed("map: put, nobody waits", KEYS), put::alone);
    bench.run(timed("map: put, all wait", WATCHERS), put::with_waiting);
    bench.run(timed("map: put, all asleep", WATCHERS), put::with_sleepers);
    bench.run(few("map: the longest put of new keys", MANY, "ms"), spike::new_keys);
    bench.run(few("map: the longest put of known keys", MANY, "ms"), spike::known_keys);
    bench.run(timed("map: take one change", KEYS), take::one);
    bench.run(few("map: take 1,000,000 changes of one key", 1, "ns"), take::coalesced);
    bench.run(timed("map: as_value, one change", KEYS), snapshot::one_change);
    for keys in [1000, KEYS] {
        bench.run(timed("map: take a snapshot", keys), |turns| snapshot::take(turns, keys));
    }
    bench.run(counted("map: memory of a key beside its content", KEYS, "B"), memory::of_a_key);
    bench.run(counted("map: memory of a waiting watcher", WATCHERS, "B"), memory::of_a_watcher);
    let churn = "map: memory after 1,000,000 new keys came and went, of what it was";
    bench.run(counted(churn, KEYS, ""), memory::after_churn);
}
