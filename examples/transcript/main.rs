//! What the README's two programs print while their etcd is killed: `cargo xtask transcript`.
//!
//! It prints the transcript. With `--check`, it compares it with the one in the README, and with `--keep`, it
//! writes it there.

mod page;
mod program;
mod record;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let argument = std::env::args().nth(1);
    let transcript = record::record().await;
    print!("{transcript}");
    let done = match argument.as_deref() {
        None => Ok(()),
        Some("--check") => page::check(&transcript),
        Some("--keep") => page::keep(&transcript),
        Some(other) => Err(format!("unknown argument `{other}`: expected --check or --keep")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
