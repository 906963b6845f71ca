//! A read of a range, page by page, all pages at the revision of the first one.
//!
//! Why pages? An answer with a large range takes as much memory from the server, and takes too long for a timeout. Why
//! large ones? With each page, the server counts the rest of the range. So a page aims at some megabytes, and not at
//! some keys.
//!
//! If the revision is compacted between two pages, the read begins again. The second time, it asks for the whole range
//! at once.

use std::collections::BTreeSet;
use std::mem;
use std::time::{Duration, Instant};

use event_core::upstream::KeyId;
use event_core::{Bytes, KeyRange};

use super::Ticket;
use super::range::Difference;
use crate::seam::{Page, PageRequest};

/// How many bytes a page aims at.
pub(super) const PAGE: usize = 8 << 20;
/// How many keys the first page has at most, and by how much the next one may have more: its values may be larger.
const FIRST: u32 = 1000;
const GROWTH: u32 = 16;
/// How many keys a page has at most that has no values: their sizes are not known, and the server loads them all the same.
const KEYS_ONLY: u32 = FIRST * GROWTH;
/// After so many compactions the range is read at once.
const COMPACTIONS: u32 = 2;

#[derive(Debug)]
pub(super) struct RangeRead {
    pub(super) range: KeyId,
    /// The refreshes that it completes.
    pub(super) refreshes: Vec<(KeyId, Ticket)>,
    /// The highest revision seen when it was sent: a first page below it is of another history.
    pub(super) floor: i64,
    pub(super) deadline: Instant,
    pub(super) timeout: Duration,
    /// A page is asked for.
    pub(super) is_sent: bool,
    /// The revision of the pages; 0 before the first one.
    pub(super) revision: i64,
    /// The first key of the next page.
    pub(super) from: Bytes,
    /// How many keys the next page has at most.
    limit: u32,
    /// No page may have more: one was too large.
    most: u32,
    compactions: u32,
    /// What the pages have, and is not known, in the order of the keys.
    pub(super) differences: Vec<Difference>,
    /// The keys that the watch put since their page was read.
    late: BTreeSet<Bytes>,
    /// The highest revision of a key.
    pub(super) newest: i64,
}

impl RangeRead {
    pub(super) fn new(
        range: KeyId,
        keys: &KeyRange,
        refreshes: Vec<(KeyId, Ticket)>,
        floor: i64,
        now: Instant,
    ) -> Self {
        Self {
            range,
            refreshes,
            floor,
            deadline: now,
            timeout: Duration::ZERO,
            is_sent: false,
            revision: 0,
            from: keys.start().clone(),
            limit: FIRST,
            most: if keys.is_keys_only() { KEYS_ONLY } else { u32::MAX },
            compactions: 0,
            differences: Vec::new(),
            late: BTreeSet::new(),
            newest: 0,
        }
    }

    pub(super) fn next_page(&self, keys: &KeyRange) -> PageRequest {
        PageRequest {
            from: self.from.clone(),
            end: keys.end().cloned(),
            limit: if self.is_at_once() { 0 } else { self.limit },
            revision: self.revision,
            // Not if a message was too large, since the size of a stream's messages is the server's choice.
            may_stream: self.revision != 0 && self.most == u32::MAX,
            keys_only: keys.is_keys_only(),
        }
    }

    fn is_at_once(&self) -> bool {
        self.compactions >= COMPACTIONS
    }

    /// A page was read. The next one is to have about so many bytes.
    pub(super) fn page_read(&mut self, page: &Page, bytes: usize) {
        if self.revision == 0 {
            self.revision = page.revision;
        }
        let newest = page.found.iter().map(|(_, found)| found.mod_revision).max();
        self.newest = self.newest.max(newest.unwrap_or(0));
        let size: usize = page.found.iter().map(|(key, found)| key.len() + found.value.len()).sum();
        let keys = page.found.len().saturating_mul(bytes) / size.max(1);
        let most = self.limit.saturating_mul(GROWTH).min(self.most);
        self.limit = u32::try_from(keys).unwrap_or(u32::MAX).clamp(1, most);
    }

    /// The next page is too much for the server. Returns whether fewer keys can be asked for.
    pub(super) fn reduce(&mut self) -> bool {
        if self.is_at_once() {
            self.compactions = 0;
            return true;
        }
        let is_possible = self.limit > 1;
        self.limit = (self.limit / 2).max(1);
        self.most = self.limit;
        is_possible
    }

    /// The revision was compacted. What was read of it is thrown away.
    pub(super) fn begin_again(&mut self, keys: &KeyRange, floor: i64) {
        self.compactions += 1;
        (self.revision, self.floor, self.newest) = (0, floor, 0);
        self.from = keys.start().clone();
        self.differences.clear();
        self.late.clear();
    }

    /// The watch put a key. If the page of the key was read before, and does not have it, then the read says that the
    /// key is not there.
    pub(super) fn was_put(&mut self, key: &Bytes) {
        if *key < self.from {
            self.late.insert(key.clone());
        }
    }

    /// What the whole range has at the revision of the read, and was not known when it was read.
    pub(super) fn differences(&mut self) -> Vec<Difference> {
        let mut late = mem::take(&mut self.late);
        let mut differences = mem::take(&mut self.differences);
        if !late.is_empty() {
            for (key, _) in &differences {
                late.remove(key);
            }
            differences.extend(late.into_iter().map(|key| (key, None)));
        }
        differences
    }
}
