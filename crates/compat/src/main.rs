//! The table of set-ups: a store behind each proxy that people run, with real programs.
//!
//! `cargo xtask compat` finds or builds the programs and calls this one. It ends with an error if a set-up
//! does not pass a check.

mod arguments;
mod checks;
mod followed;
mod followed_map;
mod map;
mod row;
mod set_up;
mod table;
mod writer;

use std::process::ExitCode;

use futures_util::{StreamExt, stream};
use tokio::task::{LocalSet, spawn_local};

use crate::{arguments::Arguments, row::Row};

/// How many set-ups are checked at once. Most of the time they wait.
const AT_ONCE: usize = 8;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let rows = arguments.set_ups().into_iter().map(|set_up| {
        let pace = arguments.pace;
        // A task of its own: the harness panics if a program does not start.
        let checks = spawn_local(async move { (set_up.name(), checks::run(set_up, pace).await) });
        async move { checks.await.map_err(|error| format!("{error}")) }
    });
    let checked = stream::iter(rows).buffered(AT_ONCE).collect();
    let rows: Vec<_> = LocalSet::new().run_until(checked).await;
    let mut finished = Vec::new();
    for row in rows {
        match row {
            Ok((name, cells)) => finished.push(Row::new(name, cells)),
            Err(error) => finished.push(Row::broken(error)),
        }
    }
    let table = table::table(&finished, &arguments.missing);
    println!("{table}");
    if let Some(page) = &arguments.page
        && let Err(error) = table::write(page, &table)
    {
        eprintln!("{}: {error}", page.display());
        return ExitCode::FAILURE;
    }
    if finished.iter().all(Row::passes) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
