//! The command line.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use event_open::parse_duration;

use crate::document::Format;

const EXIT_CODES: &str = "\
Exit codes:
  0   done: get and check found a good value, or watch was ended
  1   no: the key does not exist, or check found a bad value
  2   unknown: the key could not be read in time, or may not be read
  64  the arguments can't be used

A pipe that nobody reads any more is no error.";

const URLS: &str = "\
URLs:
  etcd://HOST:2379,HOST:2379/PREFIX?user=NAME   etcds: is the same over TLS
  file:///PATH/                                 the files in a directory
  mem:NAME                                      in memory

  The path is what keys begin with: under etcd://a/app/ `port` is app/port.
  If the keys begin with a slash, write two: etcd://a//app/
  The password of the user is in the environment variable
  EVENT_ETCD_PASSWORD, or in the file ?password_file=PATH, never in the URL.";

/// Follows values that change: keys of an etcd, for example.
#[derive(Debug, Parser)]
#[command(name = "event", version, after_help = EXIT_CODES, after_long_help = after_help())]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Log to stderr what the store does.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Watch(WatchArguments),
    Get(GetArguments),
    Check(CheckArguments),
    /// Print a script that completes the arguments in a shell.
    #[command(after_help = "\
Examples:
  event completions bash > ~/.local/share/bash-completion/completions/event
  event completions zsh > \"${fpath[1]}/_event\"
  event completions fish > ~/.config/fish/completions/event.fish")]
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
}

/// Follow some keys, or all under a path: as a live table on a terminal, as JSON lines in a pipe or a file.
///
/// Each line has an `event`: `value`, `absent` (the key was deleted), `error` (the value does not decode) or `health`
/// (how the store is doing). Under a --prefix, it is `put`, `delete`, `error` or `synced` (all that was there has been
/// printed). SIGINT and SIGTERM end the program. It also ends when nobody reads the lines any more.
///
/// The table shows for each key the revision, the time since it changed, the state and the last error, and highlights
/// changes. The health of the store is on top. Values may be secrets, so it shows them with --values only. `q` or
/// Ctrl-C end it.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = watch_help())]
pub(crate) struct WatchArguments {
    /// The store, such as `etcd://localhost:2379/app/`.
    pub(crate) url: String,
    /// The keys, without the prefix in the URL.
    #[arg(required_unless_present = "prefixes", value_name = "KEY")]
    pub(crate) keys: Vec<OsString>,
    /// Follow every key under this path: `services` has `services/a`, and not `services2/a`. Empty: every key. It may be
    /// given several times.
    #[arg(long = "prefix", id = "prefixes", value_name = "PATH")]
    pub(crate) prefixes: Vec<OsString>,
    /// How values are read: as JSON documents, or as text.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub(crate) format: Format,
    /// Print lines on a terminal, too.
    #[arg(long)]
    pub(crate) lines: bool,
    /// Show the values in the table, too. They may be secrets.
    #[arg(long, conflicts_with = "lines")]
    pub(crate) values: bool,
}

/// Print the value of a key as it is, once.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = get_help())]
pub(crate) struct GetArguments {
    #[command(flatten)]
    pub(crate) look: LookArguments,
}

/// Say whether the value of a key decodes.
///
/// It prints `ok`, or what is wrong and where. It never prints the value.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = check_help())]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    pub(crate) look: LookArguments,
    /// What the value has to be.
    #[arg(long, value_enum)]
    pub(crate) format: CheckFormat,
}

#[derive(Debug, Args)]
pub(crate) struct LookArguments {
    /// The store, such as `etcd://localhost:2379/app/`.
    pub(crate) url: String,
    /// The key, without the prefix in the URL.
    pub(crate) key: OsString,
    /// How long to wait for the value, such as 500ms, 5s or 2m.
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "10s")]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CheckFormat {
    /// A JSON document.
    Json,
    /// A TOML document.
    Toml,
    /// A YAML document.
    Yaml,
    /// Text.
    Utf8,
    /// A whole number of 64 bits.
    Int,
    /// A number.
    Float,
    /// `true` or `false`.
    Bool,
}

fn after_help() -> String {
    let examples = "\
Examples:
  event watch etcd://localhost/app/ config limits   # a live table
  event watch etcd://localhost/app/ config | jq .   # an object a version
  event get etcd://localhost/app/ config            # the value, as it is
  event check etcd://localhost/app/ config --format json";
    format!("{examples}\n\n{URLS}\n\n{EXIT_CODES}")
}

fn watch_help() -> String {
    let examples = "\
Examples:
  event watch etcd://localhost:2379/app/ config limits
  event watch etcd://localhost:2379/ log/level --format raw --values
  event watch etcd://a,b,c/app/ config | jq 'select(.event == \"value\")'
  event watch etcd://localhost:2379/ --prefix services --format raw
  event watch 'etcds://a/app/?user=reader&ca=/etc/etcd/ca.pem' config";
    format!("{examples}\n\n{URLS}\n\n{EXIT_CODES}")
}

fn get_help() -> String {
    let examples = "\
Examples:
  event get etcd://localhost:2379/app/ config | jq .
  event get etcd://localhost:2379/app/ config --timeout 500ms || echo $?";
    format!("{examples}\n\n{URLS}\n\n{EXIT_CODES}")
}

fn check_help() -> String {
    let examples = "\
Examples:
  event check etcd://localhost:2379/app/ config --format json
  event check etcd://localhost:2379/app/ settings --format toml --timeout 30s";
    format!("{examples}\n\n{URLS}\n\n{EXIT_CODES}")
}
