//! The audit of ranges: whether the watch of a range has sent all that it should.
//!
//! A server may lose an event of a watch without a word (E16). A probe finds that if it reads that very key. An audit
//! reads all keys of a range, without their values, and compares their revisions with what is known. Where they
//! differ, the watch may be about to send the change. So a difference is a *doubt*:
//!
//! - If the watch has passed the change, the change was lost.
//! - Otherwise the range is audited again after the time that a response may take. If the watch has sent nothing
//!   in between, the change was lost. If it has sent something, it lags, and the doubt goes on.
//!
//! A lost change ends the connection, as every contradiction does. The next connection reads the range, and publishes
//! what differs as one step.
//!
//! One range is audited at a time, so that the server never has two of these reads of a store.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use event_core::upstream::{KeyId, Slots};
use event_core::{Bytes, CauseKind, KeyName};

use super::connected::Connected;
use super::range::Range;
use super::range_reads::is_possible;
use super::subscription::Subscription;
use super::{Action, ReadId, Session, State};
use crate::seam::{Event, Failure, Page, PageRequest, PageResponse};

/// How many keys a page has at most: the server loads their values, too.
pub(crate) const PAGE: u32 = 16_000;
/// How many doubts are kept. One is enough.
const DOUBTS: usize = 1000;
/// How many deleted keys are kept while a range is audited. If there are more, the audit is inconclusive.
const DELETED: usize = 100_000;

#[derive(Debug)]
pub(super) struct Audit {
    /// When the next one begins. `None`: never, or one is under way.
    pub(super) at: Option<Instant>,
    /// The slot of the range that was audited last.
    last: u32,
    running: Option<Running>,
    /// What an audit could not explain.
    doubted: Option<Doubted>,
}

/// An audit that is under way.
#[derive(Debug)]
struct Running {
    id: ReadId,
    deadline: Instant,
    /// As that of a read.
    floor: i64,
    /// The revision of the pages; 0 before the first one.
    revision: i64,
    /// The first key of the next page.
    from: Bytes,
    /// The keys that the watch deleted since it began.
    deleted: BTreeSet<Bytes>,
    /// What the audit before could not explain.
    earlier: BTreeMap<Bytes, Doubt>,
    now: Doubted,
}

#[derive(Debug)]
struct Doubted {
    range: KeyId,
    watch_id: i64,
    doubts: BTreeMap<Bytes, Doubt>,
}

/// A key that is not as it is known.
#[derive(Debug, Clone, Copy)]
struct Doubt {
    /// Its revision. `None`: it is not there.
    found: Option<i64>,
    /// A watch that has passed this revision has sent it.
    by: i64,
    /// Where the watch stood.
    at: i64,
}

impl Audit {
    pub(super) fn new() -> Self {
        Self { at: None, last: u32::MAX, running: None, doubted: None }
    }

    pub(super) fn has(&self, id: ReadId) -> bool {
        self.running.as_ref().is_some_and(|running| running.id == id)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.running.as_ref().map(|running| running.deadline)
    }

    pub(super) fn put_off(&mut self, deadline: Instant) {
        self.running.iter_mut().for_each(|running| running.deadline = deadline);
    }

    /// The watch of a range sent these.
    pub(super) fn watch_sent(&mut self, range: KeyId, events: &[Event]) {
        let running = self.running.as_mut().filter(|running| running.now.range == range);
        if let Some(running) = running {
            let deleted = events.iter().filter(|event| event.value.is_none());
            running.deleted.extend(deleted.map(|event| event.key.clone()));
        }
    }

    /// What is known of a range is not only what its watch sent.
    pub(super) fn was_read(&mut self, range: KeyId) {
        self.doubted.take_if(|doubted| doubted.range == range);
        if let Some(running) = self.running.as_mut().filter(|running| running.now.range == range) {
            running.now.watch_id = NO_WATCH; // its pages are of no use
        }
    }

    /// What was found and what is known are of two histories.
    pub(super) fn history_was_reset(&mut self) {
        self.doubted = None;
        if let Some(running) = &mut self.running {
            (running.floor, running.revision, running.now.watch_id) = (0, 0, NO_WATCH);
        }
    }
}

/// No watch has this id.
const NO_WATCH: i64 = i64::MIN;

