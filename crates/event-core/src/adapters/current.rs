//! `current`: the newest value at hand, for all threads of a program at once.
//!
//! Why not a task that stores each version? It would need a runtime, and a read right after a `set` would
//! not see it. Here the first read after a change fetches the new version. Why not `Latest` behind a
//! `Mutex`? Every read would take that lock. Here a read looks at the watcher's epoch and loads a pointer.
//!
//! Who fetches holds a lock. Others who read meanwhile must not get an older version than a `set` that has
//! returned. So they wait for the lock, where fetching takes nanoseconds: at a watcher that runs no function
//! of the program. At all others they return the value of before, as a mapper may take long.

#[cfg(all(test, event_loom))]
mod loom_tests;

use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use arc_swap::{ArcSwap, ArcSwapOption, Guard};

use crate::cell::{Cell, Cursor, Dirty, Lock};
use crate::debug::debug;
use crate::{BoxWatcher, Error};

/// How often one look polls: a poll of a map takes a part of many changes only.
const POLLS: usize = 8;

/// The newest value at hand, for any number of threads and tasks.
///
/// [`ReaderExt::current`](crate::ReaderExt::current) makes one. It is a handle that is cheap to clone, for the
/// state of a service. All clones share one watcher, which starts at once and ends with the last of them.
///
/// While nothing changes, [`get`](Self::get) takes no lock and writes to no memory that threads share. It
/// needs no task: the first `get` after a change fetches the new version on the calling thread, and runs the
/// mapper or the decoder there.
///
/// If `get` begins after a `set` has returned, it returns that version or a newer one. There is one
/// exception. While another thread is taking that version, `get` without an adapter waits for it, some
/// nanoseconds. Over any adapter but `boxed`, where a function of the program may run, it does not wait,
/// and still returns the previous value, or `None` before the first.
///
/// ```
/// use event_core::adapters::Current;
/// use event_core::{MemoryValue, ReaderExt, ValueWriter};
///
/// #[derive(Clone)]
/// struct Service {
///     limit: Current<u32>,
/// }
///
/// impl Service {
///     fn accepts(&self, connections: u32) -> bool {
///         self.limit.get().is_some_and(|limit| connections < *limit)
///     }
/// }
///
/// let limit = MemoryValue::new(10);
/// let service = Service { limit: limit.current() };
/// assert!(service.accepts(9));
/// limit.set(5);
/// assert!(!service.accepts(9));
/// ```
pub struct Current<T> {
    signal: Arc<Signal>,
    fetched: Arc<Fetched<T>>,
}

struct Fetched<T> {
    /// The last good version; without a value before the first.
    good: ArcSwap<Version<Option<T>>>,
    /// The last bad version. It is the newest one if its revision is higher.
    bad: ArcSwapOption<Version<Error>>,
    /// After the last version.
    end: ArcSwapOption<Version<Error>>,
    watcher: Lock<Upstream<T>>,
}

struct Version<T> {
    version: T,
    revision: u64,
}

struct Upstream<T> {
    /// `None` after the end.
    watcher: Option<BoxWatcher<T>>,
    /// How many versions it has yielded.
    revision: u64,
}

/// The newest version that was fetched.
enum Newest<T> {
    None,
    Good(CurrentRef<T>),
    Bad(Error),
}

/// What the watcher's waker reaches. It does not hold the watcher, or the two would keep each other alive.
#[derive(Debug)]
struct Signal {
    /// Whether the watcher may have something newer.
    dirty: Dirty,
    /// The tasks that wait for it.
    waiting: Cell<()>,
}

impl Signal {
    fn notify(&self) {
        self.dirty.raise();
        self.waiting.wake_all();
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.notify();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.notify();
    }
}

impl<T> Current<T> {
    pub(crate) fn new(watcher: BoxWatcher<T>) -> Self {
        let dirty = Dirty::new(watcher.epoch());
        let current = Self {
            signal: Arc::new(Signal { dirty, waiting: Cell::new(None) }),
            fetched: Arc::new(Fetched {
                good: ArcSwap::from_pointee(Version { version: None, revision: 0 }),
                bad: ArcSwapOption::empty(),
                end: ArcSwapOption::empty(),
                watcher: Lock::new(Upstream { watcher: Some(watcher), revision: 0 }),
            }),
        };
        current.look();
        current
    }

    /// The newest good value, or `None` if there has not been one yet. It does not wait for a version. [`Current`] says
    /// what it returns while another thread takes one.
    ///
    /// The last good value that this handle or a clone has fetched stays if a newer version is bad, if the key is
    /// deleted and the decoder has no value for that, while the backend is stalled, and after the value ended. If a
    /// mapper or a decoder panics, the panic unwinds the `get` that ran it, and the last good value stays.
    ///
    /// Keep the returned reference for a moment only, such as for one request: it keeps its version in memory.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt, ValueWriter};
    ///
    /// let limit = MemoryValue::new(10);
    /// let current = limit.current();
    /// assert_eq!(*current.get().unwrap(), 10);
    /// limit.set(20);
    /// assert_eq!(*current.get().unwrap(), 20);
    /// ```
    #[must_use]
    #[doc(alias = "load")]
    #[doc(alias = "borrow")]
    #[inline]
    pub fn get(&self) -> Option<CurrentRef<T>> {
        self.look();
        self.fetched.good()
    }

