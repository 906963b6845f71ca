//! The longest of many puts: what another put waits for the lock at most.
//!
//! It is the time that the thread runs, for what else the machine does not to be in it. A `HashMap` moves all its
//! entries when it grows.

use std::collections::HashMap;

use event_core::Bytes;
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::MANY;
use crate::bench::Turns;
use crate::content::{Content, Ours};

/// Each key is put once, into a map that is empty at first.
pub(super) fn new_keys(turns: &mut Turns) {
    turns.ours(|| {
        let map = Ours::new();
        longest(1, |key, value| map.insert(key, value))
    });
    turns.floor("HashMap", || {
        let mut map = HashMap::new();
        longest(1, |key, value| drop(map.insert(key, value)))
    });
}

/// All keys are there, and each is put twice more.
pub(super) fn known_keys(turns: &mut Turns) {
    let map = Content::new(MANY).ours();
    turns.ours(move || longest(2, |key, value| map.insert(key, value)));
    let mut map = Content::new(MANY).table();
    turns.floor("HashMap", move || longest(2, |key, value| drop(map.insert(key, value))));
}

/// The longest put, in milliseconds, if each key is put so many times.
fn longest(times: usize, mut put: impl FnMut(Bytes, Bytes)) -> f64 {
    let mut content = Content::new(MANY);
    let mut longest = 0.0_f64;
    for _ in 0..times * MANY {
        let (key, value) = content.next();
        let start = clock_gettime(ClockId::ThreadCPUTime);
        put(key, value);
        longest = longest.max(milliseconds(clock_gettime(ClockId::ThreadCPUTime) - start));
    }
    longest
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53 nanoseconds")]
fn milliseconds(time: Timespec) -> f64 {
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
