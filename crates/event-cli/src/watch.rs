//! `event watch`.

use std::io::{IsTerminal, stderr, stdout};

use event_core::{
    BoxStore, KeyRange, MapReader, MapReaderExt, MapWatcherExt, ReaderExt, Store, StoreExt,
    ValueReader, WatcherExt,
};
use futures_util::future::{join, join_all};

use crate::arguments::WatchArguments;
use crate::document::Format;
use crate::exit::Failure;
use crate::lines::{Lines, key_text};
use crate::{closed_pipe, log, open, signals, table};

pub(crate) async fn run(arguments: WatchArguments, verbose: bool) -> Result<(), Failure> {
    let shows_table = stdout().is_terminal() && !arguments.lines && !is_dumb();
    // Logs would go into the table.
    log(verbose && !(shows_table && stderr().is_terminal()));
    let end = signals::end()?;
    let store = open(&arguments.url).await?;
    let keys: Vec<&[u8]> = arguments.keys.iter().map(|key| key.as_encoded_bytes()).collect();
    let prefixes = arguments.prefixes.iter().map(|prefix| prefix.as_encoded_bytes());
    let ranges: Vec<KeyRange> = prefixes.map(KeyRange::folder).collect();
    if shows_table {
        return table::show(&store, (&keys, &ranges), arguments.format, arguments.values, end)
            .await;
    }
    // A task of its own, which ends the program even while a line waits for its reader.
    tokio::spawn(async {
        end.await;
        std::process::exit(0)
    });
    closed_pipe::watch();
    let lines = Lines::new(stdout());
    let follow = keys.iter().map(|key| follow(&store, key, arguments.format, &lines));
    let follow_maps =
        ranges.iter().map(|range| follow_map(&store, range, arguments.format, &lines));
    tokio::select! {
        _ = join(join_all(follow), join_all(follow_maps)) => {}
        () = follow_health(&store, &lines) => {}
    }
    Ok(())
}

/// Prints each version of a key, until it ends.
async fn follow(store: &BoxStore, key: &[u8], format: Format, lines: &Lines) {
    let name = key_text(key);
    let mut watcher = store.value(key).decode_versioned(format).watch();
    loop {
        match watcher.get().await {
            Ok(version) => lines.value(&name, &version),
            Err(error) if error.is_closed() => return,
            Err(error) => lines.error(&name, &error),
        }
    }
}

/// Prints each change of a range, until it ends.
async fn follow_map(store: &BoxStore, range: &KeyRange, format: Format, lines: &Lines) {
    let mut watcher = store.range(range.clone()).decode_versioned(format).watch();
    while let Ok(change) = watcher.change().await {
        lines.change(range.as_prefix(), &change);
    }
}

/// Prints each change of the store's health, until it ends.
async fn follow_health(store: &BoxStore, lines: &Lines) {
    let mut watcher = store.health().watch();
    while let Ok(health) = watcher.get().await {
        lines.health(&health);
    }
}

/// Whether the terminal can't move its cursor.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}
