//! The project's commands: `cargo xtask help` lists them.

mod ci;
mod debian;
mod etcd;
mod golang;
mod instructions;
mod run;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  test [ARGS]  gets an etcd and runs every test; ARGS go to `cargo test`, such as `-- NAME`
  etcd         gets an etcd and prints where it is
  loom         runs the cell through the interleavings that loom tries
  faults [ARGS]
               runs the fault table on real servers; `--long` adds the rows that last for minutes, a
               word chooses the rows that have it in their name
  soak [MINUTES [SEED]]
               breaks three nodes at random, 10 minutes where nothing is said
  simulate [N] runs the session through N random schedules, a million where N is left out
  instructions [--keep]
               counts the instructions of each step beside the kept counts, where there is a valgrind;
               `--keep` keeps the new ones
  bench-etcd [ARGS]
               measures a store on a real server beside loops written by hand, six minutes; a word chooses
               the works that have it in their name, `--quick` runs them small
  charts       shows the recorded runs: charts and tables of docs/benchmarks.md
  ci           all that has to pass: format, clippy, tests, loom, docs, examples; shows the counts

An etcd is the one that ETCD_BIN names, else the one on the PATH, else one that an earlier run has put
under the target folder, else one built from the Go proxy, else the one of Debian's etcd-server.";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next();
    let rest: Vec<String> = args.collect();
    let done = match command.as_deref() {
        Some("test") => ci::test(&rest),
        Some("etcd") => etcd::get().map(|etcd| println!("{}", etcd.path.display())),
        Some("loom") => ci::loom(),
        Some("faults") => ci::faults(&rest),
        Some("soak") => ci::faults(&[vec!["soak".to_owned()], rest].concat()),
        Some("simulate") => ci::simulate(rest.first().map_or("1000000", String::as_str)),
        Some("instructions") => instructions::run(&rest),
        Some("bench-etcd") => ci::bench_etcd(&rest),
        Some("charts") => ci::charts(),
        Some("ci") => ci::all(),
        Some("help" | "--help" | "-h") => {
            println!("{HELP}");
            Ok(())
        }
        Some(other) => Err(format!("there is no command {other}\n\n{HELP}")),
        None => Err(HELP.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