impl Session {
    /// How often each range is audited. `None`: never.
    pub(crate) fn with_audits(self, every: Option<Duration>) -> Self {
        Self { audit_every: every, ..self }
    }

    /// Plans the first audit on a connection at any time of the interval: stores that connected together are not to
    /// audit together.
    pub(super) fn plan_first_audit(&mut self, now: Instant) {
        if self.audit_every.is_some() {
            let part = self.endpoints.random();
            self.plan_audit(part, now);
        }
    }

    fn plan_next_audit(&mut self, now: Instant) {
        let part = 1.0 - self.endpoints.random() / 4.0;
        self.plan_audit(part, now);
    }

    fn plan_audit(&mut self, part: f64, now: Instant) {
        let ranges = self.keys.iter().filter(|(_, one)| one.range().is_some()).count();
        let ranges = u32::try_from(ranges.max(1)).unwrap_or(u32::MAX);
        let State::Connected(connected) = &mut self.state else { return };
        connected.audit.running = None;
        connected.audit.at = self.audit_every.map(|every| now + (every / ranges).mul_f64(part));
    }

    /// It is time to audit a range: one that is in doubt, or else the next one.
    pub(super) fn audit(&mut self, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        connected.audit.at = None;
        let doubted = connected.audit.doubted.take();
        let doubted = doubted.filter(|it| connected.watch_of(it.range) == Some(it.watch_id));
        let (range, earlier) = match doubted {
            Some(doubted) => (Some(doubted.range), doubted.doubts),
            None => (connected.next_to_audit(&self.keys), BTreeMap::new()),
        };
        let is_busy = connected.overload.is_some();
        let target = range.filter(|id| !is_busy && !connected.reads_range(*id));
        let target = target.and_then(|id| {
            let range = self.keys.get(id)?.range()?;
            Some((id, range, connected.watch_of(id)?))
        });
        let Some((id, range, watch_id)) = target else { return self.plan_next_audit(now) };
        self.next_read += 1;
        connected.audit.last = id.slot;
        let running = Running {
            id: self.next_read,
            deadline: now + self.timeouts.response(),
            floor: self.history.highest,
            revision: 0,
            from: range.keys().start().clone(),
            deleted: BTreeSet::new(),
            earlier,
            now: Doubted { range: id, watch_id, doubts: BTreeMap::new() },
        };
        self.actions.push_back(Action::ReadPage(running.id, running.next_page(range)));
        connected.audit.running = Some(running);
    }

    /// A page of an audit was answered.
    pub(super) fn handle_audit(&mut self, response: Result<PageResponse, Failure>, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        let Some(running) = connected.audit.running.take() else { return };
        match response {
            Ok(PageResponse::Page(page)) => self.audit_page(running, &page, now),
            Ok(PageResponse::Compacted) => {
                self.proven();
                self.plan_next_audit(now); // inconclusive
            }
            Err(failure) if failure.is_overload() => {
                self.overloaded(failure, now);
                self.plan_next_audit(now);
            }
            // A range that can't be read is not audited. The probes and reads say why.
            Err(failure) if failure.concerns_keys() => {
                self.proven();
                self.plan_next_audit(now);
            }
            Err(failure) => self.fail(failure, now),
        }
    }

