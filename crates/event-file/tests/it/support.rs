//! Directories, and waiting with a bound.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Command;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use event_core::upstream::{UpstreamHealth, UpstreamWatcher};
use event_core::{
    Cause, CauseKind, Entry, Error, Health, HealthState, ReaderExt, ValueReader, WatcherExt,
};
use event_file::{FileStore, Options};
use tempfile::TempDir;

/// How long a test waits for what has to happen.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future, for so long at most.
pub(crate) fn within<T>(bound: Duration, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, until) = (pin!(future), Instant::now() + bound);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(value);
        }
        let rest = until.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return None;
        }
        thread::park_timeout(rest);
    }
}

#[track_caller]
pub(crate) fn soon<T>(future: impl Future<Output = T>) -> T {
    within(BOUND, future).expect("it happens within the bound")
}

/// A directory, and a store on a directory in it.
pub(crate) struct Place {
    temp: TempDir,
    pub(crate) store: FileStore,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with(Options::new())
    }

    pub(crate) fn with(options: Options) -> Self {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("dir")).unwrap();
        let store = FileStore::open(temp.path().join("dir"), options).unwrap();
        Self { temp, store }
    }

    /// What is beside the store's directory.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.outside("dir")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        put(&self.path(name), text);
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn watch(&self, name: &str) -> UpstreamWatcher {
        self.store.value(name).watch()
    }
}

/// Writes a file by renaming a new one into place.
pub(crate) fn put(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(&new, path).unwrap();
}

pub(crate) trait Next {
    /// The next version.
    fn next(&mut self) -> Result<Entry, Error>;
    /// Takes versions until one has this text.
    fn until(&mut self, text: &str);
    /// The next version is this text.
    fn is(&mut self, text: &str);
    /// The next version says that the file does not exist.
    fn is_missing(&mut self);
    /// Nothing comes.
    fn rests(&mut self, time: Duration);
}

impl Next for UpstreamWatcher {
    #[track_caller]
    fn next(&mut self) -> Result<Entry, Error> {
        soon(self.get())
    }

    #[track_caller]
    fn until(&mut self, text: &str) {
        let end = Instant::now() + BOUND;
        while Instant::now() < end {
            if self.next().unwrap().value().is_some_and(|value| value == text) {
                return;
            }
        }
        panic!("{text} does not arrive");
    }

    #[track_caller]
    fn is(&mut self, text: &str) {
        assert_eq!(self.next().unwrap().value().unwrap(), text);
    }

    #[track_caller]
    fn is_missing(&mut self) {
        assert_eq!(self.next().unwrap().value(), None);
    }

    #[track_caller]
    fn rests(&mut self, time: Duration) {
        let next = within(time, self.get());
        assert!(next.is_none(), "{next:?}");
    }
}

pub(crate) trait HealthExt {
    /// Waits until the health is like this.
    fn until(&self, is_meant: impl Fn(&Health) -> bool) -> Health;
    fn until_live(&self) -> Health;
    /// Waits until it is stalled, and returns why.
    fn until_stalled(&self, kind: CauseKind) -> Cause;
}

impl HealthExt for UpstreamHealth {
    #[track_caller]
    fn until(&self, is_meant: impl Fn(&Health) -> bool) -> Health {
        let (mut watcher, mut last) = (self.watch(), None);
        let end = Instant::now() + BOUND;
        while let Some(health) =
            within(end.saturating_duration_since(Instant::now()), watcher.get())
        {
            let health = health.unwrap();
            if is_meant(&health) {
                return health;
            }
            last = Some(health);
        }
        panic!("the health stays {last:?}");
    }

    #[track_caller]
    fn until_live(&self) -> Health {
        self.until(|health| health.state == HealthState::Live && health.cause.is_none())
    }

    #[track_caller]
    fn until_stalled(&self, kind: CauseKind) -> Cause {
        let is_meant = |health: &Health| {
            let has_kind = health.cause.as_ref().is_some_and(|cause| cause.kind() == kind);
            health.state == HealthState::Stalled && has_kind
        };
        self.until(is_meant).cause.unwrap()
    }
}

/// The error of a refresh.
#[track_caller]
pub(crate) fn refusal(value: &event_file::FileValue) -> Error {
    soon(value.refresh()).unwrap_err()
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + BOUND;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// How many watches on directories this process has, by inotify.
pub(crate) fn inotify_watches(of: &Path) -> usize {
    use std::os::unix::fs::MetadataExt;

    let Ok(metadata) = fs::metadata(of) else { return 0 };
    let inode = format!(" ino:{:x} ", metadata.ino());
    let mut watches = 0;
    for file in fs::read_dir("/proc/self/fdinfo").unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap_or_default();
        watches += text
            .lines()
            .filter(|line| line.starts_with("inotify") && line.contains(&inode))
            .count();
    }
    watches
}

/// How many inotify watches this process has.
pub(crate) fn all_inotify_watches() -> usize {
    let mut watches = 0;
    for file in fs::read_dir("/proc/self/fdinfo").unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap_or_default();
        watches += text.lines().filter(|line| line.starts_with("inotify")).count();
    }
    watches
}

#[track_caller]
pub(crate) fn present(reader: &impl ReaderExt<Entry>) -> String {
    let entry = soon(reader.get()).unwrap();
    String::from_utf8(entry.value().unwrap().to_vec()).unwrap()
}

const CHILD: &str = "EVENT_FILE_CHILD";

/// Whether this is a process that [`in_a_child`] has started.
pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs a test in a process of its own, with this program and its arguments before it.
#[track_caller]
pub(crate) fn in_a_child(wrapper: &[&str], name: &str) {
    let this = std::env::current_exe().unwrap();
    run(Command::new(wrapper[0]).args(&wrapper[1..]).arg(this), name);
}

/// Runs one test of a test program.
#[track_caller]
pub(crate) fn run(program: &mut Command, name: &str) {
    let output = program.args(["--exact", "--nocapture", name]).env(CHILD, "1").output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let has_passed = output.status.success() && printed.contains("1 passed");
    assert!(has_passed, "{printed}{errors}");
}
