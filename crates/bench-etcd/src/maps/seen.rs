//! What a contender has taken of its map.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::keys;
use crate::maps::keys::SENTINEL;

/// Counts the changes, and reports each new generation of the sentinel to the parent.
///
/// All contenders report each change here, so it costs all of them the same.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    taken: AtomicU64,
    newest: AtomicU32,
}

impl Seen {
    pub(crate) fn put(&self, key: &[u8], value: &[u8]) {
        let taken = self.0.taken.fetch_add(1, Ordering::Relaxed) + 1;
        if key.ends_with(SENTINEL.as_bytes()) {
            let generation = keys::generation(value);
            if self.0.newest.fetch_max(generation, Ordering::Relaxed) < generation {
                say(&format!("seen {generation} {taken}"));
            }
        }
    }

    pub(crate) fn delete(&self) {
        self.0.taken.fetch_add(1, Ordering::Relaxed);
    }
}

/// Says a line to the parent. Nobody listens where the parent is gone, and then it does not matter.
pub(crate) fn say(line: &str) {
    let mut output = std::io::stdout();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}
