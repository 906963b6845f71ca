//! `cached`: the last good bytes on disk, for a start while the backend is out of reach.
//!
//! The file is read when the reader is made, and written by a thread of its own: no poll touches the disk, and a disk
//! that hangs holds up nobody.

mod file;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::SystemTime;

use event_core::adapters::{Shared, SharedWatcher};
use event_core::{
    Cause, CauseKind, Entry, EntryState, Error, Health, HealthState, KeyName, MemoryReader,
    MemoryValue, ReaderExt, Refresh, ValueReader, ValueWriter, Watcher, WatcherExt,
};

/// `cached` on any reader of entries.
pub trait CachedExt: ValueReader<Entry> + Sized {
    /// Keeps the newest bytes in a file, and yields those of the file until the backend has answered: a program starts
    /// with its last configuration while etcd is down.
    ///
    /// The file is read now, which blocks for as long as the disk takes. Later it is written by a thread, after watchers
    /// got the version: into a temporary file with mode 0600, which is synced and then renamed, so another process
    /// never reads half of it. Several processes may use one path: the last one to write wins. If the key is deleted,
    /// so is the file.
    ///
    /// From the moment when the backend has answered, all is as without a cache. What comes from the file, and then
    /// from the backend with the same bytes and revision, is one version. If the backend says that the key does not
    /// exist, watchers that got the file's bytes get *deleted*.
    ///
    /// Give each key a path of its own: a reader does not know which key it is of. If the backend answers with another
    /// key than the file had, that is a warning.
    ///
    /// A file that is damaged or can't be read counts as none; a file that can't be written, such as on a
    /// full disk, keeps what it had, and so does one whose value is larger than 128 MiB. Each is a warning
    /// of `tracing` with the path. A relative path is relative to the current directory at the time of the
    /// call.
    ///
    /// Bytes that do not decode are kept too. To keep only good ones, use [`cached_if`](Self::cached_if).
    ///
    /// ```
    /// use event_core::{Entry, MemoryValue, ReaderExt};
    /// use event_file::CachedExt;
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("config");
    /// # futures_executor::block_on(async {
    /// let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
    /// let backend = MemoryValue::new(Entry::present("config", 1, "level = debug"));
    /// let cached = backend.reader().cached(&path);
    /// assert_eq!(cached.clone().decode(text).get().await.unwrap(), "level = debug");
    /// cached.written().await;
    ///
    /// // Later, in another process, whose backend does not answer:
    /// let backend = MemoryValue::<Entry>::empty();
    /// let cached = backend.reader().cached(&path);
    /// assert_eq!(cached.clone().decode(text).get().await.unwrap(), "level = debug");
    /// println!("{}", cached.health().get().await.unwrap().cause.unwrap());
    /// // from the cache: …/config was written 0 s ago, and the backend has not answered
    /// # });
    /// ```
    fn cached(self, path: impl Into<PathBuf>) -> Cached<Self> {
        self.cached_if(path, |_| true)
    }

    /// As [`cached`](Self::cached), but keeps only bytes that are good, such as those that decode. `is_good` runs on
    /// the thread that writes.
    fn cached_if(
        self,
        path: impl Into<PathBuf>,
        is_good: impl Fn(&[u8]) -> bool + Send + 'static,
    ) -> Cached<Self> {
        Cached::new(self, path.into(), is_good)
    }
}

impl<R: ValueReader<Entry>> CachedExt for R {}

/// A reader with a file beside it. [`CachedExt::cached`] makes one.
pub struct Cached<R: ValueReader<Entry>> {
    reader: Shared<Below<R>, Entry>,
    state: Arc<State>,
}

/// The reader under the one watcher that all share.
struct Below<R> {
    reader: R,
    state: Arc<State>,
}

struct State {
    path: PathBuf,
    progress: Mutex<Progress>,
    health: MemoryValue<Health>,
    /// What is to be written, and its number.
    newest: MemoryValue<(u64, Entry)>,
    /// The number of the last version that the thread is done with.
    done: MemoryReader<u64>,
}

struct Progress {
    /// What the file had, until the backend has answered.
    stored: Option<Entry>,
    has_answered: bool,
    /// How many versions the backend had.
    versions: u64,
}

impl<R: ValueReader<Entry>> Cached<R> {
    fn new(reader: R, path: PathBuf, is_good: impl Fn(&[u8]) -> bool + Send + 'static) -> Self {
        let path = std::path::absolute(&path).unwrap_or(path);
        let stored = file::read(&path).unwrap_or_else(|error| {
            tracing::warn!("the cache {} counts as empty: {error}", path.display());
            None
        });
        let health = match &stored {
            Some(stored) => Health::stalled(cause(&path, stored.written)),
            None => Health::new(HealthState::Connecting),
        };
        let (newest, done) = (MemoryValue::empty(), MemoryValue::new(0));
        let progress = Progress {
            stored: stored.map(|stored| stored.entry),
            has_answered: false,
            versions: 0,
        };
        let state = Arc::new(State {
            health: MemoryValue::new(health.with_source(path.display().to_string())),
            progress: Mutex::new(progress),
            done: done.reader(),
            newest: newest.clone(),
            path,
        });
        writer::start(&state.path, newest, done, is_good);
        let below = Below { reader, state: Arc::clone(&state) };
        Self { reader: below.shared(), state }
    }

