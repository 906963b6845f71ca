//! Which connection there is, and when it is given up.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Action, Phase, Session};
use crate::protocol::{CauseKind, Failure};

impl Session {
    pub(super) fn connect(&mut self, endpoint: Arc<str>, now: Instant) {
        self.phase = Phase::Connecting { deadline: now + self.bounds.connect };
        self.actions.push_back(Action::Connect(endpoint));
    }

    pub(super) fn next_endpoint(&mut self, now: Instant) {
        self.phase = Phase::Idle;
        if self.keys.is_empty() {
            return;
        }
        match self.endpoints.next() {
            None => {
                self.failure = Some(Failure::new(CauseKind::Unreachable, "no endpoint is left"))
            }
            Some((endpoint, Duration::ZERO)) => self.connect(endpoint, now),
            Some((endpoint, wait)) => self.phase = Phase::Waiting { until: now + wait, endpoint },
        }
    }

    /// Gives the connection up: every key is unread again.
    pub(super) fn fail(&mut self, failure: Failure, now: Instant) {
        if matches!(self.phase, Phase::Idle | Phase::Waiting { .. }) {
            return;
        }
        self.actions.push_back(Action::Disconnect);
        self.remember();
        self.live = false;
        self.failure = Some(failure);
        self.faulty = self.endpoints.current().cloned();
        self.endpoints.failed(now);
        self.watches.clear();
        self.creating.clear();
        self.to_read_apart.clear();
        self.to_read.clear();
        self.refused.clear();
        self.retry_at = None;
        self.recalling = None;
        for (_, read) in mem::take(&mut self.reads) {
            self.requeue_tickets(read.tickets);
        }
        for (id, key) in &mut self.keys {
            key.start_over();
            self.to_read.push_back(*id);
        }
        self.next_endpoint(now);
    }

    /// A read that takes too long ends the connection. Perhaps it was too much for the link: the
    /// next ones ask for half as many keys, and for one at last.
    pub(super) fn reads_in_time(&mut self, now: Instant) {
        let Some(late) = self.reads.values().find(|read| read.deadline <= now) else { return };
        if late.keys.len() > 1 {
            self.batch = (self.batch / 2).max(1);
        }
        let proven = matches!(self.phase, Phase::Connected { prove_by: None, .. });
        self.silent(if proven { self.bounds.answer() } else { self.bounds.connect }, now);
    }

    pub(super) fn silent(&mut self, bound: Duration, now: Instant) {
        self.fail(Failure::new(CauseKind::Unreachable, format!("no answer within {bound:?}")), now);
    }

    /// The server gave a sign of life.
    pub(super) fn proven(&mut self, now: Instant) {
        self.last_heard = Some(now);
        self.endpoints.good(now);
        if let Phase::Connected { prove_by, .. } = &mut self.phase {
            *prove_by = None;
        }
    }
}
