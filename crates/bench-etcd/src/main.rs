//! What following keys of an etcd costs: the store beside loops written by hand, on a real server.
//!
//! `cargo xtask bench-etcd` runs all works, about six minutes; with a word only those that have it in
//! their name, and with `--quick` at small sizes, to see that they run. Within a work the contenders
//! take turns.
//!
//! `cargo xtask bench-etcd-maps` runs the works of maps instead, about eight minutes, with the same arguments.
//! `cargo xtask fleet` runs [`fleet`]: many stores on one cluster.

mod board;
mod child;
mod contenders;
mod fleet;
mod keys;
mod maps;
mod process;
mod run;
mod server;
mod works;

use std::pin::Pin;
use std::process::ExitCode;

use etcd_harness::Binary;

use crate::run::Run;

/// A work: its name, and what does it.
type Work = (&'static str, for<'a> fn(&'a mut Run) -> Pin<Box<dyn Future<Output = ()> + 'a>>);

/// Names a work and boxes what does it.
macro_rules! works {
    ($($name:literal => $run:path),* $(,)?) => {
        &[$(($name, |run| Box::pin($run(run)))),*]
    };
}

const WORKS: &[Work] = works![
    "put to get" => works::put_to_get::measure,
    "first values" => works::first_values::measure,
    "after a restart" => works::after_restart::measure,
    "client memory" => works::client_memory::measure,
    "server memory" => works::server_memory::measure,
    "one key" => works::one_key::measure,
    "many puts" => works::many_puts::measure,
    "asleep" => works::asleep::measure,
    "idle" => works::idle::measure,
];

const MAP_WORKS: &[Work] = works![
    "load" => works::maps::load::measure,
    "small reads" => works::maps::small_reads::measure,
    "server memory" => works::maps::server_memory::measure,
    "read again" => works::maps::read_again::measure,
    "reconnect" => works::maps::reconnect::measure,
    "changes" => works::maps::changes::measure,
    "watchers" => works::maps::watchers::measure,
    "put to change" => works::maps::put_to_change::measure,
    "lease" => works::maps::lease::measure,
];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> std::io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "child") {
        child::follow(&arguments[1..]).await;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.first().is_some_and(|first| first == fleet::part::CHILD) {
        fleet::part::run(&arguments[1..]).await;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.first().is_some_and(|first| first == maps::child::CHILD) {
        maps::child::run(&arguments[1..]).await;
        return Ok(ExitCode::SUCCESS);
    }
    let is_fleet = arguments.first().is_some_and(|first| first == "fleet");
    let is_maps = arguments.first().is_some_and(|first| first == "maps");
    let rest = &arguments[usize::from(is_maps)..];
    let only = rest.iter().find(|argument| !argument.starts_with("--"));
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let mut run = Run::new(quick);
    let (major, minor, patch) = Binary::find().version();
    println!("{}", process::cpu_model());
    println!("{} cores", std::thread::available_parallelism().map_or(1, usize::from));
    println!("etcd {major}.{minor}.{patch}");
    if is_fleet {
        let kept = Box::pin(fleet::measure(&arguments[1..])).await;
        return Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let (works, records) = if is_maps { (MAP_WORKS, "etcd-maps") } else { (WORKS, "etcd") };
    for (name, work) in works {
        if only.is_none_or(|only| name.contains(only.as_str())) {
            eprintln!("-- {name}");
            work(&mut run).await;
        }
    }
    run.report.finish(records, only.is_none() && !quick)?;
    Ok(ExitCode::SUCCESS)
}
