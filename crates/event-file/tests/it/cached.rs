//! The file of a cached reader, and when it counts.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use event_core::conformance::Subject;
use event_core::{
    CauseKind, Entry, EntryState, Health, HealthState, MemoryValue, Metadata, ReaderExt,
    ValueReader, ValueWriter, WatcherExt,
};
use event_file::CachedExt;
use futures_executor::block_on;
use tempfile::TempDir;

struct Cache {
    _folder: TempDir,
    path: PathBuf,
}

fn cache() -> Cache {
    let folder = TempDir::new().unwrap();
    Cache { path: folder.path().join("config"), _folder: folder }
}

fn entry(revision: i64, value: &str) -> Entry {
    let metadata = Metadata::new().with_create_revision(2).with_version(revision - 1).with_lease(7);
    Entry::present("config", revision, value.to_owned()).with_metadata(metadata)
}

/// What another process would have left.
fn write(path: &Path, entry: Entry) {
    let cached = MemoryValue::new(entry).reader().cached(path);
    block_on(async {
        cached.get().await.unwrap();
        cached.written().await;
    });
}

/// What a process gets whose backend does not answer.
fn read(path: &Path) -> Option<Entry> {
    let backend = MemoryValue::empty();
    let newest = backend.reader().cached(path).watch().try_get();
    newest.map(Result::unwrap)
}

fn health(cached: &impl ValueReader<Health>) -> Health {
    cached.watch().try_get().unwrap().unwrap()
}

#[test]
fn while_the_backend_does_not_answer_the_bytes_of_the_file_count() {
    let Cache { path, _folder } = cache();
    write(&path, entry(7, "debug"));
    let backend = MemoryValue::empty();
    let cached = backend.reader().cached(&path);
    let mut watcher = cached.watch();
    assert_eq!(watcher.try_get().unwrap().unwrap(), entry(7, "debug"));
    assert!(watcher.try_get().is_none());
    let stalled = health(&cached.health());
    let cause = stalled.cause.unwrap();
    assert_eq!((stalled.state, cause.kind()), (HealthState::Stalled, CauseKind::FromCache));
    assert!(cause.message().contains("was written 0 s ago"), "{cause}");

    backend.set(entry(9, "info"));
    assert_eq!(watcher.try_get().unwrap().unwrap(), entry(9, "info"));
    assert_eq!(health(&cached.health()).state, HealthState::Live);
    block_on(cached.written());
    assert_eq!(read(&path).unwrap(), entry(9, "info"));
}

#[test]
fn what_the_file_and_the_backend_have_alike_is_one_version() {
    let Cache { path, _folder } = cache();
    write(&path, entry(7, "debug"));
    let backend = MemoryValue::empty();
    let cached = backend.reader().cached(&path);
    let mut watcher = cached.watch();
    watcher.try_get().unwrap().unwrap();
    backend.set(entry(7, "debug"));
    assert!(watcher.try_get().is_none());
    assert_eq!(health(&cached.health()).state, HealthState::Live);
    backend.set(entry(8, "debug"));
    assert_eq!(watcher.try_get().unwrap().unwrap(), entry(8, "debug"));
}

#[test]
fn once_the_backend_has_answered_the_file_counts_no_more() {
    let Cache { path, _folder } = cache();
    write(&path, entry(7, "old"));
    let backend = MemoryValue::new(entry(9, "new"));
    let cached = backend.reader().cached(&path);
    assert_eq!(cached.watch().try_get().unwrap().unwrap(), entry(9, "new"));
    assert_eq!(cached.watch().try_get().unwrap().unwrap(), entry(9, "new"));
}

#[test]
fn a_key_that_is_gone_is_deleted_for_those_who_got_the_file() {
    let Cache { path, _folder } = cache();
    write(&path, entry(7, "debug"));
    let backend = MemoryValue::empty();
    let cached = backend.reader().cached(&path);
    let mut watcher = cached.watch();
    watcher.try_get().unwrap().unwrap();
    backend.set(Entry::never_seen("config"));
    assert_eq!(watcher.try_get().unwrap().unwrap(), Entry::deleted("config", 7));
    block_on(cached.written());
    assert!(!path.exists());
    let backend = MemoryValue::new(Entry::never_seen("config"));
    let fresh = backend.reader().cached(&path).watch().try_get().unwrap().unwrap();
    assert_eq!(fresh.state, EntryState::NeverSeen);
}

