//! What the store says of itself, and what it logs.

use std::fs;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use event_core::{CauseKind, HealthState, ReaderExt, ValueReader, WatcherExt};
use event_file::Options;

use crate::support::{HealthExt, Next, Place, eventually, soon};

#[test]
fn it_is_connecting_while_nothing_is_watched_and_live_else() {
    let place = Place::new();
    let health = place.store.health();
    let mut watcher = place.watch("key");
    watcher.is_missing();
    let live = health.until_live();
    assert_eq!(live.source.as_deref(), place.dir().to_str());
    drop(watcher);
    health.until(|health| health.state == HealthState::Connecting);
}

#[test]
fn a_file_is_live_when_it_was_read_even_if_it_does_not_exist() {
    let place = Place::new();
    let value = place.store.value("key");
    assert_eq!(soon(value.health().get()).unwrap().state, HealthState::Connecting);
    let _watcher = value.watch();
    value.health().until_live();
}

#[test]
fn the_health_ends_with_the_store() {
    let place = Place::new();
    let mut watcher = place.store.health().watch();
    place.store.close();
    while let Ok(health) = soon(watcher.get()) {
        drop(health);
    }
    let mut value = place.watch("key");
    assert!(soon(value.get()).unwrap_err().is_closed());
}

/// What is logged, as text. The thread of a store logs, so it is for the whole process.
#[derive(Clone, Debug, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Logs {
    /// The lines with all these words.
    fn count(&self, words: &[&str]) -> usize {
        let text = self.0.lock().unwrap();
        let text = String::from_utf8_lossy(&text);
        text.lines().filter(|line| words.iter().all(|words| line.contains(words))).count()
    }
}

#[test]
fn a_stall_a_refusal_and_missing_notifications_are_logged() {
    let logs = Logs::default();
    let writer = logs.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();

    let place = Place::new();
    let dir = place.dir().to_str().unwrap().to_owned();
    let mut watcher = place.watch("key");
    watcher.is_missing();
    fs::create_dir(place.path("folder")).unwrap();
    let folder = place.watch("folder");
    let has = |words: &[&str]| {
        let words = [words, &[&*dir]].concat();
        eventually(&format!("{words:?} is logged"), || logs.count(&words) == 1);
    };
    has(&["WARN", "a key can't be read: invalid argument: key `folder`: it is a directory"]);
    drop(folder);
    has(&["INFO", "every key that is watched can be read again, after "]);
    fs::remove_dir(place.path("folder")).unwrap();
    fs::remove_dir(place.dir()).unwrap();
    place.store.health().until_stalled(CauseKind::Unreachable);
    has(&["WARN", "stalled: unreachable: the directory "]);
    fs::create_dir(place.dir()).unwrap();
    has(&["INFO", "no longer stalled, after "]);

    let store = event_file::FileStore::open("/proc/self", Options::new()).unwrap();
    let mut watcher = store.value("comm").watch();
    soon(watcher.get()).unwrap();
    eventually("a warning of procfs", || {
        logs.count(&["WARN", "no notifications: ", "procfs"]) == 1
    });
}
