//! A row of the table.

use std::time::Duration;

/// What a check came to.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    /// It passed, with what was measured.
    Passed(String),
    /// It failed.
    Failed(String),
    /// The set-up has nothing to check.
    Absent,
}

impl Cell {
    pub(crate) fn took(time: Duration) -> Self {
        Self::Passed(format!("{:.2} s", time.as_secs_f64()))
    }

    fn text(&self) -> String {
        match self {
            Self::Passed(measured) => measured.clone(),
            // A line break or a bar would end the cell.
            Self::Failed(why) => format!("**{}**", why.replace(['\n', '|'], " ")),
            Self::Absent => "–".to_owned(),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    name: String,
    cells: Vec<Cell>,
}

impl Row {
    /// `name` is the first two cells.
    pub(crate) fn new(name: String, cells: Vec<Cell>) -> Self {
        Self { name, cells }
    }

    /// A set-up that did not start.
    pub(crate) fn broken(error: String) -> Self {
        Self { name: "– | –".to_owned(), cells: vec![Cell::Failed(error)] }
    }

    pub(crate) fn passes(&self) -> bool {
        !self.cells.iter().any(|cell| matches!(cell, Cell::Failed(_)))
    }

    pub(crate) fn line(&self) -> String {
        let cells: Vec<String> = self.cells.iter().map(Cell::text).collect();
        format!("| {} | {} |", self.name, cells.join(" | "))
    }
}
