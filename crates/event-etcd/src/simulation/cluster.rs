//! A cluster of members, and what can be wrong with it.

use std::slice;
use std::sync::Arc;

use event_core::{Bytes, CauseKind};

use crate::seam::{Failure, KeyValue, Page, PageRequest, PageResponse, ReadResponse};
use crate::simulation::history::{History, KEYS, is_keys_only, key_of, keys_of, name, value};

/// The cluster's id, which no replacement of the history changes (E5).
const CLUSTER: u64 = 7;

#[derive(Debug)]
pub(super) struct Cluster {
    /// The last one is what the store holds now.
    pub(super) histories: Vec<History>,
    pub(super) members: Vec<Member>,
    pub(super) has_leader: bool,
    /// The token that is good now.
    pub(super) token: u64,
    /// The keys that the user may read.
    pub(super) readable: [bool; KEYS],
    /// The keys whose values are too large for any answer.
    pub(super) large: [bool; KEYS],
    /// How many keys' values are not too large for one answer.
    pub(super) limit: usize,
    /// How many pages are refused from now on, for too many requests.
    pub(super) busy: u8,
    /// No progress is answered while a watch of the stream lags, or starts beyond what the member
    /// has, as later servers do (E7).
    pub(super) strict: bool,
    pub(super) served_by: ServedBy,
}

/// What the client talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServedBy {
    Etcd,
    /// It never answers for progress, and creates watches out of order (C9).
    GrpcProxy,
    /// Its watches get numbers that other streams share (C10).
    Kine,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: Arc<str>,
    /// Up to where it has the history.
    pub(super) applied: i64,
    pub(super) is: Is,
    /// It is none of the cluster's, so that nothing heals it.
    pub(super) stray: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    Up,
    /// Connections are refused.
    Down,
    /// Nothing comes through.
    Silent,
    /// It does not reach the others.
    Cut,
    /// Its disk hangs: it answers nothing that takes the disk or the others, and applies nothing (E12).
    Stalled,
}

/// Where a history comes from that replaces another one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Replacement {
    Wiped,
    Restored,
}

impl Cluster {
    pub(super) fn new(random: &mut fastrand::Rng) -> Self {
        let member = |name: &str, is, stray| Member { name: name.into(), applied: 1, is, stray };
        let mut members: Vec<_> = ["one", "two", "three"][..random.usize(1..=3)]
            .iter()
            .map(|name| member(name, Is::Up, false))
            .collect();
        if random.u8(..4) == 0 {
            let is = if random.bool() { Is::Down } else { Is::Silent };
            members.insert(0, member("stray", is, true));
        }
        Self {
            histories: vec![History::new()],
            members,
            has_leader: true,
            token: 1,
            readable: [true; KEYS],
            large: [false; KEYS],
            limit: usize::MAX,
            busy: 0,
            strict: random.bool(),
            served_by: match random.u8(..4) {
                0 => ServedBy::GrpcProxy,
                1 => ServedBy::Kine,
                _ => ServedBy::Etcd,
            },
        }
    }

    pub(super) fn generation(&self) -> usize {
        self.histories.len() - 1
    }

    /// What the store holds now.
    pub(super) fn history(&self) -> &History {
        &self.histories[self.generation()]
    }

    pub(super) fn history_mut(&mut self) -> &mut History {
        let generation = self.generation();
        &mut self.histories[generation]
    }

    /// Whether a revision of a history is lower than a client may have seen in an earlier one.
    pub(super) fn shows_replacement(&self, generation: usize, revision: i64) -> bool {
        self.histories[..generation].iter().any(|earlier| earlier.revision > revision)
    }

