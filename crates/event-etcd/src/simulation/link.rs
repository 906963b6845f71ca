//! The client's connection to a member, and what is under way on it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use event_core::Bytes;

use crate::seam::{Failure, PageRequest, PageResponse, ReadResponse, WatchRequest, WatchResponse};
use crate::session::{PublishedVersion, ReadId, Timeouts};
use crate::simulation::history::{History, KEYS, SUBJECTS, subject_of};
use crate::simulation::stream::{Sent, Stream};

#[expect(clippy::struct_excessive_bools, reason = "they are independent")]
#[derive(Debug)]
pub(super) struct Link {
    pub(super) member: usize,
    /// The history that its member serves. A member that gets another one ends its connections.
    pub(super) generation: usize,
    /// How many history resets the client had counted before it.
    pub(super) history_resets: u64,
    /// The token that the client has.
    pub(super) token: u64,
    timeouts: Timeouts,
    begun: Instant,
    pub(super) connected: bool,
    /// The client got an answer on it.
    pub(super) proven: bool,
    pub(super) calls: Vec<Call>,
    /// Which ranges are read.
    pub(super) ranges: BTreeMap<ReadId, usize>,
    /// Which of them are audited.
    pub(super) audits: BTreeSet<ReadId>,
    pub(super) stream: Option<Stream>,
    /// Nothing comes through, in either direction.
    pub(super) silent: bool,
    /// Why it ended, which the client does not know yet.
    pub(super) end: Option<Failure>,
    /// When its member ends it for having no leader (C5).
    pub(super) ends_at: Option<Instant>,
    /// The store's revision when a subject was asked for first.
    pub(super) floors: [Option<i64>; SUBJECTS],
    /// The subjects whose watches were refused since they were read.
    pub(super) refused: [bool; SUBJECTS],
    /// The ranges of which the server lost an event.
    pub(super) lost: [bool; SUBJECTS],
    /// When an audit found first that a watch has to send something.
    owed_since: Option<Instant>,
    /// When a sign of life was asked for that did not come yet.
    pub(super) asked: Option<Instant>,
    /// Since when the client has watches and receives nothing.
    pub(super) quiet_since: Option<Instant>,
    /// The watches that the client asked for and did not end, by the numbers of their creates.
    watches: BTreeMap<u64, Asked>,
    creates: u64,
    /// By when the client wants the next one to be created.
    created_by: Option<Instant>,
    /// When a question for a sign of life was not answered at first. The client does not ask any more.
    pub(super) doubted_at: Option<Instant>,
    /// Since when its member is stalled.
    pub(super) stalled_since: Option<Instant>,
    /// Since when its member has too many requests.
    pub(super) overloaded_since: Option<Instant>,
    /// The client has to find out on it whether the history is still the same, and did not ask yet (E5).
    pub(super) owes_history_check: bool,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) what: What,
    /// When the client may take it that no answer comes, if it waits for one.
    due: Option<Instant>,
}

#[derive(Debug)]
pub(super) enum What {
    Connect,
    /// With the answer that is on its way.
    Read(ReadId, Vec<Bytes>, Option<Result<ReadResponse, Failure>>),
    /// Of this subject.
    ReadPage(ReadId, usize, PageRequest, Option<Result<PageResponse, Failure>>),
    Probe(Vec<Bytes>, Option<Result<ReadResponse, Failure>>),
    /// With the answer that is on its way.
    CheckHistory(PublishedVersion, Option<Result<ReadResponse, Failure>>),
    Open,
}

#[derive(Debug)]
struct Asked {
    subject: usize,
    /// Its id, if the client knows it.
    id: Option<i64>,
    /// The client knows that it was canceled for a compaction, and has to cancel it too (E7).
    compacted: bool,
}

impl Link {
    pub(super) fn new(
        member: usize,
        generation: usize,
        history_resets: u64,
        token: u64,
        timeouts: Timeouts,
        now: Instant,
    ) -> Self {
        Self {
            member,
            generation,
            history_resets,
            token,
            begun: now,
            connected: false,
            proven: false,
            calls: vec![Call { what: What::Connect, due: Some(now + timeouts.connect) }],
            timeouts,
            ranges: BTreeMap::new(),
            audits: BTreeSet::new(),
            stream: None,
            silent: false,
            end: None,
            ends_at: None,
            floors: [None; SUBJECTS],
            refused: [false; SUBJECTS],
            lost: [false; SUBJECTS],
            owed_since: None,
            asked: None,
            quiet_since: None,
            watches: BTreeMap::new(),
            creates: 0,
            created_by: None,
            doubted_at: None,
            stalled_since: None,
            overloaded_since: None,
            owes_history_check: false,
        }
    }

    /// An audit was answered. Whether a watch has owed something since an earlier one, for as long as any answer may
    /// take.
    pub(super) fn was_owed_long(&mut self, history: &History, now: Instant) -> bool {
        let owes = self.stream.iter().any(|stream| stream.owes(history));
        let since = self.owed_since.take().filter(|_| owes).unwrap_or(now);
        self.owed_since = owes.then_some(since);
        owes && now >= since + self.timeouts.liveness * 3 / 5
    }

