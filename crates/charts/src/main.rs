//! Renders the recorded benchmarks: `cargo xtask charts`.
//!
//! It reads the records in `docs/benchmarks/*.jsonl`. It draws a chart of some of the benchmarks, as an
//! SVG in the same folder, and writes a table of each file into `docs/benchmarks.md`, and a list of the bars that are
//! missed.

mod bars;
mod chart;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use measure::Report;

use crate::chart::Chart;

/// A file of records, a benchmark in it, and its chart.
const CHARTS: &[(&str, &str, Chart)] = &[
    (
        "event-core",
        "set, all wait, u64",
        Chart { file: "fan-out", title: "A set, until all watchers are woken", size: "watchers" },
    ),
    (
        "etcd",
        "first values of many keys",
        Chart { file: "start-up", title: "Until every key has its first value", size: "keys" },
    ),
    (
        "etcd",
        "new values of many keys after a restart",
        Chart { file: "recovery", title: "Until every key is right again", size: "keys" },
    ),
    (
        "etcd-maps",
        "load a map",
        Chart { file: "map-load", title: "Until a map is loaded", size: "keys" },
    ),
    (
        "etcd-maps",
        "client memory of a loaded map, a key beside its content",
        Chart {
            file: "map-memory",
            title: "Client memory of a loaded map, a key beside its content",
            size: "keys",
        },
    ),
];

/// The files whose records become tables. In the page, each table follows a comment with the file's name.
const TABLES: [&str; 5] = ["event-core", "maps", "codec", "etcd", "etcd-maps"];
/// The comment before the list of the bars that are missed.
const BARS: &str = "bars";

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/benchmarks");
    for (records, work, chart) in CHARTS {
        let drawn = read(&folder, records).and_then(|report| chart.draw(&report, work, &folder));
        if let Err(error) = drawn {
            eprintln!("{records}: {work}: {error}");
            return ExitCode::FAILURE;
        }
    }
    if let Err(error) = write_tables(&folder) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn read(folder: &Path, records: &str) -> Result<Report, String> {
    let path = folder.join(records).with_extension("jsonl");
    Report::read(&path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write_tables(folder: &Path) -> Result<(), String> {
    let path = folder.with_extension("md");
    let with_path = |error| format!("{}: {error}", path.display());
    let mut page = fs::read_to_string(&path).map_err(with_path)?;
    for records in TABLES {
        let table = read(folder, records)?.table();
        page = with_paragraph(&page, records, &table)
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    page = with_paragraph(&page, BARS, &bars_missed(folder)?)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    fs::write(&path, page).map_err(with_path)
}

/// The page with another paragraph after a comment, which may have none yet.
fn with_paragraph(page: &str, name: &str, paragraph: &str) -> Result<String, String> {
    let comment = format!("<!-- {name} -->\n");
    let (before, after) = page
        .split_once(&comment)
        .ok_or_else(|| format!("missing comment {}", comment.trim_end()))?;
    let is_empty = after.strip_prefix('\n');
    let rest = is_empty.or_else(|| Some(after.split_once("\n\n")?.1)).unwrap_or_default();
    Ok(format!("{before}{comment}{paragraph}\n{rest}"))
}

fn bars_missed(folder: &Path) -> Result<String, String> {
    let mut missed = Vec::new();
    for bar in bars::BARS {
        missed.extend(bar.missed(&read(folder, bar.records)?)?);
    }
    Ok(bars::list(&missed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_replaces_the_one_after_its_comment_and_nothing_else() {
        let page = "before\n\n<!-- a -->\n\nafter\n\n<!-- b -->\nold\nlines\n\nend\n";
        let page = with_paragraph(page, "a", "new\n").unwrap();
        let page = with_paragraph(&page, "b", "new\n").unwrap();
        let expected = "before\n\n<!-- a -->\nnew\n\nafter\n\n<!-- b -->\nnew\n\nend\n";
        assert_eq!(page, expected);
        assert_eq!(with_paragraph(&page, "a", "new\n").unwrap(), expected);
        assert!(with_paragraph(&page, "c", "new\n").is_err());
    }
}