#[test]
fn a_damaged_file_counts_as_none_wherever_it_is_damaged() {
    let Cache { path, _folder } = cache();
    write(&path, entry(7, "debug"));
    let good = fs::read(&path).unwrap();
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert_eq!(read(&path), None, "byte {place}");
        fs::write(&path, &good[..place]).unwrap();
        assert_eq!(read(&path), None, "{place} bytes");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(read(&path), None);
    fs::remove_dir(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success() && read(&path).is_none(), "nothing waits for a writer of the FIFO");
}

#[test]
fn the_file_is_for_its_owner_only_and_nothing_is_left_beside_it() {
    let Cache { path, _folder } = cache();
    write(&path, entry(7, "hunter2"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn a_file_that_cant_be_written_keeps_what_it_had_and_watchers_go_on() {
    let Cache { path, _folder } = cache();
    // A folder at the place of the file: the rename fails.
    fs::create_dir_all(path.join("occupied")).unwrap();
    let backend = MemoryValue::new(entry(1, "a"));
    let cached = backend.reader().cached(&path);
    let mut watcher = cached.watch();
    assert_eq!(watcher.try_get().unwrap().unwrap(), entry(1, "a"));
    block_on(cached.written());
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file");
    fs::remove_dir_all(&path).unwrap();
    backend.set(entry(2, "b"));
    assert_eq!(watcher.try_get().unwrap().unwrap(), entry(2, "b"));
    block_on(cached.written());
    assert_eq!(read(&path).unwrap(), entry(2, "b"));
}

#[test]
fn without_its_folder_there_is_no_cache_and_all_else_works() {
    let Cache { path, _folder } = cache();
    let backend = MemoryValue::new(entry(8, "info"));
    let cached = backend.reader().cached(path.join("missing/config"));
    assert_eq!(cached.watch().try_get().unwrap().unwrap(), entry(8, "info"));
    block_on(cached.written());
    assert!(!path.exists());
}

#[test]
fn only_good_bytes_are_kept() {
    let Cache { path, _folder } = cache();
    let backend = MemoryValue::new(entry(1, "good"));
    let cached = backend.reader().cached_if(&path, |bytes| bytes == b"good");
    let mut watcher = cached.watch();
    watcher.try_get().unwrap().unwrap();
    block_on(cached.written());
    backend.set(entry(2, "bad"));
    assert_eq!(watcher.try_get().unwrap().unwrap(), entry(2, "bad"));
    block_on(cached.written());
    assert_eq!(read(&path).unwrap(), entry(1, "good"));
}

#[test]
fn two_writers_on_one_path_leave_a_whole_file() {
    let Cache { path, _folder } = cache();
    let writer = |value: &'static str| {
        let backend = MemoryValue::empty();
        let cached = backend.reader().cached(path.clone());
        move || {
            let mut watcher = cached.watch();
            for revision in 1..=100 {
                backend.set(entry(revision, &value.repeat(1000)));
                watcher.try_get().unwrap().unwrap();
                block_on(cached.written());
            }
        }
    };
    let threads = [writer("a"), writer("b")].map(std::thread::spawn);
    while !threads.iter().all(std::thread::JoinHandle::is_finished) {
        let was_there = path.exists();
        let entry = read(&path);
        assert!(entry.is_some() || !was_there, "a file that is there is whole");
        assert!(entry.is_none_or(|entry| entry.value().unwrap().len() == 1000));
    }
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

/// A number in a backend, with a file that nothing was written to before.
struct Number {
    backend: Option<MemoryValue<Entry>>,
    _folder: TempDir,
}

impl Number {
    fn put(&self, bytes: Vec<u8>) {
        let entry = Entry::present("number", 1, bytes);
        self.backend.as_ref().expect("it has not ended").set(entry);
    }
}

impl Subject for Number {
    async fn set(&mut self, version: u64) {
        self.put(version.to_be_bytes().to_vec());
    }

    async fn spoil(&mut self) -> bool {
        self.put(b"not eight bytes".to_vec());
        true
    }

    async fn end(&mut self) -> bool {
        self.backend = None;
        true
    }

    async fn held(&mut self) -> usize {
        0
    }
}

event_core::conformance_tests!(the_laws, || {
    let folder = TempDir::new().unwrap();
    let backend = MemoryValue::empty();
    let cached = backend.reader().cached(folder.path().join("number"));
    let decode = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes);
    (cached.decode(decode), Number { backend: Some(backend), _folder: folder })
});
