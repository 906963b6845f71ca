//! How long things take.

use std::time::{Duration, Instant};

/// How long a turn goes on at least: long beside the clock's steps, short beside the machine's moods.
const TURN: Duration = Duration::from_millis(3);

/// The clock is asked once for so many.
const BATCH: u32 = 64;

/// Nanoseconds for one of these, repeated for a turn.
pub(crate) fn per_operation(mut operation: impl FnMut()) -> f64 {
    let mut operations = 0;
    let start = Instant::now();
    loop {
        for _ in 0..BATCH {
            operation();
        }
        operations += BATCH;
        let took = start.elapsed();
        if took >= TURN {
            return nanoseconds(took) / f64::from(operations);
        }
    }
}

/// Nanoseconds for this, once.
pub(crate) fn once(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    nanoseconds(start.elapsed())
}

pub(crate) fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}
