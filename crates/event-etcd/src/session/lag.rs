//! Whether a watch lies so far behind that a read is quicker (E9).

use super::connected::Progress;

/// How far a watch may lie behind, in revisions.
const FAR: i64 = 5000;

impl Progress {
    /// Whether to read the key now, after an event of a watch on a store at `revision`. One read at a
    /// time overtakes a watch.
    pub(super) fn starts_to_catch_up(&mut self, revision: i64) -> bool {
        let is_far_behind = revision.saturating_sub(self.known_to) >= FAR;
        is_far_behind && !std::mem::replace(&mut self.is_catching_up, true)
    }

    /// A read of the key was answered.
    pub(super) fn caught_up(&mut self) {
        self.is_catching_up = false;
    }
}
