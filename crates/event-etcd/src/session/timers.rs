//! How long things may take. Each rule is here once: it says when the session wants to be called, and
//! what happens then.

use std::time::{Duration, Instant};

use event_core::CauseKind;

use super::connected::Connected;
use super::stream::{Answers, Asked, Step, Stream};
use super::{Action, ReadId, Session, State};
use crate::seam::{Failure, WatchRequest};

/// The timeouts that the program sets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// From connecting to the first response.
    pub(crate) connect: Duration,
    /// How much longer connecting may take, if there is a user (C12).
    pub(crate) login: Duration,
    /// From the last sign of life to the failure.
    pub(crate) liveness: Duration,
}

impl Timeouts {
    /// A name is to be resolved within this long, if other addresses are known.
    pub(crate) fn resolve(&self) -> Duration {
        self.connect / 5
    }

    /// An idle stream is asked for a sign of life after this long …
    pub(crate) fn idle(&self) -> Duration {
        self.liveness * 2 / 5
    }

    /// … and has this long for the response, as has every call.
    pub(crate) fn response(&self) -> Duration {
        self.liveness * 3 / 5
    }
}

/// How many bytes a page of a range aims at, at least.
const LEAST_PAGE: usize = 64 << 10;

/// A member that is overloaded for so many times the liveness timeout is left, if there is another.
const OVERLOADED: u32 = 4;

/// What the session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The next endpoint is to be tried.
    Reconnect,
    /// The names are not resolved yet.
    Resolve,
    /// The connection is not made yet.
    Connect,
    /// The stream is not open yet.
    Open,
    /// The stream is idle.
    Idle,
    /// The stream did not answer the question for a sign of life.
    Liveness,
    /// The stream has not answered yet.
    Doubt,
    /// A watch was asked for and not created.
    Create,
    /// It is time to prove again that the member follows the cluster.
    Probe,
    /// The probe has no response yet.
    Probed,
    /// A watch did not send what a read found.
    Owed,
    /// The server was overloaded, and is asked again.
    Resume,
    /// A read has no response yet.
    Read(ReadId),
    /// A page of a range has no response yet.
    Page(ReadId),
    /// A range is to be audited.
    Audit,
    /// A page of an audit has no response yet.
    Audited,
    /// Keys that were refused are to be asked for again.
    Retry,
    /// The list of members is to be read.
    Members,
}

impl Session {
    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing else happens before.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.next_timer().map(|(at, _)| at)
    }

    /// Time passed.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some((_, timer)) = self.next_timer().filter(|(at, _)| *at <= now) {
            self.expire(timer, now);
        }
    }

    fn next_timer(&self) -> Option<(Instant, Timer)> {
        match &self.state {
            State::Idle => None,
            State::Waiting { until, .. } => Some((*until, Timer::Reconnect)),
            State::Resolving { until, .. } => Some((*until, Timer::Resolve)),
            State::Connecting { deadline } => Some((*deadline, Timer::Connect)),
            State::Connected(connected) => connected.next_timer(&self.timeouts),
        }
    }

    fn expire(&mut self, timer: Timer, now: Instant) {
        let timeouts = self.timeouts;
        if self.put_off(timer, now) {
            return;
        }
        match (timer, &mut self.state) {
            (Timer::Reconnect, _) => self.resolve(now),
            (Timer::Resolve, _) => self.resolved_late(now),
            (Timer::Idle | Timer::Probe, State::Connected(connected)) => {
                // Both at once, or an idle store would send twice as much.
                if connected.is_watching() && connected.stream.is_quiet(timeouts.idle() / 2, now) {
                    connected.stream.ask(now);
                    self.actions.push_back(Action::Send(WatchRequest::Progress));
                }
                self.probe(now);
            }
            (Timer::Doubt, _) => self.prove_stream(now),
            (Timer::Create, _) => {
                let timeout = timeouts.response();
                let message = format!("a watch was not created within {timeout:?}");
                self.fail(Failure::new(CauseKind::Unreachable, message), now);
            }
            (Timer::Owed, _) => self.check_owed(now),
            (Timer::Resume, State::Connected(connected)) => {
                let since = connected.overload.as_ref().map_or(now, |overload| overload.since);
                connected.resume();
                if self.endpoints.has_others() && now >= since + OVERLOADED * timeouts.liveness {
                    let message = "too many requests, for a long time";
                    self.fail(Failure::new(CauseKind::ResourceExhausted, message), now);
                }
            }
            (Timer::Audit, _) => self.audit(now),
            (Timer::Retry, State::Connected(connected)) => connected.retry(now),
            (Timer::Members, State::Connected(connected)) => {
                connected.list_members_at = None;
                self.actions.push_back(Action::ListMembers);
            }
            (Timer::Read(id), State::Connected(connected)) => {
                let Some(read) = connected.reads.get(&id) else { return };
                let timeout = read.timeout;
                if read.keys.len() > 1 {
                    // Perhaps it was too much for the network: the next reads ask for half as many keys.
                    self.batch = (self.batch / 2).max(1);
                }
                self.silent(timeout, now);
            }
            (Timer::Page(id), State::Connected(connected)) => {
                let Some(read) = connected.range_reads.get(&id) else { return };
                let timeout = read.timeout;
                self.page = (self.page / 2).max(LEAST_PAGE);
                self.silent(timeout, now);
            }
            (Timer::Connect, _) => self.silent(timeouts.connect, now),
            (Timer::Open | Timer::Probed | Timer::Audited, _) => {
                self.silent(timeouts.response(), now);
            }
            _ => self.silent(timeouts.liveness, now),
        }
    }

    fn silent(&mut self, timeout: Duration, now: Instant) {
        let message = format!("no response within {timeout:?}");
        self.fail(Failure::new(CauseKind::Unreachable, message), now);
    }
}

