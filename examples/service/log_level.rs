//! The log level follows the configuration.

use event_core::{ValueReader, WatcherExt};
use tracing_subscriber::filter::LevelFilter;

/// Applies each newer level, until the value ends.
pub(crate) async fn follow(
    level: impl ValueReader<LevelFilter>,
    mut apply: impl FnMut(LevelFilter),
) {
    let mut watcher = level.watch();
    loop {
        match watcher.get().await {
            Ok(level) => apply(level),
            Err(error) if error.is_closed() => return,
            Err(_) => {} // the level stays, and `on_error` has reported it
        }
    }
}