    fn audit_page(&mut self, mut running: Running, page: &Page, now: Instant) {
        let (is_first, id) = (running.revision == 0, running.now.range);
        let revision = if is_first { page.revision } else { running.revision };
        let range = self.keys.get(id).and_then(|one| one.range());
        if range.is_some_and(|range| !is_possible(page, range, &running.from, revision)) {
            return self.violation("a range was audited with keys or revisions that can't be", now);
        }
        let floor = running.floor.max(running.revision);
        let resets = self.history.resets;
        let Some(floor) = self.check_origin(page.cluster, page.revision, floor, now) else {
            return;
        };
        if page.revision < floor || self.history.resets > resets {
            if self.history.resets == resets {
                self.history_was_reset(page.revision);
            }
            let message = "the store's history was replaced";
            return self.fail(Failure::new(CauseKind::HistoryReset, message), now);
        }
        self.history.highest = self.history.highest.max(page.revision);
        let bytes_flow = self.bytes_flow(now);
        let State::Connected(connected) = &mut self.state else { return };
        let is_watched = connected.watch_of(id) == Some(running.now.watch_id);
        let range = self.keys.get(id).and_then(|one| one.range()).filter(|_| is_watched);
        let Some(range) = range.filter(|_| running.deleted.len() <= DELETED) else {
            return self.plan_next_audit(now); // inconclusive
        };
        running.revision = revision;
        let is_sending = bytes_flow || connected.held.contains_key(&id);
        let at = connected.progress(id).watched_to;
        let next = running.compare(range, page, at, is_sending);
        match next {
            Err(lost) => self.lost(&lost, now),
            Ok(Some(from)) => {
                running.from = from;
                running.deadline = now + self.timeouts.response();
                self.actions.push_back(Action::ReadPage(running.id, running.next_page(range)));
                connected.audit.running = Some(running);
            }
            Ok(None) if running.now.doubts.is_empty() => self.plan_next_audit(now),
            Ok(None) => {
                connected.audit.doubted = Some(running.now);
                connected.audit.at = Some(now + self.timeouts.response());
            }
        }
    }

    /// A change of this key was lost.
    fn lost(&mut self, key: &Bytes, now: Instant) {
        let key = KeyName(key);
        tracing::warn!("an audit found that the server lost an event of the key `{key}`");
        self.violation(
            &format!("a watch did not send a change of `{key}`, which an audit found"),
            now,
        );
    }
}

impl Running {
    fn next_page(&self, range: &Range) -> PageRequest {
        PageRequest {
            from: self.from.clone(),
            end: range.keys().end().cloned(),
            limit: PAGE,
            revision: self.revision,
            may_stream: false,
            keys_only: true,
        }
    }

    /// Compares a page with what is known, and returns the first key of the next one. The watch stands at `at`.
    /// The error is a key of which a change was lost.
    fn compare(
        &mut self,
        range: &Range,
        page: &Page,
        at: i64,
        is_sending: bool,
    ) -> Result<Option<Bytes>, Bytes> {
        let last = page.found.last().filter(|_| page.has_more);
        let next = last.map(|(key, _)| Bytes::from([key, &b"\0"[..]].concat()));
        let to = next.as_ref().or(range.keys().end());
        let mut known = range.revisions(&self.from, to).peekable();
        let mut differences = Vec::new();
        for (key, found) in &page.found {
            while let Some((gone, before)) = known.next_if(|(known, _)| *known < key) {
                differences.push((gone.clone(), Some(before), None));
            }
            let before = known.next_if(|(known, _)| *known == key).map(|(_, before)| before);
            if range.keys().contains(key) {
                differences.push((key.clone(), before, Some(found.mod_revision)));
            }
        }
        differences.extend(known.map(|(gone, before)| (gone.clone(), Some(before), None)));
        for (key, known, found) in differences {
            let is_explained = match known {
                Some(known) => known > self.revision || found == Some(known),
                None => self.deleted.contains(&key),
            };
            if is_explained {
                continue;
            }
            let earlier = self.earlier.get(&key).filter(|earlier| earlier.found == found);
            let by = found.unwrap_or(self.revision);
            let by = earlier.map_or(by, |earlier| earlier.by.min(by));
            let was_silent = earlier.is_some_and(|earlier| earlier.at == at) && !is_sending;
            if by <= at || was_silent {
                return Err(key);
            }
            if self.now.doubts.len() < DOUBTS {
                self.now.doubts.insert(key, Doubt { found, by, at });
            }
        }
        Ok(next)
    }
}

impl Connected {
    /// The next range after the one that was audited last, in a circle.
    fn next_to_audit(&self, keys: &Slots<Subscription>) -> Option<KeyId> {
        let last = self.audit.last;
        let is_range = |(id, one): &(KeyId, &Subscription)| {
            one.range().is_some() && self.watch_of(*id).is_some()
        };
        let ranges = || keys.iter().filter(is_range).map(|(id, _)| id);
        ranges().find(|id| id.slot > last).or_else(|| ranges().next())
    }

    /// Whether the range is being read.
    fn reads_range(&self, id: KeyId) -> bool {
        self.range_reads.values().any(|read| read.range == id)
    }
}
