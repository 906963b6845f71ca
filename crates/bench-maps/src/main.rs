//! Compares the costs of a map in memory with those of other crates: `cargo xtask bench-maps`.
//!
//! As in the benchmarks of a value, all contenders take turns within one run, a word selects the benchmarks whose names
//! contain it, and the program's allocator counts allocations, which adds a few nanoseconds to each.

mod bench;
mod content;
mod kube;
mod works;

use std::io;

use measure::machine;

use crate::bench::Bench;

fn main() -> io::Result<()> {
    println!("{}", machine::description());
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    // remoc spawns a task for each reader, which sees when the reader is dropped. Nothing else needs it to run.
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let _entered = runtime.enter();
    let mut bench = Bench::new(filter);
    works::run(&mut bench);
    bench.finish()
}
