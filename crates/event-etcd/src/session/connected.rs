//! All that belongs to a connection. Dropping it forgets it all.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::time::{Duration, Instant};

use event_core::CauseKind;
use event_core::upstream::{KeyId, Slots};

use super::audit::Audit;
use super::history_check::HistoryCheck;
use super::lag::Burst;
use super::proof::Proof;
use super::range_read::RangeRead;
use super::range_watches::Held;
use super::stream::{Chatter, Stream};
use super::subscription::Subscription;
use super::traffic::Traffic;
use super::watch_ids::{Create, WatchIds};
use super::{ReadId, Ticket};
use crate::seam::{Event, Failure};

/// When keys that were refused are asked for again: after this, and once more this for each
/// [`REFUSED`] of them, so that many don't load the cluster.
const RETRY: Duration = Duration::from_millis(500);
const REFUSED: usize = 32;
/// A value that is too large is transferred each time. So the wait for it doubles, up to this.
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// How long reads wait when the server is overloaded: twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Connected {
    /// By when the first response has to come, until it comes.
    pub(super) first_response_by: Option<Instant>,
    pub(super) stream: Stream,
    /// How far each key is, by its slot.
    progress: Vec<Progress>,
    /// The slots of the keys to read. One whose key is gone is skipped.
    to_read: VecDeque<u32>,
    /// Batches that were refused as a whole, halved.
    pub(super) to_read_apart: Vec<Vec<KeyId>>,
    pub(super) reads: BTreeMap<ReadId, Read>,
    /// The slots of the ranges to read.
    ranges_to_read: VecDeque<u32>,
    pub(super) range_reads: BTreeMap<ReadId, RangeRead>,
    /// What is held back of the revision that the watch of a range is sending.
    pub(super) held: BTreeMap<KeyId, Held>,
    /// The keys that were read and are not asked to be watched yet. One that left or was read anew is
    /// skipped.
    pub(super) to_watch: VecDeque<KeyId>,
    pub(super) watch_ids: WatchIds,
    /// By when the next watch has to be created.
    pub(super) created_by: Option<Instant>,
    /// How many keys are watched.
    pub(super) watched: usize,
    pub(super) proof: Proof,
    pub(super) audit: Audit,
    pub(super) traffic: Traffic,
    /// When the list of members is to be read, if it is followed.
    pub(super) list_members_at: Option<Instant>,
    /// How many responses without a use came of late.
    pub(super) chatter: Chatter,
    /// The server had too many requests, and answered none since.
    pub(super) overload: Option<Overload>,
    /// How many keys the server reads at once: kine reads one (C10).
    pub(super) most_keys: usize,
    /// How many responses came since the stream was silent (E9).
    pub(super) burst: Burst,
    /// The keys whose watch may lag, each with the first read that can prove it (E9).
    pub(super) suspects: BTreeMap<KeyId, ReadId>,
    /// The last event of a response of which more follows, and its watch.
    pub(super) fragment: Option<(i64, Event)>,
    pub(super) refused: BTreeMap<KeyId, Refusal>,
    /// When the next of them are asked for again.
    pub(super) retry_at: Option<Instant>,
    /// The version that shows whether the history is still the same, until it did.
    pub(super) history_check: Option<HistoryCheck>,
    /// How many of the first keys are neither watched nor refused yet.
    unsettled: usize,
    /// All first keys are settled.
    pub(super) is_live: bool,
}

/// A key that can't be served for now.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) failure: Failure,
    wait: Duration,
    retry_at: Instant,
}

#[derive(Debug)]
pub(super) struct Overload {
    pub(super) since: Instant,
    /// The longest wait this time.
    wait: Duration,
    /// `None`: reads go on, and the next answer shows whether it is over.
    pub(super) until: Option<Instant>,
}

