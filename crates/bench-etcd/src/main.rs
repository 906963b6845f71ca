//! What following keys of an etcd costs: the store beside loops written by hand, on a real server.
//!
//! `cargo xtask bench-etcd` runs all works, about six minutes; with a word only those that have it in
//! their name, and with `--quick` at small sizes, to see that they run. Within a work the contenders
//! take turns.
//!
//! `cargo xtask fleet` runs [`fleet`] instead: many stores on one cluster.

mod board;
mod child;
mod contenders;
mod fleet;
mod keys;
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
    let is_fleet = arguments.first().is_some_and(|first| first == "fleet");
    let only = arguments.iter().find(|argument| !argument.starts_with("--"));
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
    for (name, work) in WORKS {
        if only.is_none_or(|only| name.contains(only.as_str())) {
            eprintln!("-- {name}");
            work(&mut run).await;
        }
    }
    run.report.finish("etcd", only.is_none() && !quick)?;
    Ok(ExitCode::SUCCESS)
}
