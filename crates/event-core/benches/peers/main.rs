//! What a value in memory costs, beside what a user would otherwise take: `cargo bench -p event-core`.
//!
//! All contenders take turns within one run, so that only ratios are compared that were measured
//! side by side. A word after `--` keeps the works that have it in their name.
//!
//! The program counts its allocations (`allocation-counter`), for the rows that tell them. That is a
//! few nanoseconds on top of each allocation, and a `Vec` that grows is copied where it might have
//! been extended in place. Ours allocates in no part that is timed; of the peers `watchable` does for
//! each wait, and `futures-signals` for each subscription.
//!
//! What two threads do at once depends on the cores they are given and on who sleeps when: a row of
//! theirs may differ by half from run to run, where the others differ by a few percent.

mod bench;
mod clock;
mod contenders;
mod machine;
mod payload;
mod task;
mod threads;
mod value;
mod works;

use std::io;
use std::sync::Arc;

use crate::bench::Bench;
use crate::payload::{Big, Payload};

fn main() -> io::Result<()> {
    println!("{}", machine::line());
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let mut bench = Bench::new(filter);
    for_each_payload::<u64>(&mut bench);
    for_each_payload::<Arc<String>>(&mut bench);
    for_each_payload::<Big>(&mut bench);
    works::waking(&mut bench);
    works::threads(&mut bench);
    works::memory(&mut bench);
    bench.finish("event-core")
}

fn for_each_payload<T: Payload>(bench: &mut Bench) {
    works::basic::<T>(bench);
    works::reads::<T>(bench);
}