/// How far a key is on this connection.
#[expect(clippy::struct_excessive_bools, reason = "they are independent, and a byte each")]
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) state: KeyState,
    /// The revision up to which what was published is right; 0 if that is not known.
    pub(super) known_to: i64,
    /// Its slot is among those to read.
    is_queued: bool,
    /// The revision up to which its watch has sent its changes. [`NOW`](super::lag::NOW) until the watch is created, if it was
    /// asked for from now on.
    pub(super) watched_to: i64,
    /// Its watch was refused on this stream. If it can be read all the same, then the stream's
    /// credentials are out of date (E4).
    pub(super) is_watch_refused: bool,
    /// It is one of the first keys, and is neither watched nor refused yet.
    is_unsettled: bool,
    /// The server ended a watch of it, for a reason of its own, and none of it has sent a change since.
    pub(super) was_canceled: bool,
    /// A watch of it was canceled for a compaction, and none has sent a change since. The next one starts from
    /// now on.
    pub(super) was_compacted: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum KeyState {
    #[default]
    Unread,
    Reading(ReadId),
    /// It was read, and waits for its watch to be asked for.
    ToWatch,
    Creating(Create),
    Watched(i64),
}

#[derive(Debug)]
pub(super) struct Read {
    pub(super) keys: Vec<KeyId>,
    /// The refreshes that it completes.
    pub(super) refreshes: Vec<(KeyId, Ticket)>,
    pub(super) deadline: Instant,
    pub(super) timeout: Duration,
    /// The highest revision seen when it was sent: a response below it is of another history.
    pub(super) floor: i64,
}

impl Connected {
    /// All keys are to be read.
    pub(super) fn new(
        first_response_by: Instant,
        keys: &Slots<Subscription>,
        now: Instant,
    ) -> Self {
        let mut connected = Self {
            first_response_by: Some(first_response_by),
            stream: Stream::None,
            progress: Vec::new(),
            to_read: VecDeque::new(),
            to_read_apart: Vec::new(),
            reads: BTreeMap::new(),
            ranges_to_read: VecDeque::new(),
            range_reads: BTreeMap::new(),
            held: BTreeMap::new(),
            to_watch: VecDeque::new(),
            watch_ids: WatchIds::default(),
            created_by: None,
            watched: 0,
            proof: Proof::new(now),
            audit: Audit::new(),
            traffic: Traffic::new(now),
            list_members_at: None,
            chatter: Chatter::new(now),
            overload: None,
            most_keys: usize::MAX,
            burst: Burst::default(),
            suspects: BTreeMap::new(),
            fragment: None,
            refused: BTreeMap::new(),
            retry_at: None,
            history_check: None,
            unsettled: 0,
            is_live: false,
        };
        for (id, _) in keys.iter() {
            connected.queue(id);
            connected.progress(id).is_unsettled = true;
            connected.unsettled += 1;
        }
        connected
    }

    pub(super) fn progress(&mut self, id: KeyId) -> &mut Progress {
        let slot = id.slot as usize;
        if self.progress.len() <= slot {
            self.progress.resize_with(slot + 1, Progress::default);
        }
        &mut self.progress[slot]
    }

    pub(super) fn known_to(&self, id: KeyId) -> i64 {
        self.progress.get(id.slot as usize).map_or(0, |progress| progress.known_to)
    }

    /// The watch of a key or a range, if it has one.
    pub(super) fn watch_of(&self, id: KeyId) -> Option<i64> {
        match self.progress.get(id.slot as usize)?.state {
            KeyState::Watched(watch_id) => Some(watch_id),
            _ => None,
        }
    }

    /// Whether something was read or heard on this connection.
    pub(super) fn knows_anything(&self) -> bool {
        self.progress.iter().any(|progress| progress.known_to > 0)
            || self.range_reads.values().any(|read| read.revision > 0)
    }

    /// Puts a key or a range in the line to be read, once.
    pub(super) fn queue(&mut self, id: KeyId) {
        if !mem::replace(&mut self.progress(id).is_queued, true) {
            self.to_read.push_back(id.slot);
        }
    }

    /// The next keys to read, at most `most`. Ranges get a line of their own.
    pub(super) fn next_batch(&mut self, most: usize, keys: &Slots<Subscription>) -> Vec<KeyId> {
        if let Some(mut batch) = self.to_read_apart.pop() {
            batch.retain(|id| keys.get(*id).is_some());
            return batch;
        }
        let mut batch = Vec::new();
        while batch.len() < most
            && let Some(slot) = self.to_read.pop_front()
        {
            let id = keys.id_at(slot);
            if id.is_some_and(|id| is_range(id, keys)) {
                self.ranges_to_read.push_back(slot);
            } else {
                self.progress[slot as usize].is_queued = false;
                batch.extend(id);
            }
        }
        if self.to_read.is_empty() {
            self.to_read = VecDeque::new(); // at the start it has all keys
        }
        batch
    }

