//! Follows a configuration and prints each version, one JSON object a line.
//!
//! Without arguments the configuration lives in memory and a task changes it a few times. With
//! `--url URL --key KEY` the same function, [`follow`](follow::follow), follows a key of any store that
//! event-open opens, until SIGINT or SIGTERM. With `--prefix PATH` it follows all keys under a path. `--etcd ENDPOINTS` and its flags name an etcd without a URL.

mod arguments;
mod follow;
mod report;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use event_codec::{Json, Utf8};
use event_core::{
    Error, ErrorKind, MapReaderExt, MemoryValue, ReaderExt, Store, StoreExt, ValueWriter,
};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::arguments::{Arguments, Followed, Format, What};
use crate::follow::{Config, follow, follow_health, follow_map};
use crate::report::Report;

#[tokio::main]
async fn main() -> ExitCode {
    let logs =
        EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(logs).with_writer(std::io::stderr).init();
    let followed = Arguments::parse().followed();
    let namespace = followed.as_ref().map(|followed| followed.place.namespace());
    let report = Report::new(std::io::stdout(), namespace.unwrap_or_default());
    let result = match followed {
        None => in_memory(&report).await,
        Some(followed) => in_a_store(followed, &report).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report.error(&error);
            ExitCode::FAILURE
        }
    }
}

/// The settings of the story in memory.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Settings {
    greeting: String,
    max_connections: u32,
}

async fn in_memory(report: &Report) -> Result<(), Error> {
    let version = |revision: i64, greeting: &str, max_connections| {
        let value = Settings { greeting: greeting.into(), max_connections };
        Config::new("config", revision, value)
    };
    let config = MemoryValue::new(version(1, "hello", 100));
    let reader = config.reader();
    let changes = tokio::spawn(async move {
        for change in [
            version(2, "hello", 200),
            version(3, "good morning", 200),
            version(4, "good night", 50),
        ] {
            tokio::time::sleep(Duration::from_millis(200)).await;
            config.set(change);
        }
    }); // The task owns the only writer: with it the value ends, and so does `follow`.
    follow(reader, report).await;
    changes.await.expect("the task that changes the configuration does not panic");
    Ok(())
}

async fn in_a_store(followed: Followed, report: &Report) -> Result<(), Error> {
    // A task of its own, which ends the program even while a line waits for its reader.
    let end = told_to_end()?;
    tokio::spawn(async {
        end.await;
        std::process::exit(0)
    });
    let store = followed.place.open().await?;
    let json = Json::<Box<RawValue>>::new;
    let until_closed = async {
        match (followed.what, followed.format) {
            (What::Key(key), Format::Json) => {
                follow(store.value(key).decode_versioned(json()), report).await;
            }
            (What::Key(key), Format::Raw) => {
                follow(store.value(key).decode_versioned(Utf8), report).await;
            }
            (What::Range(range), format) => {
                let (map, prefix) = (store.range(range.clone()), range.as_prefix());
                match format {
                    Format::Json => follow_map(map.decode_versioned(json()), prefix, report).await,
                    Format::Raw => follow_map(map.decode_versioned(Utf8), prefix, report).await,
                }
            }
        }
    };
    tokio::select! {
        () = until_closed => {}
        () = follow_health(store.health(), report) => {}
    }
    Ok(())
}

/// Completes when SIGINT or SIGTERM comes, from now on.
fn told_to_end() -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    let listen = |kind| {
        signal(kind).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, "could not listen for signals")
                .with_source(error)
        })
    };
    let (mut interrupt, mut terminate) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
