//! A run of the works, and what it came to.

use measure::{Record, Report, Role};

use crate::contenders::Contender;

/// What the works share.
pub(crate) struct Run {
    pub(crate) report: Report,
    /// Small sizes and few rounds: to see that all works run.
    quick: bool,
}

impl Run {
    pub(crate) fn new(quick: bool) -> Self {
        Self { report: Report::new(), quick }
    }

    /// A size, a number of rounds or of seconds; the second one where the run is a quick one.
    pub(crate) fn size<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Adds a contender's figure.
    pub(crate) fn add(
        &mut self,
        work: &str,
        size: Option<usize>,
        who: Contender,
        value: f64,
        unit: &str,
    ) {
        self.add_as(work, size, (who.name(), who.role()), value, unit);
    }

    /// Adds a figure of somebody who is no contender.
    pub(crate) fn add_as(
        &mut self,
        work: &str,
        size: Option<usize>,
        (who, role): (&str, Role),
        value: f64,
        unit: &str,
    ) {
        self.report.add(Record {
            work: work.to_owned(),
            size: size.map(|size| size as u64),
            who: who.to_owned(),
            role,
            value,
            unit: unit.to_owned(),
        });
    }
}
