//! How the program ends: its exit code, and at most one line on stderr.

use std::process::ExitCode;

use clap::error::ErrorKind as ArgumentKind;
use event_core::{Error, ErrorKind};

/// The answer is no.
const NO: u8 = 1;
/// There is no answer.
const UNKNOWN: u8 = 2;
/// `EX_USAGE` of sysexits.
const USAGE: u8 = 64;

/// Why the program ends with another code than 0.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    pub(crate) fn no(message: impl Into<String>) -> Self {
        Self { code: NO, message: message.into() }
    }

    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self { code: UNKNOWN, message: message.into() }
    }

    /// A failure of this kind to read a key.
    pub(crate) fn to_read(kind: ErrorKind, message: impl Into<String>) -> Self {
        let code = if kind == ErrorKind::InvalidArgument { USAGE } else { UNKNOWN };
        Self { code, message: message.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::to_read(error.kind(), format!("{error:#}"))
    }
}

pub(crate) fn of(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, message }) => {
            print(&message);
            code.into()
        }
    }
}

/// Prints the help that was asked for, or what is wrong with the arguments.
pub(crate) fn of_arguments(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ArgumentKind::DisplayHelp | ArgumentKind::DisplayVersion) {
        // If nobody reads it, nobody misses it.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if error.kind() == ArgumentKind::DisplayHelpOnMissingArgumentOrSubcommand {
        print(
            "a command is missing: watch, get, check or completions; `event --help` has examples",
        );
        return USAGE.into();
    }
    // Clap's words in one line, without the usage.
    let text = error.render().to_string();
    let words = text.lines().map(str::trim);
    let words =
        words.take_while(|line| !["Usage:", "For more"].iter().any(|end| line.starts_with(end)));
    let words: Vec<&str> = words.filter(|line| !line.is_empty()).collect();
    let words = words.join(" ").replace(" tip: ", "; ");
    print(words.strip_prefix("error: ").unwrap_or(&words));
    USAGE.into()
}

/// Prints one line, whatever is in the message.
fn print(message: &str) {
    let message: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // If stderr is closed, there is nobody to tell.
    let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("error: {message}\n"));
}
