//! Timeouts are about silence. While a large value crosses a slow link, what was asked for after it is late,
//! and the member is not silent.

use std::time::Instant;

use super::stream::{Asked, Stream};
use super::timers::Timer;
use super::{Session, State};

/// So many bytes, within the time for a response, are more than signs of life.
const FLOW: u64 = 16 << 10;

#[derive(Debug)]
pub(super) struct Traffic {
    since: Instant,
    /// How many bytes had been received then.
    before: u64,
    /// When the last [`FLOW`] was seen.
    flowed_at: Option<Instant>,
}

impl Traffic {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, before: 0, flowed_at: None }
    }
}

impl Session {
    /// How many bytes the member sent on this connection by now.
    pub(crate) fn handle_received(&mut self, bytes: u64, now: Instant) {
        let State::Connected(connected) = &mut self.state else { return };
        let traffic = &mut connected.traffic;
        let flows = bytes.saturating_sub(traffic.before) >= FLOW;
        if flows {
            traffic.flowed_at = Some(now);
        }
        if flows || now.saturating_duration_since(traffic.since) >= self.timeouts.response() {
            (traffic.since, traffic.before) = (now, bytes);
        }
    }

    /// Whether the member sent many bytes of late.
    pub(super) fn bytes_flow(&self, now: Instant) -> bool {
        let State::Connected(connected) = &self.state else { return false };
        connected.traffic.flowed_at.is_some_and(|at| now < at + self.timeouts.response())
    }

    /// Puts a timeout off if bytes flow. Returns whether it did.
    pub(super) fn put_off(&mut self, timer: Timer, now: Instant) -> bool {
        let response = self.timeouts.response();
        let later = now + response;
        if !self.bytes_flow(now) {
            return false;
        }
        let State::Connected(connected) = &mut self.state else { return false };
        match (timer, &mut connected.stream) {
            (Timer::Read(id), _) => {
                let Some(read) = connected.reads.get_mut(&id) else { return false };
                read.deadline = later;
            }
            (Timer::Page(id), _) => {
                let Some(read) = connected.range_reads.get_mut(&id) else { return false };
                read.deadline = later;
            }
            (Timer::Probed, _) => {
                let Some(probe) = &mut connected.proof.probe else { return false };
                probe.deadline = later;
            }
            // The stream is in the middle of a large response, if it has said nothing for as long.
            (Timer::Owed, Stream::Open { last_response, .. })
                if *last_response + response <= now =>
            {
                let Some(owed) = &mut connected.proof.owed else { return false };
                owed.deadline = later;
            }
            (Timer::Audited, _) => connected.audit.put_off(later),
            (Timer::Create, _) => connected.created_by = Some(later),
            (Timer::Open, Stream::Opening { deadline }) => *deadline = later,
            (Timer::Liveness, Stream::Open { asked: Some(Asked { since, .. }), .. }) => {
                *since = now;
            }
            _ => return false,
        }
        true
    }
}
