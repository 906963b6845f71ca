//! The results of one run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Record, Role};

/// The records of a run, in the order in which they were measured.
#[derive(Debug, Default)]
pub struct Report {
    records: Vec<Record>,
}

impl Report {
    /// An empty report.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record, and prints it as a line of JSON.
    pub fn add(&mut self, record: Record) {
        println!("{}", json(&record));
        self.records.push(record);
    }

    /// Prints the table. If the run is whole, also writes its records to
    /// `target/benchmarks/<name>.jsonl`.
    ///
    /// A filtered run is not whole. It writes no file, because the file would lose the benchmarks that the
    /// filter left out.
    ///
    /// # Errors
    ///
    /// If there is no record, or if the file can't be written.
    pub fn finish(&self, name: &str, is_whole: bool) -> io::Result<()> {
        if self.records.is_empty() {
            return Err(io::Error::other("no benchmark matches the filter"));
        }
        println!("\n{}", self.table());
        if !is_whole {
            return Ok(());
        }
        let folder = folder();
        fs::create_dir_all(&folder)?;
        let lines: String = self.records.iter().map(|record| json(record) + "\n").collect();
        fs::write(folder.join(name).with_extension("jsonl"), lines)
    }

    /// Reads the records that [`finish`](Self::finish) wrote to a file.
    ///
    /// # Errors
    ///
    /// If the file can't be read, or if a line is not a record.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(path)?;
        let records = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        Ok(Self { records })
    }

    /// The records.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// A Markdown table with a row for each benchmark and size.
    ///
    /// A row has our value, the best peer, the floor, the ratios of our value to both, and all peers. Each
    /// variant of ours has its own row.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = String::from(
            "| work | ours | best peer | ours / best peer | floor | ours / floor | all peers |\n\
             |---|---|---|---|---|---|---|\n",
        );
        let mut works: Vec<(&str, Option<u64>)> = Vec::new();
        for record in &self.records {
            let work = (&*record.work, record.size);
            if !works.contains(&work) {
                works.push(work);
            }
        }
        for (work, size) in works {
            let of = |role: Role| {
                self.records.iter().filter(move |record| {
                    record.work == work && record.size == size && record.role == role
                })
            };
            let mut peers: Vec<&Record> = of(Role::Peer).collect();
            peers.sort_by(|a, b| a.value.total_cmp(&b.value));
            let floor = of(Role::Floor).min_by(|a, b| a.value.total_cmp(&b.value));
            let mut variants: Vec<Option<&Record>> = of(Role::Ours).map(Some).collect();
            if variants.is_empty() {
                variants.push(None);
            }
            for ours in variants {
                table.push_str(&row(work, size, ours, &peers, floor));
            }
        }
        table
    }
}

fn row(
    work: &str,
    size: Option<u64>,
    ours: Option<&Record>,
    peers: &[&Record],
    floor: Option<&Record>,
) -> String {
    let named = |record: &Record| format!("{} {}", record.who, format_value(record));
    let variant = ours.and_then(|ours| ours.who.strip_prefix("ours")).unwrap_or_default();
    let size = size.map_or(String::new(), |size| format!(" ({size})"));
    let best = peers.first().copied();
    let all = peers.iter().map(|peer| named(peer)).collect::<Vec<_>>().join(", ");
    format!(
        "| {work}{variant}{size} | {} | {} | {} | {} | {} | {} |\n",
        cell(ours.map(format_value)),
        cell(best.map(named)),
        cell(ratio(ours, best)),
        cell(floor.map(named)),
        cell(ratio(ours, floor)),
        cell((!all.is_empty()).then_some(all)),
    )
}

fn cell(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

fn ratio(ours: Option<&Record>, other: Option<&Record>) -> Option<String> {
    let (ours, other) = (ours?, other?);
    (other.value > 0.0).then(|| format!("{:.2}", ours.value / other.value))
}

/// The value with three significant digits, and the unit.
fn format_value(record: &Record) -> String {
    let Record { value, unit, .. } = record;
    let decimals = if *value >= 100.0 {
        0
    } else if *value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.decimals$} {unit}").trim_end().to_owned()
}

fn json(record: &Record) -> String {
    serde_json::to_string(record).expect("a record is always valid JSON")
}

/// The folder `benchmarks` in cargo's target folder. The target folder may have any name; cargo puts a
/// `CACHEDIR.TAG` into it.
fn folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    target.unwrap_or(Path::new("target")).join("benchmarks")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, role: Role, value: f64) -> Record {
        let who = name.to_owned();
        Record { work: "set".into(), size: Some(7), who, role, value, unit: "ns".into() }
    }

    #[test]
    fn a_row_compares_ours_with_the_best_peer_and_the_floor() {
        let records = vec![
            record("slow", Role::Peer, 80.0),
            record("ours", Role::Ours, 10.0),
            record("quick", Role::Peer, 40.0),
            record("waking", Role::Floor, 8.0),
        ];
        let table = Report { records }.table();
        let row = table.lines().last().unwrap();
        assert_eq!(
            row,
            "| set (7) | 10.0 ns | quick 40.0 ns | 0.25 | waking 8.00 ns | 1.25 | quick 40.0 ns, slow 80.0 ns |"
        );
    }

    #[test]
    fn each_variant_of_ours_has_its_own_row() {
        let records = vec![
            record("ours", Role::Ours, 80.0),
            record("ours, boxed", Role::Ours, 20.0),
            record("quick", Role::Peer, 40.0),
        ];
        let table = Report { records }.table();
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| set (7) | 80.0 ns | quick 40.0 ns | 2.00 | – | – | quick 40.0 ns |",
                "| set, boxed (7) | 20.0 ns | quick 40.0 ns | 0.50 | – | – | quick 40.0 ns |",
            ]
        );
    }

    #[test]
    fn finishing_without_a_record_is_an_error() {
        assert!(Report::new().finish("nothing", true).is_err());
    }
}
