//! The cluster's own list of members, if the program wants it to be followed.
//!
//! The endpoints that the program named stay: they may be names or balancers, which no member knows of.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Session, State};
use crate::seam::Failure;

/// How often the list is read.
const EVERY: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) are_followed: bool,
    /// The endpoints that are known by the list alone.
    known: BTreeSet<Arc<str>>,
}

impl Session {
    /// The session follows the list of members.
    pub(crate) fn follow_members(mut self) -> Self {
        self.members.are_followed = true;
        self
    }

    /// The endpoints of the members now. The connection in use stays, whether or not it is to one of them.
    pub(crate) fn handle_members(&mut self, endpoints: Result<Vec<String>, Failure>, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        connected.list_members_at = Some(now + EVERY);
        let listed: BTreeSet<Arc<str>> =
            endpoints.unwrap_or_default().into_iter().map(Arc::from).collect();
        if listed.is_empty() {
            return; // not known, or of no use
        }
        let gone: Vec<_> = self.members.known.difference(&listed).cloned().collect();
        for endpoint in gone {
            self.members.known.remove(&endpoint);
            self.endpoints.remove(&endpoint);
        }
        for endpoint in listed {
            if self.endpoints.add(&endpoint) {
                self.members.known.insert(endpoint);
            }
        }
    }
}
