//! What an application does: it follows its configuration, wherever that lives.

use event_core::{Bytes, Health, MapReader, MapWatcherExt, ValueReader, Versioned, WatcherExt};
use serde::Serialize;

use crate::report::Report;

/// A version of the configuration: the typed value, its key and its revision.
pub(crate) type Config<T> = Versioned<T>;

/// Reports each version of the configuration, until it ends.
pub(crate) async fn follow<T: Serialize>(config: impl ValueReader<Config<T>>, report: &Report) {
    let mut watcher = config.watch();
    loop {
        match watcher.get().await {
            Ok(config) => report.value(&config),
            Err(error) if error.is_closed() => return,
            Err(error) => report.error(&error),
        }
    }
}

/// Reports each change of a map, until it ends.
pub(crate) async fn follow_map<T: Serialize>(
    map: impl MapReader<Bytes, Config<T>>,
    prefix: &[u8],
    report: &Report,
) {
    let mut watcher = map.watch();
    while let Ok(change) = watcher.change().await {
        report.change(prefix, &change);
    }
}

/// Reports each change of the connection's health, until it ends.
pub(crate) async fn follow_health(health: impl ValueReader<Health>, report: &Report) {
    let mut watcher = health.watch();
    while let Ok(health) = watcher.get().await {
        report.health(&health);
    }
}
