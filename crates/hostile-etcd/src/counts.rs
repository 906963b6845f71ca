//! What a server has seen.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many requests a [`Member`](crate::Member) has seen since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were accepted.
    pub connections: u64,
    /// Watch streams that were opened.
    pub streams: u64,
    /// Range requests.
    pub ranges: u64,
    /// Transactions.
    pub txns: u64,
    /// Requests to create a watch.
    pub creates: u64,
    /// Requests to cancel a watch.
    pub cancels: u64,
    /// Requests for a progress answer.
    pub progress_requests: u64,
    /// Logins.
    pub authentications: u64,
    /// Requests for the list of members.
    pub member_lists: u64,
}

/// One counter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    Connections,
    Streams,
    Ranges,
    Txns,
    Creates,
    Cancels,
    ProgressRequests,
    Authentications,
    MemberLists,
}

#[derive(Debug, Default)]
pub(crate) struct Counters([AtomicU64; 9]);

impl Counters {
    pub(crate) fn add(&self, count: Count) {
        self.0[count as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn all(&self) -> Counts {
        let get = |count: Count| self.0[count as usize].load(Ordering::Relaxed);
        Counts {
            connections: get(Count::Connections),
            streams: get(Count::Streams),
            ranges: get(Count::Ranges),
            txns: get(Count::Txns),
            creates: get(Count::Creates),
            cancels: get(Count::Cancels),
            progress_requests: get(Count::ProgressRequests),
            authentications: get(Count::Authentications),
            member_lists: get(Count::MemberLists),
        }
    }
}
