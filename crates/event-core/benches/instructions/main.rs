//! How many instructions each step takes: `cargo xtask instructions`.
//!
//! On a busy machine as on an idle one, and the same on every run but where a contender draws random
//! numbers (tokio), so a change of a few shows. It tells nothing of what an instruction costs: an
//! atomic one counts as any other.
//!
//! A step runs once before it is counted, which brings what is lazy into being. The call of the closure
//! it lies in is counted with it, a handful of instructions, the same for all.

#![expect(missing_docs, reason = "gungraun's macros make items that have none")]

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
    taken(step)
}

#[library_benchmark]
#[bench::ours(get::<Ours>())]
#[bench::tokio(get::<Tokio>())]
#[bench::eyeball(get::<Eyeball>())]
fn get_ready(step: Step) -> Step {
    taken(step)
}

#[library_benchmark]
#[bench::ours(pending::<Ours>())]
#[bench::tokio(pending::<Tokio>())]
#[bench::eyeball(pending::<Eyeball>())]
fn get_pending_dropped(step: Step) -> Step {
    taken(step)
}

#[library_benchmark]
#[bench::ours(waking::<Ours>(1))]
#[bench::tokio(waking::<Tokio>(1))]
#[bench::eyeball(waking::<Eyeball>(1))]
fn set_1_waits(step: Step) -> Step {
    taken(step)
}

#[library_benchmark]
#[bench::ours(waking::<Ours>(1000))]
#[bench::tokio(waking::<Tokio>(1000))]
#[bench::eyeball(waking::<Eyeball>(1000))]
fn set_1000_wait(step: Step) -> Step {
    taken(step)
}

#[library_benchmark]
#[bench::ours(subscribe::<Ours>())]
#[bench::tokio(subscribe::<Tokio>())]
#[bench::eyeball(subscribe::<Eyeball>())]
fn subscribe_get_drop(step: Step) -> Step {
    taken(step)
}

/// Takes the step, and gives it back: what it holds is dropped after the count.
fn taken(mut step: Step) -> Step {
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
