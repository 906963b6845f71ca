//! Runs threads in parallel.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Runs `work` in one thread for each of `parts`. Returns the time from the first start to the last end.
///
/// The threads wait for each other without sleeping. The system often wakes a sleeping thread on the core
/// of the thread that woke it, and then both share that core for a while.
pub(crate) fn run_together<P: Send>(parts: Vec<P>, work: impl Fn(P) + Sync) -> Duration {
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
        let times =
            threads.into_iter().map(|thread| thread.join().expect("the thread did not panic"));
        let (starts, ends): (Vec<Instant>, Vec<Instant>) = times.unzip();
        let first = starts.into_iter().min();
        let last = ends.into_iter().max();
        first.zip(last).map_or(Duration::ZERO, |(first, last)| last - first)
    })
}
