//! The watch stream, as the session knows it, and the question for a sign of life.

use std::mem;
use std::time::{Duration, Instant};

/// How many responses that nobody asked for may come in a second.
const CHATTER: u32 = 100;

#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    /// No key was read yet, so there is nothing to watch.
    None,
    Opening {
        deadline: Instant,
    },
    Open {
        /// When the stream last said something: the response to a read does not prove that it lives.
        last_response: Instant,
        /// The question for a sign of life that is not answered yet.
        asked: Option<Asked>,
        answers: Answers,
    },
}

/// A question for a sign of life.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) since: Instant,
    pub(super) step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Asked,
    /// Half of the time for the answer is over.
    Doubted,
    /// A watch is to prove that the stream lives.
    Proving,
}

/// Whether the server answers the question for a sign of life: `etcd grpc-proxy` never does (C9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    Unknown,
    Yes,
    No,
}

impl Stream {
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// The stream said something. Returns how long it had been silent.
    pub(super) fn responded(&mut self, now: Instant) -> Duration {
        let Self::Open { last_response, asked, answers } = self else { return Duration::ZERO };
        let is_proven = asked.take().is_some_and(|asked| asked.step == Step::Proving);
        if is_proven && *answers == Answers::Unknown {
            *answers = Answers::No; // so it is not asked again
        }
        now.saturating_duration_since(mem::replace(last_response, now))
    }

    /// The stream answered the question for a sign of life, if it was asked.
    pub(super) fn answered(&mut self) {
        if let Self::Open { answers, .. } = self {
            *answers = Answers::Yes;
        }
    }

    /// The stream did not answer the question yet.
    pub(super) fn doubt(&mut self, step: Step) {
        if let Self::Open { asked: Some(asked), .. } = self {
            asked.step = step;
        }
    }

    /// Whether the stream was silent for so long, and can be asked for a sign of life.
    pub(super) fn is_quiet(&self, time: Duration, now: Instant) -> bool {
        match self {
            Self::Open { last_response, asked: None, answers } => {
                *answers != Answers::No && *last_response + time <= now
            }
            _ => false,
        }
    }

    /// The stream is asked for a sign of life.
    pub(super) fn ask(&mut self, now: Instant) {
        if let Self::Open { asked, .. } = self {
            *asked = Some(Asked { since: now, step: Step::Asked });
        }
    }
}

/// Counts the responses that say nothing.
#[derive(Debug)]
pub(super) struct Chatter {
    since: Instant,
    responses: u32,
}

impl Chatter {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, responses: 0 }
    }

    /// A response came that says nothing. Returns whether they are too many.
    pub(super) fn is_flood(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) >= Duration::from_secs(1) {
            *self = Self::new(now);
        }
        self.responses += 1;
        self.responses > CHATTER
    }
}
