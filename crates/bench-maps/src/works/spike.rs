//! The longest of many puts: what another put waits for the lock at most.
//!
//! A `HashMap` moves all its entries when it grows.

use std::collections::HashMap;

use event_core::Bytes;
use measure::clock::once;

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
        longest = longest.max(once(|| put(key, value)));
    }
    longest / 1e6
}
