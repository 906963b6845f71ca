//! Compares the costs of a value in memory with those of other crates: `cargo bench -p event-core`.
//!
//! All contenders take turns within one run, so that all values of a ratio were measured side by side. A
//! word after `--` selects the benchmarks whose names contain it.
//!
//! The program's allocator counts allocations (`allocation-counter`), because some benchmarks report them.
//! Counting adds a few nanoseconds to each allocation, and a growing `Vec` is always copied, never
//! extended in place. Ours does not allocate in any timed part. Of the peers, `watchable` allocates for
//! each wait and `futures-signals` for each subscription.
//!
//! The results of benchmarks with several threads depend on which cores the threads run on and on when
//! they sleep. Such a result may differ by half from run to run. The others differ by a few percent.

mod bench;
mod contenders;
mod payload;
mod task;
mod threads;
mod value;
mod works;

use std::io;
use std::sync::Arc;

use measure::{clock, machine};

use crate::bench::Bench;
use crate::payload::{Big, Payload};

fn main() -> io::Result<()> {
    println!("{}", machine::description());
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