    /// Whether the values are those of the backend, as a value.
    ///
    /// - Connecting: there is no file, and the backend has not answered.
    /// - Stalled, for [`FromCache`](CauseKind::FromCache): watchers have what the file had. The cause says how old that
    ///   was when the reader was made.
    /// - Live: the backend has answered. Whether it still does, the backend's own health says.
    #[must_use]
    pub fn health(&self) -> MemoryReader<Health> {
        self.state.health.reader()
    }

    /// Waits until the file has what watchers got before the call, or can't have it: for tests, and for an end in good
    /// order. It waits for as long as the disk hangs.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn written(&self) {
        let versions = self.state.progress().versions;
        let mut done = self.state.done.watch();
        // Closed if the thread could not be started.
        while done.get().await.is_ok_and(|done| done < versions) {}
    }
}

fn cause(path: &Path, written: SystemTime) -> Cause {
    let age = SystemTime::now().duration_since(written).unwrap_or_default().as_secs();
    let path = path.display();
    let words = format!("{path} was written {age} s ago, and the backend has not answered");
    Cause::new(CauseKind::FromCache, words)
}

impl State {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The backend has answered. Returns what the file had, the first time.
    fn answered(&self, entry: &Entry) -> Option<Entry> {
        let mut progress = self.progress();
        progress.versions += 1;
        let number = progress.versions;
        let stored = progress.stored.take();
        let is_first = !std::mem::replace(&mut progress.has_answered, true);
        drop(progress);
        if stored.as_ref().is_some_and(|stored| stored.key != entry.key) {
            let key = KeyName(&entry.key);
            tracing::warn!("the cache {} had another key than `{key}`", self.path.display());
        }
        self.newest.set((number, entry.clone()));
        if is_first {
            let live = Health::new(HealthState::Live).with_source(self.path.display().to_string());
            self.health.set(live);
        }
        stored
    }
}

impl<R: ValueReader<Entry>> ValueReader<Entry> for Below<R> {
    type Watcher = CachedWatcher<R::Watcher>;

    fn watch(&self) -> Self::Watcher {
        let (watcher, state) = (self.reader.watch(), Arc::clone(&self.state));
        CachedWatcher { watcher, yielded: None, state }
    }

    fn refresh(&self) -> Refresh {
        self.reader.refresh()
    }
}

impl<R: ValueReader<Entry>> ValueReader<Entry> for Cached<R> {
    type Watcher = SharedWatcher<CachedWatcher<R::Watcher>, Entry>;

    fn watch(&self) -> Self::Watcher {
        self.reader.watch()
    }

    fn refresh(&self) -> Refresh {
        self.reader.refresh()
    }
}

/// A watcher of a [`Cached`].
pub struct CachedWatcher<W> {
    watcher: W,
    /// What it yielded of the file, until the backend has answered.
    yielded: Option<Entry>,
    state: Arc<State>,
}

impl<W: Watcher<Entry>> Watcher<Entry> for CachedWatcher<W> {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<Entry, Error>> {
        // The second round is for an answer that equals what the file had.
        for _ in 0..2 {
            match self.watcher.poll_get(cx) {
                Poll::Ready(Ok(entry)) => {
                    self.state.answered(&entry);
                    let Some(yielded) = self.yielded.take() else { return Poll::Ready(Ok(entry)) };
                    match (&entry.state, yielded.revision()) {
                        _ if entry == yielded => {}
                        (EntryState::NeverSeen, Some(revision)) => {
                            return Poll::Ready(Ok(Entry::deleted(entry.key, revision)));
                        }
                        _ => return Poll::Ready(Ok(entry)),
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    if self.yielded.is_none()
                        && let Some(stored) = self.state.progress().stored.clone()
                    {
                        self.yielded = Some(stored.clone());
                        return Poll::Ready(Ok(stored));
                    }
                    return Poll::Pending;
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<R: ValueReader<Entry>> Clone for Cached<R> {
    fn clone(&self) -> Self {
        Self { reader: self.reader.clone(), state: Arc::clone(&self.state) }
    }
}

impl<R: ValueReader<Entry>> fmt::Debug for Cached<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached").field("path", &self.state.path).finish_non_exhaustive()
    }
}

impl<W> fmt::Debug for CachedWatcher<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedWatcher").field("path", &self.state.path).finish_non_exhaustive()
    }
}
