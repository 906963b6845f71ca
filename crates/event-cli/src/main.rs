//! `event`: follows values from a terminal or a script.
//!
//! `event watch` prints each version of some keys, as lines or as a live table. `event get` prints one version, and
//! `event check` says whether it decodes.

mod arguments;
mod exit;

mod check;
mod get;
mod watch;

mod closed_pipe;
mod document;
mod lines;
mod look;
mod output;
mod signals;
mod table;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use event_core::{BoxStore, Error};

use crate::arguments::{Arguments, Command};
use crate::exit::Failure;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return exit::of_arguments(&error),
    };
    exit::of(run(arguments).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let verbose = arguments.verbose;
    match arguments.command {
        Command::Watch(arguments) => watch::run(arguments, verbose).await,
        Command::Get(arguments) => {
            log(verbose);
            get::run(&arguments).await
        }
        Command::Check(arguments) => {
            log(verbose);
            check::run(&arguments).await
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "event", &mut script);
            output::write(&script)
        }
    }
}

async fn open(url: &str) -> Result<BoxStore, Error> {
    event_open::open(url).await
}

/// Logs to stderr, if the user wants it.
fn log(verbose: bool) {
    if verbose {
        tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    }
}
