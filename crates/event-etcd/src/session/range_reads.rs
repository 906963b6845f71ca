//! When ranges are read, and what a page means.

use std::mem;
use std::time::Instant;

use event_core::{Bytes, CauseKind};

use super::connected::KeyState;
use super::range::Range;
use super::range_read::RangeRead;
use super::watches::CONTRADICTION;
use super::{Action, ReadId, Session, State};
use crate::seam::{Failure, KeyValue, Page, PageResponse};

/// How many ranges are read at once, beside the reads of keys.
const RANGES: usize = 4;

impl Session {
    pub(crate) fn handle_page(
        &mut self,
        id: ReadId,
        response: Result<PageResponse, Failure>,
        now: Instant,
    ) {
        let State::Connected(connected) = &mut self.state else { return };
        if connected.audit.has(id) {
            return self.handle_audit(response, now);
        }
        let Some(read) = connected.range_reads.get_mut(&id) else { return };
        if !mem::take(&mut read.is_sent) {
            return;
        }
        match response {
            Ok(PageResponse::Page(page)) => self.page_succeeded(id, page, now),
            Ok(PageResponse::Compacted) => self.page_compacted(id, now),
            Err(failure) => self.page_failed(id, failure, now),
        }
        self.drop_unwanted_read(id);
    }

    /// Whether a range is being read with this id.
    pub(crate) fn is_reading(&self, id: ReadId) -> bool {
        matches!(&self.state, State::Connected(connected) if connected.range_reads.contains_key(&id))
    }

    /// A page was answered whose range left meanwhile.
    fn drop_unwanted_read(&mut self, id: ReadId) {
        let State::Connected(connected) = &mut self.state else { return };
        let read = connected.range_reads.get(&id);
        if read.is_some_and(|read| self.keys.get(read.range).is_none()) {
            connected.range_reads.remove(&id);
        }
    }

    /// Begins the reads that there are ranges for, and asks for the next pages.
    pub(super) fn read_ranges(&mut self, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        while connected.range_reads.len() < RANGES
            && let Some(id) = connected.next_range(&self.keys)
        {
            let Some(range) = self.keys.get(id).and_then(|one| one.range()) else { continue };
            self.next_read += 1;
            let state = &mut connected.progress(id).state;
            if *state == KeyState::Unread {
                *state = KeyState::Reading(self.next_read);
            }
            let refreshes = self.refreshes.remove(&id).map(|ticket| (id, ticket));
            let refreshes = refreshes.into_iter().collect();
            let read = RangeRead::new(id, range.keys(), refreshes, self.history.highest, now);
            connected.range_reads.insert(self.next_read, read);
        }
        let (deadline, timeout) = connected.read_deadline(&self.timeouts, now);
        for (id, read) in &mut connected.range_reads {
            let range = self.keys.get(read.range).and_then(|one| one.range());
            if let Some(range) = range.filter(|_| !read.is_sent) {
                (read.is_sent, read.deadline, read.timeout) = (true, deadline, timeout);
                self.actions.push_back(Action::ReadPage(*id, read.next_page(range.keys())));
            }
        }
    }

    fn page_succeeded(&mut self, id: ReadId, mut page: Page, now: Instant) {
        if !self.check_page(id, &page, now) {
            return;
        }
        let State::Connected(connected) = &mut self.state else { return };
        let Some(mut read) = connected.range_reads.remove(&id) else { return };
        let known_to = connected.known_to(read.range);
        let range = self.keys.get_mut(read.range).and_then(|one| one.range_mut());
        let Some(range) = range else { return };
        read.page_read(&page, self.page);
        let last = page.found.last().filter(|_| page.has_more);
        // The first key after it.
        let next = last.map(|(key, _)| Bytes::from([key, &b"\0"[..]].concat()));
        let to = next.as_ref().or(range.keys().end());
        let compared = range.compare(&read.from, to, mem::take(&mut page.found), known_to);
        read.differences.extend(compared.differences);
        if !range.is_synced() && next.is_some() {
            // The first pages are published as they come: the map is not synced before the last one.
            let step = range.found(read.differences(), read.revision, false);
            if !step.is_empty() {
                self.actions.push_back(Action::PublishStep(read.range, step, false));
            }
        }
        if compared.contradicts {
            self.put_back(read.refreshes);
            return self.violation(CONTRADICTION, now);
        }
        if compared.went_back && read.revision > known_to {
            self.history_was_reset(page.revision);
        }
        let State::Connected(connected) = &mut self.state else { return };
        match next {
            Some(next) => {
                read.from = next;
                connected.range_reads.insert(id, read);
            }
            None => self.range_was_read(id, read, now),
        }
    }

