//! The time from putting a file into place to having its bytes, beside a bare loop over notify, in the same run:
//! `cargo bench -p event-file`.
//!
//! Both watch the same directory, each in its own. They take turns, so that neither reads while the other is measured.

use std::fs;
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use event_core::upstream::UpstreamWatcher;
use event_core::{ValueReader, WatcherExt};
use event_file::{FileStore, Options};
use measure::{Record, Report, Role, median, percentile};
use notify::event::{ModifyKind, RenameMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

const PUTS: usize = 5000;
const WARM_UP: usize = 500;

fn main() -> io::Result<()> {
    let dir = tempfile::tempdir()?;
    let (ours, bare) = (dir.path().join("ours"), dir.path().join("bare"));
    fs::create_dir(&ours)?;
    fs::create_dir(&bare)?;
    let store = FileStore::open(&ours, Options::new()).expect("a store");
    let mut watcher = store.value("key").watch();
    let loop_over_notify = Bare::new(&bare);
    let mut report = Report::new();
    for size in [100, 100_000] {
        let (mut of_ours, mut of_bare) = (Vec::new(), Vec::new());
        for put in 0..PUTS {
            let text = format!("{put:010}").repeat(size / 10);
            let took = (
                measure(&ours, &text, || get(&mut watcher, &text)),
                measure(&bare, &text, || loop_over_notify.get(&text)),
            );
            if put >= WARM_UP {
                of_ours.push(nanos(took.0));
                of_bare.push(nanos(took.1));
            }
        }
        for (who, role, times) in
            [("ours", Role::Ours, &mut of_ours), ("bare notify 8 loop", Role::Floor, &mut of_bare)]
        {
            let record = |work: &str, value| Record {
                work: work.to_owned(),
                size: Some(size as u64),
                who: who.to_owned(),
                role,
                value,
                unit: "ns".to_owned(),
            };
            report.add(record("put to get of a file, median", median(times)));
            report.add(record("put to get of a file, p99", percentile(times, 99)));
        }
    }
    report.finish("file", true)
}

/// How long it takes from the rename to having the text.
fn measure(dir: &Path, text: &str, get: impl FnOnce()) -> Duration {
    fs::write(dir.join("new"), text).expect("a file");
    std::thread::sleep(Duration::from_micros(200)); // what was notified of it is handled
    let begun = Instant::now();
    fs::rename(dir.join("new"), dir.join("key")).expect("a rename");
    get();
    begun.elapsed()
}

fn get(watcher: &mut UpstreamWatcher, text: &str) {
    loop {
        let entry = futures_executor::block_on(watcher.get()).expect("an entry");
        if entry.value().is_some_and(|value| value == text) {
            break;
        }
    }
}

/// What a program would write by hand.
struct Bare {
    _watcher: RecommendedWatcher,
    path: PathBuf,
    events: Receiver<()>,
}

impl Bare {
    fn new(dir: &Path) -> Self {
        let (sender, events) = mpsc::channel();
        let path = dir.join("key");
        let of_key = path.clone();
        let handler = move |event: notify::Result<notify::Event>| {
            let event = event.expect("an event");
            let is_rename = event.kind == EventKind::Modify(ModifyKind::Name(RenameMode::To));
            if is_rename && event.paths.contains(&of_key) {
                let _ = sender.send(());
            }
        };
        let mut watcher = notify::recommended_watcher(handler).expect("a watcher");
        watcher.watch(dir, RecursiveMode::NonRecursive).expect("a watch");
        Self { _watcher: watcher, path, events }
    }

    fn get(&self, text: &str) {
        loop {
            self.events.recv().expect("an event");
            if black_box(fs::read(&self.path).expect("a file")) == text.as_bytes() {
                break;
            }
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a nanosecond more or less")]
fn nanos(time: Duration) -> f64 {
    time.as_nanos() as f64
}
