//! All that belongs to a connection. Dropping it forgets it all.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::time::{Duration, Instant};

use event_core::Entry;

use super::lag::{Burst, Standing};
use super::{Key, ReadId, Ticket};
use crate::seam::{Event, Failure};
use crate::slots::{KeyId, Slots};

/// When keys that were refused are asked for again: after this, and once more this for each
/// [`REFUSED`] of them, so that many don't load the cluster.
const RETRY: Duration = Duration::from_millis(500);
const REFUSED: usize = 32;

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
    /// The ids of the watches asked for, in the order of the requests, which is that of their responses (E3).
    pub(super) creating: VecDeque<i64>,
    /// How many keys are watched.
    pub(super) watched: usize,
    /// How many responses came since the stream was silent (E9).
    pub(super) burst: Burst,
    /// The last event of a response of which more follows, and its watch.
    pub(super) fragment: Option<(i64, Event)>,
    /// The keys that are refused, each with the reason.
    pub(super) refused: BTreeMap<KeyId, Failure>,
    /// When they are asked for again.
    pub(super) retry_at: Option<Instant>,
    /// The version that the store was asked for, until it answers.
    pub(super) history_check: Option<Entry>,
    /// All that was to be read at the start is read, and the stream is open.
    pub(super) is_live: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    /// No key was read yet, so there is nothing to watch.
    None,
    Opening {
        deadline: Instant,
    },
    Open {
        /// When the stream last said something: the response to a read does not prove that it lives.
        last_response: Instant,
        /// Since when a sign of life is waited for.
        asked: Option<Instant>,
    },
}

/// How far a key is on this connection.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) state: KeyState,
    /// The revision up to which what was published is right; 0 if that is not known.
    pub(super) known_to: i64,
    /// Its slot is among those to read.
    is_queued: bool,
    /// Where its watch stands (E9).
    pub(super) standing: Standing,
    /// Its watch was refused on this stream. If it can be read all the same, then the stream's
    /// credentials are out of date (E4).
    pub(super) is_watch_refused: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum KeyState {
    #[default]
    Unread,
    Reading(ReadId),
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
    pub(super) fn new(first_response_by: Instant, keys: &Slots<Key>) -> Self {
        let mut connected = Self {
            first_response_by: Some(first_response_by),
            stream: Stream::None,
            progress: Vec::new(),
            to_read: VecDeque::new(),
            to_read_apart: Vec::new(),
            reads: BTreeMap::new(),
            creating: VecDeque::new(),
            watched: 0,
            burst: Burst::default(),
            fragment: None,
            refused: BTreeMap::new(),
            retry_at: None,
            history_check: None,
            is_live: false,
        };
        keys.iter().for_each(|(id, _)| connected.queue(id));
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

    /// Whether something was read or heard on this connection.
    pub(super) fn knows_anything(&self) -> bool {
        self.progress.iter().any(|progress| progress.known_to > 0)
    }

    /// Puts a key in the line to be read, once.
    pub(super) fn queue(&mut self, id: KeyId) {
        if !mem::replace(&mut self.progress(id).is_queued, true) {
            self.to_read.push_back(id.slot);
        }
    }

    /// The next keys to read, at most `most`.
    pub(super) fn next_batch(&mut self, most: usize, keys: &Slots<Key>) -> Vec<KeyId> {
        if let Some(mut batch) = self.to_read_apart.pop() {
            batch.retain(|id| keys.get(*id).is_some());
            return batch;
        }
        let mut batch = Vec::new();
        while batch.len() < most
            && let Some(slot) = self.to_read.pop_front()
        {
            self.progress[slot as usize].is_queued = false;
            batch.extend(keys.id_at(slot));
        }
        if self.to_read.is_empty() {
            self.to_read = VecDeque::new(); // at the start it has all keys
        }
        batch
    }

    pub(super) fn has_more_to_read(&self) -> bool {
        !self.to_read.is_empty() || !self.to_read_apart.is_empty()
    }

    /// The key is not watched any more. Says which watch it had.
    pub(super) fn unwatch(&mut self, id: KeyId) -> Option<i64> {
        let KeyState::Watched(watch_id) = mem::take(&mut self.progress(id).state) else {
            return None;
        };
        self.watched -= 1;
        Some(watch_id)
    }

    /// Forgets a key that the program unsubscribes from. Says which watch it had.
    pub(super) fn forget(&mut self, id: KeyId) -> Option<i64> {
        self.refused.remove(&id);
        let watch_id = self.unwatch(id);
        let progress = self.progress(id);
        // Its slot stays in the line, and is skipped there: to take it out would search the line.
        *progress = Progress { is_queued: progress.is_queued, ..Progress::default() };
        watch_id
    }

    /// A key can't be served for now. Its neighbours are not concerned.
    pub(super) fn refuse(&mut self, id: KeyId, failure: Failure, now: Instant) {
        let progress = self.progress(id);
        progress.standing.reset();
        progress.is_watch_refused = false; // this is why
        self.refused.insert(id, failure);
        let more = u32::try_from(self.refused.len() / REFUSED).unwrap_or(u32::MAX);
        // Never put off: a key that is refused again and again would hold up the others.
        self.retry_at.get_or_insert(now + RETRY.saturating_mul(more.saturating_add(1)));
    }

    /// Asks for all refused keys again.
    pub(super) fn retry(&mut self) {
        self.retry_at = None;
        for id in self.refused.keys().copied().collect::<Vec<_>>() {
            self.queue(id);
        }
    }
}

impl Stream {
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// The stream said something. Returns how long it had been silent.
    pub(super) fn responded(&mut self, now: Instant) -> Duration {
        let Self::Open { last_response, .. } = *self else { return Duration::ZERO };
        *self = Self::Open { last_response: now, asked: None };
        now.saturating_duration_since(last_response)
    }

    /// The stream is asked for a sign of life.
    pub(super) fn ask(&mut self, now: Instant) {
        if let Self::Open { asked, .. } = self {
            *asked = Some(now);
        }
    }
}