    /// The next range to read: one read of a range at a time.
    pub(super) fn next_range(&mut self, keys: &Slots<Subscription>) -> Option<KeyId> {
        loop {
            let reads = &self.range_reads;
            let is_read = |slot: &u32| {
                let id = keys.id_at(*slot);
                id.is_some_and(|id| reads.values().any(|read| read.range == id))
            };
            let next = self.ranges_to_read.iter().position(|slot| !is_read(slot))?;
            let slot = self.ranges_to_read.remove(next)?;
            self.progress[slot as usize].is_queued = false;
            match keys.id_at(slot) {
                Some(id) if is_range(id, keys) => return Some(id),
                // The range is gone, and a key has its slot.
                Some(id) => self.queue(id),
                None => {}
            }
        }
    }

    pub(super) fn has_more_to_read(&self) -> bool {
        !self.to_read.is_empty() || !self.to_read_apart.is_empty()
    }

    /// The slot of the key that has this watch.
    pub(super) fn slot_of_watch(&self, watch_id: i64) -> Option<u32> {
        self.watch_ids.find(watch_id, &self.progress)
    }

    /// The key's watch was created.
    pub(super) fn watch_created(&mut self, id: KeyId, watch_id: i64) {
        self.progress(id).state = KeyState::Watched(watch_id);
        self.watch_ids.insert(watch_id, id.slot, &self.progress);
        self.watched += 1;
        self.settle(id);
    }

    /// The key is not watched any more. Says which watch is to be canceled. One that is not created yet is
    /// canceled when it is.
    pub(super) fn unwatch(&mut self, id: KeyId) -> Option<i64> {
        self.held.remove(&id);
        let KeyState::Watched(watch_id) = self.progress(id).state else {
            self.progress(id).state = KeyState::Unread;
            return None;
        };
        self.watch_ids.remove(watch_id, id.slot);
        self.progress(id).state = KeyState::Unread;
        self.watched -= 1;
        Some(watch_id)
    }

    /// Whether the member answered a read since the stream was asked for a sign of life.
    pub(super) fn answers_reads(&self) -> bool {
        matches!(self.stream, Stream::Open { asked: Some(asked), .. } if self.proof.at >= asked.since)
    }

    /// Whether there is something that the stream has to answer for.
    pub(super) fn is_watching(&self) -> bool {
        self.watched > 0 || self.watch_ids.is_creating()
    }

    /// A key is watched, or refused, or it left.
    fn settle(&mut self, id: KeyId) {
        if mem::take(&mut self.progress(id).is_unsettled) {
            self.unsettled -= 1;
        }
    }

    /// Whether each of the first keys is watched or refused. Without a stream, at least one is refused: then
    /// the member answers, and no key is left to watch.
    pub(super) fn is_settled(&self) -> bool {
        let is_answered = match self.stream {
            Stream::None => !self.refused.is_empty(),
            Stream::Opening { .. } => false,
            Stream::Open { .. } => true,
        };
        self.unsettled == 0 && is_answered
    }

    /// The next keys after a slot that were read, in a circle, and each at most once. If none was, a key that is
    /// refused: the member has to answer for it as well.
    pub(super) fn to_probe_after(
        &self,
        slot: u32,
        most: usize,
        keys: &Slots<Subscription>,
    ) -> Vec<KeyId> {
        let middle = self.progress.len().min(slot as usize + 1);
        let slots = (middle..self.progress.len()).chain(0..middle);
        let was_read = |at: &usize| {
            !matches!(self.progress[*at].state, KeyState::Unread | KeyState::Reading(_))
        };
        let ids = slots.filter(was_read).filter_map(|at| keys.id_at(u32::try_from(at).ok()?));
        let ids: Vec<KeyId> = ids.take(most).collect();
        if ids.is_empty() { self.refused.keys().take(1).copied().collect() } else { ids }
    }

