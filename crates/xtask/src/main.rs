//! The project's commands. `cargo xtask help` lists them.

mod benchmarks;
mod ci;
mod compat;
mod debian;
mod etcd;
mod features;
mod golang;
mod instructions;
mod metadata;
mod msrv;
mod mutants;
mod package;
mod programs;
mod run;
mod tests;
mod tool;
mod transcript;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

Checks:
  ci           Runs every check that a change must pass, in this order: format, clippy, features,
               msrv, test, compat and faults (short), loom, docs, example, package. Then it shows the
               instruction counts.
  test [ARGS]  Finds an etcd and runs every test. ARGS go to `cargo test`, for example `-- NAME`.
  loom         Runs the tests of the cell under loom, which tries the possible interleavings.
  features     Checks the published crates with no feature, with each feature alone, and with all.
  msrv         Checks that the published crates build with the Rust version that they declare.
  package      Packages the published crates and builds the packages.
  transcript [--check | --keep]
               Runs the README's two programs on an etcd that it kills, and prints what they print.
               `--check` compares that with the README, as a test does, and `--keep` writes it there.

Longer runs:
  faults [ARGS]
               Runs the fault table on real servers. `--long` adds the rows that take minutes. A word
               selects the rows whose name contains it. `--quick` runs the rows that CI runs.
  compat [ARGS]
               Checks a store with each version of etcd behind each proxy that people run, with the real
               programs, which it gets from Debian, PyPI and the Go module proxy. It writes the table
               into docs/set-ups.md. Words select the set-ups whose name contains them; the page then
               stays. `--quick` checks what is here with one etcd, and says what is not here.
  soak [MINUTES [SEED]]
               Breaks three nodes at random. MINUTES is 10 if you leave it out.
  simulate [N] Runs the session through N random schedules. N is 1000000 if you leave it out.
  mutants [ARGS]
               Changes the code that keeps the promises, one place at a time, and runs the tests on
               each change. A change that no test notices is a missing test. ARGS go to cargo-mutants,
               for example `--list` or `--shard 0/8`. It installs cargo-mutants under the target folder
               if the PATH has none. All mutants take hours.

Measurements:
  instructions [--keep]
               Counts the instructions of each step and shows them next to the recorded counts.
               `--keep` records the new counts. It does nothing without valgrind.
  bench-etcd [ARGS]
               Compares a store with hand-written loops on a real server. It takes six minutes. A word
               selects the workloads whose name contains it. `--quick` runs small ones.
  bench-etcd-maps [ARGS]
               The same for maps, and with etcd's own mirror in Go, if there is a Go. It takes eight minutes.
  bench-maps [WORD]
               Compares a map in memory with those of other crates, in a package of its own, as their
               dependencies are many. A word selects the benchmarks whose name contains it.
  fleet [NODES]
               Runs thousands of stores behind four `etcd grpc-proxy` and without them, kills proxies and
               the cluster under them, and checks that they spread evenly and make no storm. It takes
               ten minutes. NODES is 1 if you leave it out.
  charts       Draws the charts and the tables of docs/benchmarks.md from the recorded runs.

Other:
  etcd         Finds an etcd and prints its path.
  help         Prints this text.

The commands that need an etcd take the first of these that works: the one that ETCD_BIN names, the
one on the PATH, the one that an earlier run left under the target folder, one built from the Go module
proxy, and the one in Debian's package etcd-server.";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next();
    let rest: Vec<String> = args.collect();
    let done = match command.as_deref() {
        Some("ci") => ci::all(),
        Some("test") => tests::all(&rest).map(drop),
        Some("loom") => tests::loom().map(drop),
        Some("features") => features::check().map(drop),
        Some("msrv") => msrv::check().map(drop),
        Some("package") => package::check().map(drop),
        Some("transcript") => transcript::run(&rest),
        Some("faults") => tests::faults(&rest),
        Some("compat") => compat::run(&rest),
        Some("soak") => tests::faults(&[vec!["soak".to_owned()], rest].concat()),
        Some("simulate") => tests::simulate(rest.first().map_or("1000000", String::as_str)),
        Some("mutants") => mutants::run(&rest),
        Some("instructions") => instructions::run(&rest),
        Some("bench-etcd") => benchmarks::etcd(&rest),
        Some("bench-etcd-maps") => benchmarks::etcd_maps(&rest),
        Some("bench-maps") => benchmarks::maps(&rest),
        Some("fleet") => benchmarks::fleet(&rest),
        Some("charts") => benchmarks::charts(),
        Some("etcd") => etcd::get().map(|etcd| println!("{}", etcd.path.display())),
        Some("help" | "--help" | "-h") => {
            println!("{HELP}");
            Ok(())
        }
        Some(other) => Err(format!("there is no command `{other}`\n\n{HELP}")),
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
