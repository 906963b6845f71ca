//! Threads that work at the same time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Gives each thread one of `parts`, and tells the time from the first's start to the last's end.
///
/// They wait for one another without sleeping: a thread that sleeps is often woken on the core of the
/// one that wakes it, and then both have one core for a while.
pub(crate) fn together<P: Send>(parts: Vec<P>, work: impl Fn(P) + Sync) -> Duration {
    let (missing, work) = (&AtomicUsize::new(parts.len()), &work);
    thread::scope(|scope| {
        let start_to_end = |part| {
            move || {
                missing.fetch_sub(1, Ordering::AcqRel);
                while missing.load(Ordering::Acquire) > 0 {
                    thread::yield_now();
                }
                let start = Instant::now();
                work(part);
                (start, Instant::now())
            }
        };
        let threads: Vec<_> =
            parts.into_iter().map(|part| scope.spawn(start_to_end(part))).collect();
        let times = threads.into_iter().map(|thread| thread.join().expect("it does not panic"));
        let (starts, ends): (Vec<Instant>, Vec<Instant>) = times.unzip();
        let first = starts.into_iter().min();
        let last = ends.into_iter().max();
        first.zip(last).map_or(Duration::ZERO, |(first, last)| last - first)
    })
}
