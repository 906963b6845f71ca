//! Measures time.

use std::time::{Duration, Instant};

/// The minimum duration of a turn: long compared with the clock's resolution, short compared with the time
/// over which a shared machine becomes slower or faster.
const TURN: Duration = Duration::from_millis(3);

/// The number of operations between two reads of the clock.
const BATCH: u32 = 64;

/// Repeats `operation` for a turn and returns the nanoseconds per operation.
pub fn per_operation(mut operation: impl FnMut()) -> f64 {
    let mut operations = 0;
    let start = Instant::now();
    loop {
        for _ in 0..BATCH {
            operation();
        }
        operations += BATCH;
        let elapsed = start.elapsed();
        if elapsed >= TURN {
            return nanoseconds(elapsed) / f64::from(operations);
        }
    }
}

/// Runs `work` once and returns the nanoseconds that it took.
pub fn once(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    nanoseconds(start.elapsed())
}

/// A duration in nanoseconds.
#[must_use]
pub fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}
