//! How long things may take.

use std::time::Duration;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// From the connect to the first answer.
    pub(crate) connect: Duration,
    /// From the last sign of life to the failure.
    pub(crate) detection: Duration,
}

impl Bounds {
    /// An idle stream is asked for a sign of life after this long …
    pub(crate) fn idle(&self) -> Duration {
        self.detection * 2 / 5
    }

    /// … and has this long for the answer, as has every call.
    pub(crate) fn answer(&self) -> Duration {
        self.detection * 3 / 5
    }
}
