//! The benchmarks, each in its own file.

mod allocations;
mod fan_out;
mod get;
mod pending;
mod read;
mod set;
mod subscribe;
mod waiting;
mod wake;
mod writers;

use crate::bench::Bench;
use crate::contenders::OursBoxed;
use crate::payload::Payload;

/// The basic operations.
pub(crate) fn basic<T: Payload>(bench: &mut Bench) {
    for watchers in [1, 1000] {
        bench.compare::<T, _>(&set::Set { watchers });
    }
    bench.compare::<T, _>(&get::Get);
    bench.compare::<T, _>(&pending::Pending);
    bench.compare::<T, _>(&subscribe::Subscribe);
}

/// Reading the current version in several threads.
pub(crate) fn reads<T: Payload>(bench: &mut Bench) {
    for threads in [1, 2, 4] {
        bench.compare::<T, _>(&read::Reads { threads });
    }
}

/// A `set` that wakes watchers.
pub(crate) fn waking(bench: &mut Bench) {
    for watchers in [1, 10, 100, 1000, 10_000] {
        bench.compare::<u64, _>(&wake::Wake { watchers });
    }
}

/// Benchmarks that need a second thread.
pub(crate) fn threads(bench: &mut Bench) {
    bench.compare::<u64, _>(&fan_out::FanOut { watchers: 10_000 });
    bench.compare::<u64, _>(&writers::Writers);
}

/// Benchmarks that count memory or allocations instead of time.
pub(crate) fn memory(bench: &mut Bench) {
    bench.compare::<u64, _>(&waiting::Memory);
    bench.compare::<u64, _>(&pending::Growth);
    for step in allocations::Step::ALL {
        bench.compare::<u64, _>(&allocations::Allocations { step, boxed: false });
        bench.variant::<u64, OursBoxed<u64>, _>(&allocations::Allocations { step, boxed: true });
    }
}
