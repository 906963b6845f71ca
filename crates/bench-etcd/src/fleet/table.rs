//! The table of a run.

/// Prints rows, and remembers whether all checks hold.
pub(crate) struct Table {
    is_kept: bool,
}

impl Table {
    pub(crate) fn start() -> Self {
        println!("\n| what | measured | must be |\n|---|---|---|");
        Self { is_kept: true }
    }

    pub(crate) fn row(&self, what: &str, measured: impl AsRef<str>) {
        println!("| {what} | {} | |", measured.as_ref());
    }

    /// A row with a check.
    pub(crate) fn check(&mut self, what: &str, measured: impl AsRef<str>, must: &str, holds: bool) {
        let failed = if holds { "" } else { " **failed**" };
        println!("| {what} | {} | {must}{failed} |", measured.as_ref());
        self.is_kept &= holds;
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept
    }
}
