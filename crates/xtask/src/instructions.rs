//! Instruction counts, next to the recorded ones.
//!
//! Every run of one build has the same counts. Another compiler or another libc changes them. Therefore
//! a change is shown, and is no failure.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    run::{self, cargo},
    tool, workspace,
};

const BENCH: &[&str] = &["bench", "--package", "event-core", "--bench", "instructions"];
const RUNNER: &str = "gungraun-runner";

/// The counts by name, such as `get_ready/ours`.
type Counts = BTreeMap<String, u64>;

/// Counts, shows the counts next to the recorded ones, and records them if `args` say `--keep`.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let keep = match args {
        [] => false,
        [arg] if arg == "--keep" => true,
        _ => return Err("usage: cargo xtask instructions [--keep]".to_owned()),
    };
    if workspace::on_path("valgrind").is_none() {
        eprintln!("\n== instructions: not counted, because the PATH has no valgrind");
        return Ok(());
    }
    let counts = count(&runner()?)?;
    println!("\n{}", table(&counts, &recorded()));
    if keep {
        let line = |(name, count)| format!("{name} {count}\n");
        let lines = counts.iter().map(line).collect::<Vec<_>>().concat();
        fs::write(file(), lines).map_err(|error| format!("{}: {error}", file().display()))?;
    }
    Ok(())
}

/// Runs the benchmark under valgrind and takes the counts from what it prints.
fn count(runner: &Path) -> Result<Counts, String> {
    eprintln!("\n== instructions: cargo {}", BENCH.join(" "));
    let mut command = cargo(BENCH.iter().copied());
    command.env("GUNGRAUN_RUNNER", runner).env("GUNGRAUN_COLOR", "never");
    command.env("GUNGRAUN_HOME", workspace::target().join("gungraun"));
    let output = run::quiet(command)?;
    let counts = parse(&String::from_utf8_lossy(&output.stdout));
    if counts.is_empty() { Err("the benchmark printed no counts".to_owned()) } else { Ok(counts) }
}

/// The runner must have the version of the library that the benchmark is built with.
fn runner() -> Result<PathBuf, String> {
    tool::install(RUNNER, &version()?)
}

fn version() -> Result<String, String> {
    let lock = fs::read_to_string(workspace::root().join("Cargo.lock")).unwrap_or_default();
    let version = lock.split_once("\nname = \"gungraun\"\nversion = \"");
    let version = version.and_then(|(_, rest)| rest.split_once('"'));
    let (version, _) = version.ok_or("Cargo.lock has no gungraun")?;
    Ok(version.to_owned())
}

/// The benchmark prints a line `instructions::steps::STEP WHO:(...)`, and an indented line
/// `Instructions: COUNT|...` below it.
fn parse(printed: &str) -> Counts {
    let mut counts = Counts::new();
    let mut name = None;
    for line in printed.lines() {
        if let Some(heading) = line.strip_prefix("instructions::steps::") {
            let heading = heading.split_once(':').map_or(heading, |(heading, _)| heading);
            name = Some(heading.replace(' ', "/"));
        } else if let Some(numbers) = line.trim_start().strip_prefix("Instructions:") {
            let count = numbers.split('|').next().and_then(|count| count.trim().parse().ok());
            counts.extend(name.take().zip(count));
        }
    }
    counts
}

fn table(counts: &Counts, recorded: &Counts) -> String {
    let mut lines = vec![format!("{:<28} | {:>8} | {:>8} | change", "name", "count", "recorded")];
    for (name, count) in counts {
        let (recorded, change) = match recorded.get(name) {
            Some(recorded) => (recorded.to_string(), change(*count, *recorded)),
            None => ("–".to_owned(), "–".to_owned()),
        };
        lines.push(format!("{name:<28} | {count:>8} | {recorded:>8} | {change:>6}"));
    }
    lines.join("\n")
}

/// The change in percent, rounded towards zero.
fn change(count: u64, recorded: u64) -> String {
    let difference = i128::from(count) - i128::from(recorded);
    let tenths = difference * 1000 / i128::from(recorded.max(1));
    let sign = if difference < 0 { '-' } else { '+' };
    format!("{sign}{}.{} %", tenths.abs() / 10, tenths.abs() % 10)
}

fn recorded() -> Counts {
    let text = fs::read_to_string(file()).unwrap_or_default();
    let line = |line: &str| {
        let (name, count) = line.rsplit_once(' ')?;
        Some((name.to_owned(), count.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

fn file() -> PathBuf {
    workspace::root().join("crates/event-core/benches/instructions.txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_shows_a_count_next_to_the_recorded_one() {
        let printed = "\
instructions::steps::get_ready ours:(get :: < Ours > ())
  Instructions:                                         90|81                   (+11.111%)
  L1 Hits:                                             131|N/A                  (*********)
instructions::steps::get_ready tokio:(get :: < Tokio > ())
  Instructions:                                        400|N/A                  (*********)
";
        let recorded = Counts::from([("get_ready/ours".to_owned(), 100)]);
        let table = table(&parse(printed), &recorded);
        let rows: Vec<&str> = table.lines().skip(1).collect();
        assert_eq!(
            rows,
            [
                "get_ready/ours               |       90 |      100 | -10.0 %",
                "get_ready/tokio              |      400 |        – |      –",
            ]
        );
    }
}
