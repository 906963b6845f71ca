//! What a fault came to: a row of the table.

use std::fmt;
use std::time::Duration;

use event_core::Health;

/// The default bound, and a second for what is measured around it.
const DETECTION: Duration = Duration::from_secs(6);

pub(crate) struct Row {
    /// From the fault to the first health that says stalled.
    pub(crate) detected: Option<Duration>,
    /// From healing, or from the fault where another member could serve.
    pub(crate) took: Duration,
    pub(crate) bound: Duration,
    pub(crate) lost: u32,
    pub(crate) backward: u32,
    pub(crate) said: String,
    /// What else had to be true and was not.
    pub(crate) missed: Vec<String>,
    /// Why the row could not run here.
    pub(crate) not_run: Option<String>,
}

impl Row {
    pub(crate) fn new(took: Duration, bound: Duration) -> Self {
        Self {
            detected: None,
            took,
            bound,
            lost: 0,
            backward: 0,
            said: String::new(),
            missed: Vec::new(),
            not_run: None,
        }
    }

    /// The row as one line, for another process.
    pub(crate) fn to_line(&self) -> String {
        let detected = self.detected.map_or(-1, |after| after.as_millis().cast_signed());
        let (took, bound) = (self.took.as_millis(), self.bound.as_millis());
        let Self { lost, backward, said, missed, .. } = self;
        let missed = missed.join("; ");
        format!("{detected}\t{took}\t{bound}\t{lost}\t{backward}\t{said}\t{missed}")
    }

    /// Reads what [`to_line`](Self::to_line) wrote.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let mut parts = line.split('\t');
        let detected: i64 = parts.next()?.parse().ok()?;
        let mut millis = || Some(Duration::from_millis(parts.next()?.parse().ok()?));
        let mut row = Self::new(millis()?, millis()?);
        row.detected = u64::try_from(detected).ok().map(Duration::from_millis);
        (row.lost, row.backward) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        row.said = parts.next()?.into();
        row.missed.extend(parts.next().filter(|missed| !missed.is_empty()).map(str::to_owned));
        Some(row)
    }

    /// A row that needs what is not here.
    pub(crate) fn not_run(needs: impl Into<String>) -> Self {
        Self { not_run: Some(needs.into()), ..Self::new(Duration::ZERO, Duration::ZERO) }
    }

    /// Notes what had to be true.
    #[must_use]
    pub(crate) fn require(mut self, kept: bool, or: impl Into<String>) -> Self {
        if !kept {
            self.missed.push(or.into());
        }
        self
    }

    /// Health has to say stalled, within the detection bound.
    #[must_use]
    pub(crate) fn require_detected(self) -> Self {
        let detected = self.detected.is_some_and(|after| after <= DETECTION);
        self.require(detected, "health did not say stalled within the bound")
    }

    /// Health has to name this, a sort of cause or a replaced history.
    #[must_use]
    pub(crate) fn require_said(self, word: &str) -> Self {
        let said = self.said.contains(word);
        self.require(said, format!("health did not say {word}"))
    }

    /// Steps back belong to the fault: the history went back.
    #[must_use]
    pub(crate) fn history_went_back(mut self) -> Self {
        if self.backward > 0 {
            self.said = format!("{}; {} step back, as the history went", self.said, self.backward);
        }
        self.backward = 0;
        self
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.not_run.is_some()
            || (self.took <= self.bound
                && self.lost == 0
                && self.backward == 0
                && self.missed.is_empty())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(needs) = &self.not_run {
            return write!(f, "– | – | – | – | – | not run: needs {needs}");
        }
        let detected =
            self.detected.map_or("–".to_owned(), |after| format!("{:.2} s", after.as_secs_f64()));
        let over = if self.took > self.bound { " **over**" } else { "" };
        let (took, bound) = (self.took.as_secs_f64(), self.bound.as_secs_f64());
        let Self { lost, backward, said, .. } = self;
        write!(f, "{detected} | {took:.3} s{over} | {bound:.1} s | {lost} | {backward} | {said}")?;
        for missed in &self.missed {
            write!(f, " **{missed}**")?;
        }
        Ok(())
    }
}

/// The states in order, each with the sort of its cause.
pub(crate) fn said<'a>(healths: impl Iterator<Item = &'a Health>) -> String {
    let mut words: Vec<String> = Vec::new();
    for health in healths {
        let mut word = match &health.cause {
            Some(cause) => format!("{:?}", cause.kind()),
            None => health.state.to_string(),
        };
        if health.history_resets > 0 {
            word.push_str(" (replaced)");
        }
        if words.last() != Some(&word) {
            words.push(word);
        }
    }
    words.join(" → ")
}
