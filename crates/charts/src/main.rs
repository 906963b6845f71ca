//! Draws the recorded runs: `cargo xtask charts`.
//!
//! It takes `docs/benchmarks/*.jsonl`, as the benchmarks wrote them, and puts an SVG beside them for each
//! work that is worth a picture.

mod chart;

use std::path::Path;
use std::process::ExitCode;

use measure::Report;

use crate::chart::Chart;

/// A file of records, a work in it, and the picture of it.
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
];

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/benchmarks");
    for (records, work, chart) in CHARTS {
        let path = folder.join(records).with_extension("jsonl");
        let drawn = Report::read(&path)
            .map_err(|error| error.to_string())
            .and_then(|report| chart.draw(&report, work, &folder));
        if let Err(error) = drawn {
            eprintln!("{}: {work}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