    pub(super) fn reads(&self) -> usize {
        self.calls.iter().filter(|call| matches!(call.what, What::Read(..))).count()
    }

    pub(super) fn pages(&self) -> usize {
        self.calls.iter().filter(|call| matches!(call.what, What::ReadPage(..))).count()
    }

    /// The client opens the stream.
    pub(super) fn open(
        &mut self,
        first: WatchRequest,
        is_kine: bool,
        now: Instant,
    ) -> Result<(), String> {
        if !self.connected || self.stream.is_some() {
            return Err("a stream is opened without a link, or twice".to_owned());
        }
        self.book(&first, now)?;
        self.stream = Some(Stream::new(self.token, first, is_kine));
        self.call(What::Open, now);
        Ok(())
    }

    /// The client sends a request.
    pub(super) fn send(&mut self, request: WatchRequest, now: Instant) -> Result<(), String> {
        self.book(&request, now)?;
        let Some(stream) = &mut self.stream else {
            return Err("a request is sent without a stream".to_owned());
        };
        stream.requests.push_back(request);
        Ok(())
    }

    /// Whether something is not answered within its timeout.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        let asked = self.asked.map(|since| since + self.timeouts.liveness * 3 / 5);
        let calls = self.calls.iter().filter_map(|call| call.due);
        let overloaded = self.overloaded_since.map(|since| since + 4 * self.timeouts.liveness);
        calls.chain(asked).chain(self.created_by).chain(overloaded).any(|due| due <= now)
    }

    /// A read, a page or a probe was answered so.
    pub(super) fn answered(&mut self, failure: Option<&Failure>, now: Instant) {
        if failure.is_some_and(Failure::is_overload) {
            self.overloaded_since.get_or_insert(now);
        } else {
            self.overloaded_since = None;
        }
    }

    pub(super) fn call(&mut self, what: What, now: Instant) {
        let answer = now + self.timeouts.liveness * 3 / 5;
        let first = self.begun + self.timeouts.connect;
        let due = match what {
            What::CheckHistory(..) => None,
            _ if self.proven => Some(answer),
            _ => Some(answer.max(first)),
        };
        self.calls.push(Call { what, due });
    }

    fn book(&mut self, request: &WatchRequest, now: Instant) -> Result<(), String> {
        match request {
            WatchRequest::Create { keys, start_revision } => {
                let subject = subject_of(keys).ok_or("a watch of keys of nobody")?;
                let is_watched = |asked: &Asked| {
                    asked.subject == subject && asked.id.is_some() && !asked.compacted
                };
                // A second watch of a range, from now on, shows that the stream lives.
                let proves = subject >= KEYS && *start_revision == 0;
                if self.watches.values().any(is_watched) != proves {
                    return Err("a second watch of a key, or none of a range".to_owned());
                }
                self.quiet_since.get_or_insert(now);
                self.doubted_at = self.doubted_at.or(self.asked.map(|_| now));
                let answer = self.timeouts.liveness * 3 / 5;
                self.created_by.get_or_insert(now + answer);
                self.watches.insert(self.creates, Asked { subject, id: None, compacted: false });
                self.creates += 1;
            }
            WatchRequest::Cancel { watch_id } => {
                let asked = self.watches.iter().find(|(_, asked)| asked.id == Some(*watch_id));
                let create = *asked.ok_or("a watch is canceled that is not there")?.0;
                self.watches.remove(&create);
                self.reconsider_quiet();
            }
            WatchRequest::Progress => {
                if self.asked.replace(now).is_some() {
                    return Err("a sign of life is asked for twice".to_owned());
                }
            }
        }
        Ok(())
    }

    /// Whether the client has this watch, and did not end it.
    pub(super) fn watches(&self, create: Option<u64>) -> bool {
        create.is_some_and(|create| self.watches.contains_key(&create))
    }

    /// The client receives a response.
    pub(super) fn receive(&mut self, sent: &Sent, now: Instant) {
        self.asked = None;
        self.proven = true;
        let (response, Some(create)) = sent else {
            self.quiet_since = self.quiet_since.map(|_| now);
            return;
        };
        match response {
            WatchResponse::Created { watch_id, .. } => {
                self.watches.entry(*create).and_modify(|asked| asked.id = Some(*watch_id));
            }
            WatchResponse::Compacted { .. } => {
                self.watches.entry(*create).and_modify(|asked| asked.compacted = true);
            }
            WatchResponse::Refused | WatchResponse::Canceled { .. } => {
                if let Some(asked) = self.watches.remove(create) {
                    self.refused[asked.subject] |= *response == WatchResponse::Refused;
                }
            }
            _ => {}
        }
        if matches!(response, WatchResponse::Created { .. } | WatchResponse::Refused) {
            let waits = self.watches.values().any(|asked| asked.id.is_none());
            self.created_by = waits.then(|| now + self.timeouts.liveness * 3 / 5);
        }
        self.quiet_since = self.quiet_since.map(|_| now);
        self.reconsider_quiet();
    }

    fn reconsider_quiet(&mut self) {
        if self.watches.values().all(|asked| asked.compacted) {
            self.quiet_since = None;
        }
    }
}
