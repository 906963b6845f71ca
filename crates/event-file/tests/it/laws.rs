//! The laws, on files.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::str;

use event_core::conformance::{Gate, Subject};
use event_core::{BoxReader, Entry, ReaderExt, Store, StoreExt, ValueReader};
use event_file::{FileStore, FileValue, Options};
use tempfile::TempDir;

use crate::support::{inotify_watches, put};

/// A file that holds a number.
struct File {
    _dir: TempDir,
    path: PathBuf,
    store: FileStore,
    value: FileValue,
    in_place: bool,
    /// In the decoder.
    gate: Gate,
}

/// The reader that `adapt` makes of a new file and a decoder, and the file.
fn file<R>(
    in_place: bool,
    options: Options,
    adapt: impl FnOnce(&FileStore, Gate) -> R,
) -> (R, File) {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::open(dir.path(), options).unwrap();
    let (gate, value) = (Gate::default(), store.value("number"));
    let reader = adapt(&store, gate.clone());
    let path = dir.path().join("number");
    (reader, File { _dir: dir, path, store, value, in_place, gate })
}

impl File {
    fn put(&self, text: &str) {
        if self.in_place {
            fs::write(&self.path, text).unwrap();
        } else {
            put(&self.path, text);
        }
    }
}

impl Subject for File {
    async fn set(&mut self, version: u64) {
        self.write(version).await;
        self.value.refresh().await.unwrap();
    }

    async fn write(&mut self, version: u64) {
        self.put(&version.to_string());
    }

    async fn spoil(&mut self) -> bool {
        self.put("not a number");
        self.value.refresh().await.unwrap();
        true
    }

    async fn end(&mut self) -> bool {
        self.store.close();
        true
    }

    async fn held(&mut self) -> usize {
        inotify_watches(self.path.parent().unwrap())
    }

    fn gate(&self) -> Option<Gate> {
        Some(self.gate.clone())
    }
}

/// A decoder of numbers, which passes the gate.
fn number(gate: Gate) -> impl Fn(&[u8]) -> Result<u64, Box<dyn Error + Send + Sync>> {
    move |bytes| {
        gate.pass();
        Ok(str::from_utf8(bytes)?.parse()?)
    }
}

fn typed(store: &FileStore, gate: Gate) -> impl ValueReader<u64, Watcher: Send + 'static> + use<> {
    store.value("number").decode(number(gate))
}

fn boxed(store: &FileStore, gate: Gate) -> BoxReader<u64> {
    store.value("number").boxed().decode(number(gate)).boxed()
}

fn through_a_store(store: &FileStore, gate: Gate) -> BoxReader<u64> {
    let store: Box<dyn Store> = Box::new(store.clone());
    let value: BoxReader<Entry> = store.namespace("num").value("ber");
    value.decode(number(gate)).boxed()
}

event_core::conformance_tests!(a_file_that_is_renamed, || file(false, Options::new(), typed));

event_core::conformance_tests!(a_file_that_is_written_in_place, || file(
    true,
    Options::new(),
    boxed
));

event_core::conformance_tests!(a_key_of_a_store, || file(false, Options::new(), through_a_store));

event_core::conformance_tests!(a_file_that_is_polled, || {
    file(
        false,
        Options::new().only_poll().poll_interval(std::time::Duration::from_millis(10)),
        typed,
    )
});