    /// Checks that a page can be true, and comes from the right cluster and the right history. If not, gives the
    /// connection up.
    fn check_page(&mut self, id: ReadId, page: &Page, now: Instant) -> bool {
        let State::Connected(connected) = &self.state else { return false };
        let Some(read) = connected.range_reads.get(&id) else { return false };
        let range = self.keys.get(read.range).and_then(|one| one.range());
        let Some(range) = range else { return false };
        let (is_first, floor) = (read.revision == 0, read.floor);
        let revision = if is_first { page.revision } else { read.revision };
        if !is_possible(page, range, &read.from, revision) {
            self.violation("a range was read with keys or revisions that can't be", now);
            return false;
        }
        let resets = self.history.resets;
        let Some(floor) = self.check_origin(page.cluster, page.revision, floor, now) else {
            return false;
        };
        if is_first {
            return self.check_floor(page.revision, floor, now);
        }
        let is_replaced = page.revision < revision;
        if is_replaced {
            self.history_was_reset(page.revision);
        }
        if is_replaced || self.history.resets > resets {
            let message = "the store's history was replaced while it was read";
            self.fail(Failure::new(CauseKind::HistoryReset, message), now);
            return false;
        }
        self.history.highest = self.history.highest.max(page.revision);
        true
    }

    /// All pages were read: publishes what differs, as one step, and watches on from there.
    fn range_was_read(&mut self, read_id: ReadId, mut read: RangeRead, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        let id = read.range;
        let range = self.keys.get_mut(id).and_then(|one| one.range_mut());
        let Some(range) = range else { return };
        connected.audit.was_read(id);
        let progress = connected.progress(id);
        let is_unread = progress.state == KeyState::Reading(read_id);
        let is_stream_outdated = is_unread && progress.is_watch_refused;
        // The watch may have been quicker: then the range is known as it was later, and as a whole.
        if read.revision > progress.known_to {
            progress.known_to = read.revision;
            let was_synced = range.is_synced();
            let step = range.found(read.differences(), read.revision, true);
            if !step.is_empty() || !was_synced {
                self.actions.push_back(Action::PublishStep(id, step, true));
            }
        }
        self.check_history_by_range(id);
        if is_unread {
            let State::Connected(connected) = &mut self.state else { return };
            if connected.refused.remove(&id).is_some() {
                self.actions.push_back(Action::PublishRefusal(id, None));
            }
            self.watch(id, read.revision);
        }
        self.let_lagging_watch_go(id, read_id, read.newest, read.revision);
        self.expect_of_watch(id, read.newest, now);
        self.complete(read.refreshes, &Ok(()));
        if is_stream_outdated {
            let message = "the stream's credentials are out of date";
            self.fail(Failure::new(CauseKind::Unauthenticated, message), now);
        }
    }

    /// The revision of the pages was compacted before the last one was read.
    fn page_compacted(&mut self, id: ReadId, now: Instant) {
        self.proven();
        let State::Connected(connected) = &mut self.state else { return };
        let Some(read) = connected.range_reads.get_mut(&id) else { return };
        if read.revision == 0 {
            return self.violation("the newest revision is compacted", now);
        }
        if let Some(range) = self.keys.get(read.range).and_then(|one| one.range()) {
            read.begin_again(range.keys(), self.history.highest);
        }
    }

    fn page_failed(&mut self, id: ReadId, failure: Failure, now: Instant) {
        if !failure.concerns_keys() && !failure.is_overload() {
            return self.fail(failure, now);
        }
        self.proven();
        let State::Connected(connected) = &mut self.state else { return };
        let Some(read) = connected.range_reads.get_mut(&id) else { return };
        if failure.is_overload() {
            read.reduce();
            return self.overloaded(failure, now);
        }
        connected.overload = None; // it answers
        if failure.kind == CauseKind::TooLarge && read.reduce() {
            return;
        }
        let Some(read) = connected.range_reads.remove(&id) else { return };
        self.complete(read.refreshes, &Err(failure.clone()));
        self.ask_for_version(read.range);
        self.refuse(read.range, failure, now);
    }
}

/// Whether a page from `from` on, of a range at this revision, can be true.
pub(super) fn is_possible(page: &Page, range: &Range, from: &Bytes, revision: i64) -> bool {
    let may_be_there =
        |(key, found): &(Bytes, KeyValue)| range.may_have(key) && found.is_possible(revision);
    let is_in_order = page.found.is_sorted_by(|(one, _), (next, _)| one < next)
        && page.found.first().is_none_or(|(first, _)| first >= from);
    let is_endless = page.has_more && page.found.is_empty();
    page.revision >= 1 && page.found.iter().all(may_be_there) && is_in_order && !is_endless
}