    pub(super) fn member(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| &*member.name == name)
    }

    /// What a member answers to a read, at some time after it was asked.
    pub(super) fn read(&self, member: usize, keys: &[Bytes]) -> Result<ReadResponse, Failure> {
        let keys = self.readable_keys(member, keys, false)?;
        let history = self.history();
        let found = keys.into_iter().map(|key| history.found(key)).collect();
        Ok(ReadResponse { revision: history.revision, cluster: CLUSTER, found })
    }

    /// What a member answers to a read of a page: one that is smaller than the session wants, or the session would need
    /// more keys to see two of them.
    pub(super) fn page(
        &mut self,
        member: usize,
        page: &PageRequest,
        random: &mut fastrand::Rng,
    ) -> Result<PageResponse, Failure> {
        let in_range = |key: &usize| {
            name(*key) >= page.from && page.end.as_ref().is_none_or(|end| name(*key) < *end)
        };
        let keys: Vec<usize> = (0..KEYS).filter(in_range).collect();
        if self.members[member].is == Is::Cut || !self.has_leader {
            return Err(Failure::new(CauseKind::NoLeader, "no leader"));
        }
        if self.busy > 0 {
            self.busy -= 1;
            return Err(Failure::new(CauseKind::ResourceExhausted, "too many requests"));
        }
        if keys.iter().any(|key| !self.readable[*key]) {
            return Err(Failure::new(CauseKind::PermissionDenied, "permission denied"));
        }
        let history = self.history_mut();
        if page.revision != 0 && page.revision < history.revision && random.u8(..6) == 0 {
            history.compacted = history.compacted.max(page.revision + 1); // between two pages
        }
        let history = self.history();
        let revision = if page.revision == 0 { history.revision } else { page.revision };
        if revision < history.compacted {
            return Ok(PageResponse::Compacted);
        }
        if revision > history.revision {
            return Err(Failure::new(CauseKind::Unreachable, "a future revision"));
        }
        let found = |key: &usize| Some((*key, history.found_at(*key, revision)?));
        let mut found: Vec<_> = keys.iter().filter_map(found).collect();
        let most = if page.limit == 0 { KEYS } else { page.limit as usize };
        let wanted = &found[..found.len().min(most)];
        let is_large = wanted.len() > self.limit || wanted.iter().any(|(key, _)| self.large[*key]);
        if is_large && !page.keys_only {
            return Err(Failure::new(CauseKind::TooLarge, "message larger than max"));
        }
        let count = if page.limit == 0 { KEYS } else { most.min(random.usize(1..=3)) };
        let has_more = found.len() > count;
        found.truncate(count);
        let as_wanted =
            |found: KeyValue| if page.keys_only { found.without_value() } else { found };
        let found = found.into_iter().map(|(key, found)| (name(key), as_wanted(found))).collect();
        // Of a stream, only the last message has a header.
        let has_header = !page.may_stream || !has_more || random.bool();
        let revision = if has_header { history.revision } else { page.revision };
        Ok(PageResponse::Page(Page { revision, cluster: CLUSTER, found, has_more }))
    }

    pub(super) fn may_read(&self, subject: usize) -> bool {
        keys_of(subject).all(|key| self.readable[key])
    }

    /// Whether a key of the subject is there, and is too large.
    pub(super) fn is_large(&self, subject: usize) -> bool {
        let is_there = |key| subject < KEYS || self.history().found(key).is_some();
        !is_keys_only(subject) && keys_of(subject).any(|key| self.large[key] && is_there(key))
    }

    /// What a member answers to a read of a key as it was at a revision.
    pub(super) fn read_at(
        &self,
        member: usize,
        key: &Bytes,
        revision: i64,
        keys_only: bool,
    ) -> Result<ReadResponse, Failure> {
        let keys = self.readable_keys(member, slice::from_ref(key), keys_only)?;
        let history = self.history();
        if revision < history.compacted || revision > history.revision {
            return Err(Failure::new(CauseKind::Unreachable, "required revision is not there"));
        }
        let as_wanted = |found: KeyValue| if keys_only { found.without_value() } else { found };
        let found = keys.into_iter().map(|key| history.found_at(key, revision).map(as_wanted));
        let found = found.collect();
        Ok(ReadResponse { revision: history.revision, cluster: CLUSTER, found })
    }

    /// What a member answers to a probe.
    pub(super) fn probe(&self, member: usize, keys: &[Bytes]) -> Result<ReadResponse, Failure> {
        let mut response = self.read(member, keys)?;
        response.found.iter_mut().flatten().for_each(|found| found.value = Bytes::new());
        Ok(response)
    }

    fn readable_keys(
        &self,
        member: usize,
        keys: &[Bytes],
        keys_only: bool,
    ) -> Result<Vec<usize>, Failure> {
        if self.members[member].is == Is::Cut || !self.has_leader {
            return Err(Failure::new(CauseKind::NoLeader, "no leader"));
        }
        let keys: Vec<usize> =
            keys.iter().map(|name| key_of(name).expect("a key of ours")).collect();
        if keys.iter().any(|key| !self.readable[*key]) {
            return Err(Failure::new(CauseKind::PermissionDenied, "permission denied"));
        }
        let is_large = keys.len() > self.limit || keys.iter().any(|key| self.large[*key]);
        if is_large && !keys_only {
            return Err(Failure::new(CauseKind::TooLarge, "message larger than max"));
        }
        Ok(keys)
    }

    /// A member applies some of what it lags behind, if it does.
    pub(super) fn apply(&mut self, random: &mut fastrand::Rng) -> bool {
        let revision = self.history().revision;
        let has_leader = self.has_leader;
        let lags =
            |member: &&mut Member| member.is == Is::Up && has_leader && member.applied < revision;
        let Some(member) = self.members.iter_mut().find(lags) else { return false };
        member.applied = random.i64(member.applied + 1..=revision);
        true
    }

    /// Another history takes the place of this one. Its revision may have passed the old one's when
    /// a client first sees it, and its keys may have other values at the same revisions (E5).
    pub(super) fn replace(&mut self, by: Replacement, random: &mut fastrand::Rng) {
        let old = self.history();
        let mut new = match by {
            Replacement::Wiped => History::new(),
            Replacement::Restored => old.restored(random.i64(1..=old.revision)),
        };
        let goal = match random.u8(..4) {
            0 => new.revision,
            1 => old.revision,
            2 => old.revision + random.i64(1..20),
            _ => random.i64(new.revision..=old.revision),
        };
        for _ in 0..random.u8(..4) {
            if new.revision < goal {
                new.write_elsewhere(random.i64(0..goal - new.revision));
                new.write(&[(random.usize(..KEYS), Some(value(random)))]);
            }
        }
        new.write_elsewhere(goal - new.revision);
        new.begun = new.revision;
        for member in &mut self.members {
            member.applied = new.begun;
        }
        self.histories.push(new);
    }

    /// All faults end.
    pub(super) fn heal(&mut self) {
        for member in self.members.iter_mut().filter(|member| !member.stray) {
            member.is = Is::Up;
        }
        self.has_leader = true;
        self.readable = [true; KEYS];
        self.large = [false; KEYS];
        self.limit = usize::MAX;
        self.busy = 0;
    }
}