    /// A key that is watched, or a range.
    pub(super) fn any_watched(&self, is_range: bool, keys: &Slots<Subscription>) -> Option<KeyId> {
        let slots = (0..).zip(&self.progress);
        let watched = slots.filter(|(_, it)| matches!(it.state, KeyState::Watched(_)));
        let mut ids = watched.filter_map(|(slot, _)| keys.id_at(slot));
        ids.find(|id| self::is_range(*id, keys) == is_range)
    }

    /// Whether a key is watched, or soon will be, or is refused: then the member has to prove itself.
    pub(super) fn has_to_prove(&self) -> bool {
        self.is_watching() || !self.to_watch.is_empty() || !self.refused.is_empty()
    }

    /// A probe shows that a key is to be read. One that is refused is asked for again anyway.
    pub(super) fn queue_unless_refused(&mut self, id: KeyId) {
        if !self.refused.contains_key(&id) {
            self.queue(id);
        }
    }

    /// The server takes no reads for now. Says how long to wait: `random` is between 0 and 1.
    pub(super) fn overloaded(&mut self, random: f64, now: Instant) {
        let wait =
            self.overload.as_ref().map_or(FIRST_PAUSE, |it| (it.wait * 2).min(LONGEST_PAUSE));
        let until = Some(now + wait.mul_f64(0.5 + random / 2.0));
        let since = self.overload.as_ref().map_or(now, |it| it.since);
        self.overload = Some(Overload { since, wait, until });
    }

    /// Reads go on.
    pub(super) fn resume(&mut self) {
        if let Some(overload) = &mut self.overload {
            overload.until = None;
        }
    }

    /// Whether reads are to wait, as the server is overloaded.
    pub(super) fn is_paused(&self, now: Instant) -> bool {
        let until = self.overload.as_ref().and_then(|overload| overload.until);
        until.is_some_and(|until| now < until)
    }

    /// Forgets a key that the program unsubscribes from. Says which watch it had.
    pub(super) fn forget(&mut self, id: KeyId) -> Option<i64> {
        self.refused.remove(&id);
        self.suspects.remove(&id);
        // A page that is under way counts until it is answered: there may be a bounded number.
        self.range_reads.retain(|_, read| read.range != id || read.is_sent);
        let watch_id = self.unwatch(id);
        self.settle(id);
        let progress = self.progress(id);
        // Its slot stays in the line, and is skipped there: to take it out would search the line.
        *progress = Progress { is_queued: progress.is_queued, ..Progress::default() };
        watch_id
    }

    /// A key can't be served for now. Its neighbours are not concerned.
    pub(super) fn refuse(&mut self, id: KeyId, failure: Failure, now: Instant) {
        self.settle(id);
        self.suspects.remove(&id);
        self.progress(id).is_watch_refused = false; // this is why
        let more = u32::try_from(self.refused.len() / REFUSED).unwrap_or(u32::MAX);
        let least = RETRY.saturating_mul(more.saturating_add(1));
        let (wait, retry_at) = match self.refused.get(&id) {
            // A read that the program asked for does not make the wait longer.
            Some(refusal) if refusal.retry_at > now => (refusal.wait, refusal.retry_at),
            Some(refusal) if failure.kind == CauseKind::TooLarge => {
                let wait = (refusal.wait * 2).clamp(least, LONGEST_RETRY.max(least));
                (wait, now + wait)
            }
            _ => (least, now + least),
        };
        self.refused.insert(id, Refusal { failure, wait, retry_at });
        self.retry_at = Some(self.retry_at.map_or(retry_at, |earlier| earlier.min(retry_at)));
    }

    /// Asks for the refused keys again whose time has come.
    pub(super) fn retry(&mut self, now: Instant) {
        let due: Vec<KeyId> =
            self.refused.iter().filter(|(_, it)| it.retry_at <= now).map(|(id, _)| *id).collect();
        let later = self.refused.values().map(|it| it.retry_at).filter(|at| *at > now);
        self.retry_at = later.min();
        for id in due {
            self.queue(id);
        }
    }
}

fn is_range(id: KeyId, keys: &Slots<Subscription>) -> bool {
    keys.get(id).is_some_and(|one| one.range().is_some())
}
