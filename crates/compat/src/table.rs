//! The table, and the page that has it.

use std::{fmt::Write as _, fs, io, path::Path};

use crate::row::Row;

const HEAD: &str = "\
| etcd | through | first value | change | idle | proxy restarted | server restarted | many keys | map |
|---|---|---|---|---|---|---|---|---|
";
const BEGIN: &str = "<!-- cargo xtask compat -->\n";
const END: &str = "<!-- end -->";

pub(crate) fn table(rows: &[Row], missing: &[(String, String)]) -> String {
    let mut table = HEAD.to_owned();
    for row in rows {
        let _ = writeln!(table, "{}", row.line());
    }
    for (name, why) in missing {
        let _ = write!(table, "\nNot checked here: {name}, because {why}.\n");
    }
    table
}

/// Replaces the table of a page.
pub(crate) fn write(page: &Path, table: &str) -> io::Result<()> {
    let text = fs::read_to_string(page)?;
    let around = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let Some((before, after)) = around else {
        return Err(io::Error::other(format!("it lacks {BEGIN:?} or {END:?}")));
    };
    fs::write(page, format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}
