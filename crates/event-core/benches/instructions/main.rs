//! Counts the instructions of each step: `cargo xtask instructions`.
//!
//! The counts do not depend on the load of the machine. They are the same on every run, except for tokio,
//! which uses random numbers. A change of a few instructions is therefore visible. A count is not a time:
//! an atomic instruction counts like any other.
//!
//! Each step runs once before it is counted, which initializes what is lazy. A count includes the call of
//! the step's closure: a few instructions, the same for all contenders.

#![expect(missing_docs, reason = "gungraun's macros generate items without docs")]

mod prepare;
mod value;

use eyeball::SharedObservable;
use gungraun::{library_benchmark, library_benchmark_group, main};
use tokio::sync::watch::Sender;

use crate::prepare::{Step, get, pending, set, subscribe, waking};

type Ours = event_core::MemoryValue<u64>;
type Tokio = Sender<u64>;
type Eyeball = SharedObservable<u64>;

#[library_benchmark]
#[bench::ours(set::<Ours>())]
#[bench::tokio(set::<Tokio>())]
#[bench::eyeball(set::<Eyeball>())]
fn set_nobody_waits(step: Step) -> Step {
    run(step)
}

#[library_benchmark]
#[bench::ours(get::<Ours>())]
#[bench::tokio(get::<Tokio>())]
#[bench::eyeball(get::<Eyeball>())]
fn get_ready(step: Step) -> Step {
    run(step)
}

#[library_benchmark]
#[bench::ours(pending::<Ours>())]
#[bench::tokio(pending::<Tokio>())]
#[bench::eyeball(pending::<Eyeball>())]
fn get_pending_dropped(step: Step) -> Step {
    run(step)
}

#[library_benchmark]
#[bench::ours(waking::<Ours>(1))]
#[bench::tokio(waking::<Tokio>(1))]
#[bench::eyeball(waking::<Eyeball>(1))]
fn set_1_waits(step: Step) -> Step {
    run(step)
}

#[library_benchmark]
#[bench::ours(waking::<Ours>(1000))]
#[bench::tokio(waking::<Tokio>(1000))]
#[bench::eyeball(waking::<Eyeball>(1000))]
fn set_1000_wait(step: Step) -> Step {
    run(step)
}

#[library_benchmark]
#[bench::ours(subscribe::<Ours>())]
#[bench::tokio(subscribe::<Tokio>())]
#[bench::eyeball(subscribe::<Eyeball>())]
fn subscribe_get_drop(step: Step) -> Step {
    run(step)
}

/// Runs the step and returns it. Its captured values are dropped after counting ends.
fn run(mut step: Step) -> Step {
    step();
    step
}

library_benchmark_group!(
    name = steps,
    benchmarks = [
        set_nobody_waits,
        get_ready,
        get_pending_dropped,
        set_1_waits,
        set_1000_wait,
        subscribe_get_drop
    ]
);

main!(library_benchmark_groups = steps);