    /// Fetches the newest version first, as [`get`](Self::get) does. If that is an error, returns it. After the
    /// value ended, it is [`Closed`](crate::ErrorKind::Closed).
    ///
    /// ```
    /// use event_core::{Error, ErrorKind, MemoryValue, ReaderExt};
    ///
    /// let limit = MemoryValue::new(10);
    /// let current = limit.current();
    /// limit.fail(Error::new(ErrorKind::Decode, "expected a number"));
    /// assert_eq!(current.error().unwrap().kind(), ErrorKind::Decode);
    /// assert_eq!(*current.get().unwrap(), 10);
    /// ```
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        match self.newest().0 {
            Newest::Bad(error) => Some(error),
            Newest::Good(_) | Newest::None => None,
        }
    }

    /// Fetches the newest version first, as [`get`](Self::get) does. Then returns its number: how many
    /// versions, good or bad, this handle and its clones have fetched, the end included. 0 before the
    /// first. Two equal numbers mean that `get` returns the same in between.
    ///
    /// It is not the backend's revision. To get that one, decode with
    /// [`decode_versioned`](crate::ReaderExt::decode_versioned).
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt, ValueWriter};
    ///
    /// let limit = MemoryValue::new(10);
    /// let current = limit.current();
    /// let before = current.revision();
    /// assert_eq!(current.revision(), before);
    /// limit.set(10);
    /// assert_ne!(current.revision(), before);
    /// ```
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.newest().1
    }

    /// Waits for the first good value, and skips bad versions before it. Returns at once if there is one.
    ///
    /// # Errors
    ///
    /// [`Closed`](crate::ErrorKind::Closed) if the value ended without a good version.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt};
    ///
    /// # futures_executor::block_on(async {
    /// let limit = MemoryValue::new(10);
    /// assert_eq!(*limit.current().wait().await.unwrap(), 10);
    /// # });
    /// ```
    pub async fn wait(&self) -> Result<CurrentRef<T>, Error> {
        self.until(|| self.get().map(Ok)).await
    }

    /// Waits for a version that is newer than the newest one at the call, and returns it.
    ///
    /// Many tasks may wait at once, and each gets it. If a version arrives after one call returned and before the
    /// next begins, the next call does not return it. To be sure to get the last version, call
    /// [`changed_since`](Self::changed_since), or keep a [watcher](crate::ValueReader::watch) for each task.
    ///
    /// # Errors
    ///
    /// The error, if that version is bad. [`Closed`](crate::ErrorKind::Closed) if the value ended and there is no newer
    /// version.
    ///
    /// # Cancel safety
    ///
    /// After you drop the future, [`get`](Self::get) still returns the newest version.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt, ValueWriter};
    ///
    /// # futures_executor::block_on(async {
    /// let limit = MemoryValue::new(10);
    /// let current = limit.current();
    /// let changed = current.changed();
    /// limit.set(20);
    /// assert_eq!(*changed.await.unwrap(), 20);
    /// # });
    /// ```
    pub fn changed(&self) -> impl Future<Output = Result<CurrentRef<T>, Error>> + use<'_, T> {
        self.changed_since(self.revision())
    }

    /// Waits for a version that is newer than the one with this [number](Self::revision), and returns the
    /// newest. It may skip versions in between, but not the last one.
    ///
    /// In a loop, read the number first and the value after it, as the example does. If a version arrives between
    /// the two, the loop gets it twice. In the other order, the loop would miss it.
    ///
    /// # Errors
    ///
    /// As [`changed`](Self::changed).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt, ValueWriter};
    ///
    /// # futures_executor::block_on(async {
    /// let limit = MemoryValue::new(0);
    /// let current = limit.current();
    /// let writer = std::thread::spawn(move || (1..=100).for_each(|number| limit.set(number)));
    ///
    /// let (mut seen, mut applied) = (0, None);
    /// loop {
    ///     let changed = current.changed_since(seen).await.map(drop);
    ///     seen = current.revision(); // first the number,
    ///     applied = current.get().map(|limit| *limit); // then the value: that version, or a newer one
    ///     match changed {
    ///         Err(error) if error.is_closed() => break,
    ///         Err(error) => eprintln!("keeping the old limit: {error:#}"),
    ///         Ok(()) => {}
    ///     }
    /// }
    /// assert_eq!(applied, Some(100)); // the last one, however fast they came
    /// # writer.join().unwrap();
    /// # });
    /// ```
    pub async fn changed_since(&self, revision: u64) -> Result<CurrentRef<T>, Error> {
        self.until(|| match self.last_version() {
            (Newest::Good(value), newest) if newest > revision => Some(Ok(value)),
            (Newest::Bad(error), newest) if newest > revision => Some(Err(error)),
            _ => None,
        })
        .await
    }

    /// Waits until there is what `find` looks for, or the value has ended.
    async fn until(
        &self,
        find: impl Fn() -> Option<Result<CurrentRef<T>, Error>>,
    ) -> Result<CurrentRef<T>, Error> {
        let mut waiting = Waiting { signal: &self.signal, cursor: Cursor::default() };
        let mut has_yielded = false;
        poll_fn(|cx| {
            // The waker first, so that what is fetched after the look wakes it.
            self.signal.waiting.register(&mut waiting.cursor, cx);
            self.look();
            // The end first: there is no version after it.
            let end = self.fetched.end.load_full();
            if let Some(found) = find() {
                return Poll::Ready(found);
            }
            match end {
                Some(end) if has_yielded => return Poll::Ready(Err(end.version.clone())),
                Some(_) => {
                    // A loop that goes on asking must not keep its thread from all other tasks.
                    has_yielded = true;
                    cx.waker().wake_by_ref();
                }
                None => {}
            }
            Poll::Pending
        })
        .await
    }

    /// The newest version and its number; after the end, that.
    fn newest(&self) -> (Newest<T>, u64) {
        self.look();
        match &*self.fetched.end.load() {
            Some(end) => (Newest::Bad(end.version.clone()), end.revision),
            None => self.last_version(),
        }
    }

    /// The newest version that was fetched, and its number.
    fn last_version(&self) -> (Newest<T>, u64) {
        // First the good one: a bad one that is newer was the newest after that moment.
        let good = self.fetched.good();
        let of_good = good.as_ref().map_or(0, |good| good.version.revision);
        match &*self.fetched.bad.load() {
            Some(bad) if bad.revision > of_good => (Newest::Bad(bad.version.clone()), bad.revision),
            _ => (good.map_or(Newest::None, Newest::Good), of_good),
        }
    }

    /// Fetches the newest version, if there may be a newer one.
    #[inline]
    fn look(&self) {
        if self.signal.dirty.is_dirty() {
            self.fetch();
        }
    }

    #[cold]
    fn fetch(&self) {
        let Self { signal, fetched } = self;
        let upstream = if signal.dirty.is_plain() {
            Some(fetched.watcher.lock())
        } else {
            fetched.watcher.try_lock()
        };
        let Some(mut upstream) = upstream else { return };
        let panics = NotifyOnPanic(signal);
        let waker = Waker::from(Arc::clone(signal));
        // Dropped without the lock: a `drop` is code of the program.
        let (mut replaced, mut ended) = (Vec::new(), None);
        // After a version, a second poll finds that there is none newer. If that finds one, a writer is fast.
        let mut versions = 0;
        for _ in 0..POLLS {
            if versions == 2 || !signal.dirty.is_dirty() {
                break;
            }
            let before = signal.dirty.moment();
            let Some(watcher) = &mut upstream.watcher else { break };
            let Poll::Ready(version) = watcher.poll_get(&mut Context::from_waker(&waker)) else {
                if signal.dirty.settle(before) {
                    break;
                }
                continue; // it stopped early, or something newer arrived
            };
            versions += 1;
            upstream.revision += 1;
            let revision = upstream.revision;
            match version {
                Ok(version) => {
                    let version = Version { version: Some(version), revision };
                    replaced.push(fetched.good.swap(Arc::new(version)));
                }
                Err(version) => {
                    let is_end = version.is_closed();
                    let version = Some(Arc::new(Version { version, revision }));
                    if is_end {
                        ended = upstream.watcher.take();
                        signal.dirty.settle_for_ever();
                        fetched.end.store(version);
                    } else {
                        fetched.bad.store(version);
                    }
                }
            }
        }
        drop(upstream);
        drop(panics);
        signal.waiting.wake_all();
        drop((replaced, ended));
    }
}

impl<T> Fetched<T> {
    #[inline]
    fn good(&self) -> Option<CurrentRef<T>> {
        let version = self.good.load();
        version.version.is_some().then_some(CurrentRef { version })
    }
}

/// If a mapper panics, those who wait look again: the next poll yields an error in the version's place.
struct NotifyOnPanic<'a>(&'a Signal);

impl Drop for NotifyOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.notify();
        }
    }
}

/// A task that waits.
struct Waiting<'a> {
    signal: &'a Signal,
    cursor: Cursor,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.signal.waiting.unregister(&mut self.cursor);
    }
}

/// The value as it was when [`Current::get`] was called. `Debug` prints the value.
pub struct CurrentRef<T> {
    version: Guard<Arc<Version<Option<T>>>>,
}

impl<T> Deref for CurrentRef<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match &self.version.version {
            Some(value) => value,
            None => unreachable!("it is made of a version with a value"),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for CurrentRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Clone for Current<T> {
    fn clone(&self) -> Self {
        Self { signal: Arc::clone(&self.signal), fetched: Arc::clone(&self.fetched) }
    }
}

debug!(Current<T> {});