impl Connected {
    fn next_timer(&self, timeouts: &Timeouts) -> Option<(Instant, Timer)> {
        let stream = match self.stream {
            Stream::None | Stream::Open { asked: None, answers: Answers::No, .. } => None,
            Stream::Opening { deadline } => Some((deadline, Timer::Open)),
            Stream::Open { .. } if !self.is_watching() => None,
            Stream::Open { asked: Some(Asked { since, step: Step::Asked }), .. } => {
                Some((since + timeouts.response() / 2, Timer::Doubt))
            }
            Stream::Open { asked: Some(Asked { since, .. }), .. } => {
                Some((since + timeouts.response(), Timer::Liveness))
            }
            Stream::Open { last_response, asked: None, .. } => {
                Some((last_response + timeouts.idle(), Timer::Idle))
            }
        };
        let create = self.created_by.map(|by| (by, Timer::Create));
        let probe = match (&self.proof.probe, &self.overload) {
            (Some(probe), _) => Some((probe.deadline, Timer::Probed)),
            (None, Some(overload)) => overload.until.map(|until| (until, Timer::Resume)),
            (None, None) if self.has_to_prove() => {
                let wait = timeouts.idle().mul_f64(1.0 - self.proof.sooner);
                Some((self.proof.at + wait, Timer::Probe))
            }
            (None, None) => None,
        };
        let owed = self.proof.owed.as_ref().map(|owed| (owed.deadline, Timer::Owed));
        let reads = self.reads.iter().map(|(id, read)| (read.deadline, Timer::Read(*id)));
        let pages = self.range_reads.iter().filter(|(_, read)| read.is_sent);
        let pages = pages.map(|(id, read)| (read.deadline, Timer::Page(*id)));
        let audit = self.audit.at.map(|at| (at, Timer::Audit));
        let audited = self.audit.deadline().map(|at| (at, Timer::Audited));
        let retry = self.retry_at.map(|at| (at, Timer::Retry));
        let members = self.list_members_at.map(|at| (at, Timer::Members));
        stream
            .into_iter()
            .chain(create)
            .chain(probe)
            .chain(owed)
            .chain(reads)
            .chain(pages)
            .chain(audit)
            .chain(audited)
            .chain(retry)
            .chain(members)
            .min()
    }

    /// By when a read that is sent now must have its response, and how long that is. The first one of a
    /// connection has what is left of the connect timeout, too.
    pub(super) fn read_deadline(&self, timeouts: &Timeouts, now: Instant) -> (Instant, Duration) {
        let deadline = now + timeouts.response();
        match self.first_response_by {
            Some(by) if by > deadline => (by, timeouts.connect),
            _ => (deadline, timeouts.response()),
        }
    }
}
