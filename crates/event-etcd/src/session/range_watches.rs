//! What the watch of a range sends.
//!
//! A revision is published as a whole. A response has whole revisions, unless it is a fragment: then its last revision
//! goes on in the next one, and is held back until it is complete.

use std::collections::HashSet;
use std::time::Instant;

use event_core::upstream::KeyId;
use event_core::{Bytes, KeyRange};

use super::watches::CONTRADICTION;
use super::{Action, Session, State};
use crate::seam::{Event, Events, WatchRequest};

/// How many bytes are held back of an incomplete revision. Of a larger one, such as the end of a lease with a million
/// keys, the rest is not waited for: a read has all of it.
const HELD: usize = 64 << 20;

/// The events of a revision that is not complete.
#[derive(Debug)]
pub(super) struct Held {
    /// All of one revision, in order. None, if a read was quicker.
    events: Vec<Event>,
    bytes: usize,
    revision: i64,
}

impl Held {
    /// Whether this is the revision of which a part is held back.
    pub(super) fn is_of(&self, revision: i64) -> bool {
        self.revision == revision && !self.events.is_empty()
    }
}

/// A watch can't leave the values out. Those of a range of the keys only are dropped as they come.
fn without_values(range: &KeyRange, mut events: Events) -> Events {
    if range.is_keys_only() {
        let values = events.iter_mut().filter_map(|event| event.value.as_mut());
        values.for_each(|value| *value = Bytes::new());
    }
    events
}

fn size(event: &Event) -> usize {
    size_of::<Event>() + event.key.len() + event.value.as_ref().map_or(0, Bytes::len)
}

impl Session {
    pub(super) fn range_changed(
        &mut self,
        id: KeyId,
        watch_id: i64,
        revision: i64,
        events: Events,
        is_fragment: bool,
        now: Instant,
    ) {
        let State::Connected(connected) = &mut self.state else { return };
        let range = self.keys.get_mut(id).and_then(|one| one.range_mut());
        let Some(range) = range else { return };
        let held = connected.held.remove(&id);
        let (watched_to, known_to) = {
            let progress = connected.progress(id);
            (progress.watched_to, progress.known_to)
        };
        let held_revision = held.as_ref().map(|held| held.revision);
        let mut last = held_revision.unwrap_or(watched_to);
        let mut is_next = |event: &Event| {
            let in_order = (last.max(1)..=revision).contains(&event.mod_revision);
            last = event.mod_revision;
            in_order && range.may_have(&event.key) && event.is_possible()
        };
        if !events.iter().all(&mut is_next) {
            let message = "a watch sent a key that is not in its range, or revisions that can't be";
            return self.violation(message, now);
        }
        if events.is_empty() && held.is_none() {
            return;
        }
        let (mut complete, held_bytes) =
            held.map_or_else(Default::default, |it| (it.events, it.bytes));
        let events = without_values(range.keys(), events);
        // Replayed: a read was quicker, and has all of it.
        let is_old = |event: &Event| event.mod_revision <= known_to;
        // At the revision up to which the range is known, its keys are what the last event of each left. More of a
        // fragment may follow.
        let is_whole = !is_fragment && held_revision.is_none();
        let mut later = HashSet::new();
        let mut old = events.iter().rev().filter(|event| is_old(event));
        let contradicts = |event| {
            let Event { key, mod_revision, value, .. }: &Event = event;
            let is_last = is_whole && *mod_revision == known_to && later.insert(key);
            let is_there = is_last && value.is_some() && range.keys().contains(key);
            range.contradicts(event) || (is_there && range.revision_of(key).is_none())
        };
        if old.any(contradicts) {
            return self.violation(CONTRADICTION, now);
        }
        let new = events.into_iter().filter(|event| !is_old(event));
        let new: Vec<Event> = new.filter(|event| range.keys().contains(&event.key)).collect();
        let added: usize = new.iter().map(size).sum();
        complete.extend(new);
        complete.retain(|event| !is_old(event)); // a read may have come since it was held
        let complete_to = if is_fragment { last.saturating_sub(1) } else { last };
        let rest = complete.partition_point(|event| event.mod_revision <= complete_to);
        let rest = complete.split_off(rest);
        let bytes =
            if complete.is_empty() { held_bytes + added } else { rest.iter().map(size).sum() };

        connected.proof.watch_sent(watch_id, complete_to);
        let progress = connected.progress(id);
        progress.watched_to = progress.watched_to.max(complete_to);
        progress.known_to = progress.known_to.max(complete_to);
        if !is_fragment {
            // The watch works: what ended an earlier one is over.
            (progress.was_canceled, progress.was_compacted) = (false, false);
        }
        let is_incomplete = is_fragment && !rest.is_empty();
        if is_fragment {
            connected.held.insert(id, Held { events: rest, bytes, revision: last });
        }
        if let Some(read) = connected.range_reads.values_mut().find(|read| read.range == id) {
            let puts = complete.iter().filter(|event| event.value.is_some());
            puts.for_each(|event| read.was_put(&event.key));
        }
        connected.audit.watch_sent(id, &complete);
        let step = range.changed(complete);
        let at = connected.progress(id).watched_to;
        self.history.highest = self.history.highest.max(complete_to);
        if !step.is_empty() {
            self.actions.push_back(Action::PublishStep(id, step, range.is_synced()));
        }
        self.suspect_lag(id, watch_id, revision, at);
        if is_incomplete {
            self.expect_of_watch(id, last, now); // the rest of it
        }
        if bytes > HELD {
            self.read_instead(id);
        }
    }

    /// A revision is too large to be held back: the range is read, and watched anew.
    fn read_instead(&mut self, id: KeyId) {
        let State::Connected(connected) = &mut self.state else { return };
        if let Some(watch_id) = connected.unwatch(id) {
            self.actions.push_back(Action::Send(WatchRequest::Cancel { watch_id }));
            connected.queue(id);
        }
    }
}
