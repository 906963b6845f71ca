//! A watch that lags is canceled, and its key is read and watched anew (E9, E11).
//!
//! The server queues up to 128 responses of a stream whose client does not read. A watch with more than
//! that to say lags: the server replays it in rounds, 1000 revisions each 100 ms. A read and a new watch
//! are quicker, and nobody wants anything but the newest version.
//!
//! Two signs make the session read the key of a watch. Neither occurs on a stream that keeps up.
//!
//! - A burst: the stream was silent, and then many responses of one watch come at once. What was queued
//!   looks like any change, with its own revision in the header. A replayed response shows the lag, but
//!   the first of them comes up to 100 ms later.
//! - A response whose header is far ahead of its event. Other keys may have been written in between, so
//!   this is a sign and no proof.
//!
//! The read is the proof: it finds a version far beyond where the watch stands, or it does not.
//!
//! Why does the new watch start from now on, and not from the read's revision? The server takes a watch
//! from a revision that the store already has for one that lags, and looks at it up to 100 ms later. Why not
//! from the next revision? See the session's docs (E7). If the key was written between the read and the new
//! watch, the revision at which the watch was created is not the one that was read. Then the key is read
//! once more.
//!
//! A range is watched from its read's revision on, and waits that long: its events say nothing of what was written to
//! other keys before the watch, so none of them may be missing. It is read for the second sign only, and the more keys it
//! has, the further it may lag: many changes at once are usual for a range, and a read of all of it costs more.
//!
//! A key that changed while there was no connection is watched from now on too: the connection may have
//! ended because of the very burst (C8).

use std::collections::HashMap;
use std::collections::btree_map::Entry;
use std::time::{Duration, Instant};

use event_core::upstream::KeyId;

use super::connected::KeyState;
use super::{Action, ReadId, Session, State};
use crate::seam::WatchRequest;

/// A stream may have been held up if it was silent for so long. A burst is over after the same time.
const SILENCE: Duration = Duration::from_millis(100);
/// How many responses of one watch are a burst. Four watches can share the 128 that the server queues.
const BURST: u32 = 32;
/// How far a header may be ahead of its event, in revisions.
const AHEAD: i64 = 5000;
/// How far a read may be ahead of the watch, in revisions: as much as the server queues.
const QUEUED: i64 = 128;
/// Watch from now on.
pub(super) const NOW: i64 = 0;

/// How many responses of each watch came since the stream was silent.
#[derive(Debug, Default)]
pub(super) struct Burst {
    /// When the burst is over, if the stream was silent not long ago.
    until: Option<Instant>,
    responses: HashMap<i64, u32>,
}

impl Burst {
    /// A response came, this long after the one before.
    pub(super) fn responded(&mut self, silence: Duration, now: Instant) {
        if silence < SILENCE && self.until.is_none_or(|until| now < until) {
            return;
        }
        self.responses.clear();
        self.until = (silence >= SILENCE).then_some(now + SILENCE);
    }

    /// Counts a response of a watch. Returns whether it makes a burst.
    fn count(&mut self, watch_id: i64) -> bool {
        if self.until.is_none() {
            return false;
        }
        let count = self.responses.entry(watch_id).or_default();
        *count += 1;
        *count == BURST
    }
}

impl Session {
    /// A change of a key or a range came. Reads it if its watch may lag: one read at a time.
    pub(super) fn suspect_lag(&mut self, id: KeyId, watch_id: i64, header: i64, event: i64) {
        let keys = self.keys_of_range(id);
        let State::Connected(connected) = &mut self.state else { return };
        let is_burst = keys.is_none() && connected.burst.count(watch_id);
        connected.progress(id).watched_to = event;
        let ahead = AHEAD.saturating_add(keys.unwrap_or(0) / 10);
        if (is_burst || header.saturating_sub(event) >= ahead)
            && let Entry::Vacant(suspect) = connected.suspects.entry(id)
        {
            suspect.insert(self.next_read + 1);
            connected.queue(id);
        }
    }

    /// How many keys are known of a range.
    fn keys_of_range(&self, id: KeyId) -> Option<i64> {
        let keys = self.keys.get(id)?.range()?.len();
        Some(i64::try_from(keys).unwrap_or(i64::MAX))
    }

    /// A read of a key or a range was answered, and found `newest`. Lets the watch go if it lags, and watches from
    /// `start` on.
    pub(super) fn let_lagging_watch_go(
        &mut self,
        id: KeyId,
        read: ReadId,
        newest: i64,
        start: i64,
    ) {
        let queued = QUEUED.saturating_add(self.keys_of_range(id).unwrap_or(0) / 100);
        let State::Connected(connected) = &mut self.state else { return };
        // A read that was sent before the sign may be older than it.
        if connected.suspects.get(&id).is_none_or(|first| *first > read) {
            return;
        }
        connected.suspects.remove(&id);
        let progress = connected.progress(id);
        let lags = progress.watched_to != NOW
            && newest.saturating_sub(progress.watched_to) >= queued
            && matches!(progress.state, KeyState::Watched(_));
        if let Some(watch_id) = lags.then(|| connected.unwatch(id)).flatten() {
            self.actions.push_back(Action::Send(WatchRequest::Cancel { watch_id }));
            self.watch(id, start);
        }
    }

    /// A watch was created at a revision. If it starts from now on, reads what was written since the read.
    pub(super) fn watch_starts(&mut self, id: KeyId, revision: i64) {
        let State::Connected(connected) = &mut self.state else { return };
        let progress = connected.progress(id);
        if progress.watched_to == NOW {
            progress.watched_to = revision;
            if progress.known_to != revision {
                connected.queue(id);
            }
        }
    }
}
