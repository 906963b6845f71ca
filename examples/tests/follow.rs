//! The unit tests of `config_watch`'s one function: over a value in memory, and over a mock.

#![allow(dead_code)] // what of the example only its `main` uses

#[path = "../config_watch/follow.rs"]
mod follow;
#[path = "../config_watch/report.rs"]
mod report;

use std::io::Write;
use std::sync::{Arc, Mutex};

use event_codec::Json;
use event_core::{BoxWatcher, Entry, MemoryValue, ReaderExt, ValueReader, ValueWriter, WatcherExt};

use follow::{Config, follow};
use report::Report;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn version(revision: i64, value: u32) -> Config<u32> {
    Config::new("config", revision, value)
}

#[tokio::test]
async fn the_newest_version_is_reported_and_the_end_is_the_end() {
    let lines = Lines::default();
    let value = MemoryValue::new(version(1, 10));
    let reader = value.reader();
    value.set(version(2, 20));
    drop(value);
    follow(reader, &Report::new(lines.clone(), "")).await;
    assert_eq!(lines.take(), [r#"{"event":"value","key":"config","revision":2,"value":20}"#]);
}

#[tokio::test]
async fn what_does_not_decode_and_what_is_deleted_is_reported_in_its_place() {
    let lines = Lines::default();
    let report = Report::new(lines.clone(), "");
    for (entry, line) in [
        (
            Entry::present("config", 3, "\"secret\""),
            r#"{"event":"error","kind":"decode","message":"key `config` at revision 3: invalid type: string, expected u32 at line 1 column 8"}"#,
        ),
        (Entry::deleted("config", 4), r#"{"event":"absent","key":"config","revision":4}"#),
    ] {
        let value = MemoryValue::new(entry);
        let reader = value.reader().decode_versioned(Json::<u32>::new());
        drop(value);
        follow(reader, &report).await;
        assert_eq!(lines.take(), [line]);
    }
}

mockall::mock! {
    Reader {}

    impl ValueReader<Config<u32>> for Reader {
        type Watcher = BoxWatcher<Config<u32>>;
        fn watch(&self) -> BoxWatcher<Config<u32>>;
    }
}

#[tokio::test]
async fn the_configuration_is_watched_once() {
    let lines = Lines::default();
    let mut reader = MockReader::new();
    reader.expect_watch().times(1).returning(|| MemoryValue::new(version(1, 10)).watch().boxed());
    follow(reader, &Report::new(lines.clone(), "")).await;
    assert_eq!(lines.take().len(), 1);
}
