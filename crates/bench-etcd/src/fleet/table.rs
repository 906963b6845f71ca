//! The table of a run: a row for each figure, a column for each set-up.

#[derive(Default)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
    failed: bool,
}

impl Table {
    pub(crate) fn column(&mut self, name: String) {
        eprintln!("-- {name}");
        self.columns.push(name);
    }

    /// Adds a figure to the last column.
    pub(crate) fn add(&mut self, what: &str, measured: impl Into<String>) {
        let measured = measured.into();
        eprintln!("{what}: {measured}");
        let at = self.rows.iter().position(|(name, _)| name == what).unwrap_or_else(|| {
            self.rows.push((what.to_owned(), Vec::new()));
            self.rows.len() - 1
        });
        self.rows[at].1.resize(self.columns.len() - 1, "–".to_owned());
        self.rows[at].1.push(measured);
    }

    /// Adds a figure that has to be right.
    pub(crate) fn check(&mut self, what: &str, measured: impl Into<String>, holds: bool) {
        let failed = if holds { "" } else { " **failed**" };
        self.add(what, measured.into() + failed);
        self.failed |= !holds;
    }

    /// Prints it, and returns whether all figures are right.
    pub(crate) fn finish(mut self) -> bool {
        println!(
            "\n| | {} |\n|---|{}",
            self.columns.join(" | "),
            "---|".repeat(self.columns.len())
        );
        for (what, cells) in &mut self.rows {
            cells.resize(self.columns.len(), "–".to_owned());
            println!("| {what} | {} |", cells.join(" | "));
        }
        !self.failed
    }
}
