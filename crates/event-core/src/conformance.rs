//! The nine laws as functions, for those who write a backend or an adapter.
//!
//! Give the suite a [`Subject`], and run [`all`] under a bound in time: a law that is broken panics
//! with what was seen, or waits for ever.
//!
//! ```
//! use event_core::conformance::{self, Subject};
//! use event_core::{Error, ErrorKind, MemoryReader, MemoryValue, ValueWriter};
//! use std::cell::RefCell;
//!
//! struct Memory(RefCell<Option<MemoryValue<u64>>>, MemoryReader<u64>);
//!
//! impl Subject for Memory {
//!     type Reader = MemoryReader<u64>;
//!
//!     fn reader(&self) -> &Self::Reader {
//!         &self.1
//!     }
//!     async fn set(&self, version: u64) {
//!         self.0.borrow().as_ref().unwrap().set(version);
//!     }
//!     async fn spoil(&self) -> bool {
//!         self.0.borrow().as_ref().unwrap().fail(Error::new(ErrorKind::Decode, "spoilt"));
//!         true
//!     }
//!     async fn end(&self) -> bool {
//!         self.0.take();
//!         true
//!     }
//!     async fn held(&self) -> usize {
//!         0
//!     }
//! }
//!
//! futures_executor::block_on(conformance::all(async || {
//!     let value = MemoryValue::empty();
//!     let reader = value.reader();
//!     Memory(RefCell::new(Some(value)), reader)
//! }));
//! ```

// To panic is what the suite does where a law is broken, and the module says so once.
#![allow(clippy::missing_panics_doc)]

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::{Error, ValueReader, Watcher, WatcherExt};

/// A value under test, without a version at first.
///
/// Versions are numbers, which the suite sets in rising order.
pub trait Subject {
    /// The reader under test.
    type Reader: ValueReader<u64>;

    /// The reader under test.
    fn reader(&self) -> &Self::Reader;

    /// Sets a version. Completes when a `get` that begins then would yield it.
    fn set(&self, version: u64) -> impl Future<Output = ()>;

    /// Sets data that is an error for the reader, and completes as `set` does. `false` where the
    /// backend has nothing of the sort.
    fn spoil(&self) -> impl Future<Output = bool>;

    /// Lets the last writer go. `false` where writers can't.
    fn end(&self) -> impl Future<Output = bool>;

    /// How much is held upstream for watchers now: watches of a server, watchers of a reader below.
    fn held(&self) -> impl Future<Output = usize>;
}

/// Checks all laws, each on a subject of its own.
pub async fn all<S: Subject>(new: impl AsyncFn() -> S) {
    current_first(&new().await).await;
    newer_only(&new().await).await;
    latest_wins(&new().await).await;
    last_one_arrives(&new().await).await;
    cancel_safe(&new().await).await;
    independent(&new().await).await;
    errors_are_versions(&new().await).await;
    end(&new().await).await;
    drop_is_close(&new().await).await;
}

/// Law 1: the first `get` yields the newest data there is; where there is none yet, it waits.
pub async fn current_first(subject: &impl Subject) {
    let mut early = subject.reader().watch();
    let task = Arc::new(Task::default());
    assert!(task.poll(&mut early).is_pending(), "there is no version yet, so the first get waits");
    subject.set(1).await;
    task.woken().await;
    assert_eq!(value(early.get().await), 1, "the first get waited for the first version");
    subject.set(2).await;
    subject.set(3).await;
    assert_eq!(
        value(subject.reader().watch().get().await),
        3,
        "a new watcher begins with the newest"
    );
    drop(early);
    assert_eq!(value(subject.reader().watch().get().await), 3, "the same with no other watcher");
}

/// Law 2: each later `get` yields data newer than what this watcher last took.
pub async fn newer_only(subject: &impl Subject) {
    let mut watcher = subject.reader().watch();
    let mut last = 0;
    for version in 1..=60 {
        subject.set(version).await;
        if version % 3 == 0 {
            let next = value(watcher.get().await);
            assert!(next > last, "took {next} after {last}");
            last = next;
            let again = Task::default().shared().poll(&mut watcher);
            assert!(again.is_pending(), "took {again:?} again, though nothing came after {last}");
        }
    }
}

/// Law 3: `get` yields the newest version known when it completes.
pub async fn latest_wins(subject: &impl Subject) {
    let mut slow = subject.reader().watch();
    subject.set(1).await;
    assert_eq!(value(slow.get().await), 1);
    for version in 2..=200 {
        subject.set(version).await;
    }
    assert_eq!(value(slow.get().await), 200, "the newest, whatever came before it");
}

/// Law 4: once writes stop, every watcher that keeps calling `get` takes the final version.
pub async fn last_one_arrives(subject: &impl Subject) {
    const LAST: u64 = 40;
    let mut watchers: Vec<_> = (0..8).map(|_| subject.reader().watch()).collect();
    let task = Arc::new(Task::default());
    for version in 1..=LAST {
        // Each watcher looks at another time: it has all versions, some, or only this one before it.
        for (i, watcher) in watchers.iter_mut().enumerate() {
            if i > 0 && version % i as u64 == 0 {
                let _ = task.poll(watcher);
            }
        }
        subject.set(version).await;
    }
    let mut waiting = Vec::new();
    for (i, mut watcher) in watchers.into_iter().enumerate() {
        match task.poll(&mut watcher) {
            Poll::Ready(last) => assert_eq!(value(last), LAST, "watcher {i}"),
            Poll::Pending => panic!("watcher {i} waits, though it has not taken {LAST}"),
        }
        let task = Arc::new(Task::default());
        assert!(task.poll(&mut watcher).is_pending(), "watcher {i} has the last");
        waiting.push((task, watcher));
    }
    subject.set(LAST + 1).await;
    for (task, mut watcher) in waiting {
        task.woken().await;
        assert_eq!(value(watcher.get().await), LAST + 1);
    }
}

/// Law 5: dropping a pending `get` loses nothing.
pub async fn cancel_safe(subject: &impl Subject) {
    let mut watcher = subject.reader().watch();
    subject.set(1).await;
    assert_eq!(value(watcher.get().await), 1);
    for version in 2..=20 {
        let task = Arc::new(Task::default());
        assert!(task.poll(&mut watcher).is_pending());
        assert!(task.poll(&mut watcher).is_pending());
        subject.set(version).await;
        // The get above is gone: nobody polls for what it waited for. The next one yields it.
        assert_eq!(
            value(watcher.get().await),
            version,
            "a get that was dropped took a version along"
        );
    }
}

/// Law 6: watchers do not slow, block or starve each other or the writer.
pub async fn independent(subject: &impl Subject) {
    let mut asleep = subject.reader().watch();
    let mut gone = subject.reader().watch();
    let mut awake = subject.reader().watch();
    let (for_gone, for_awake) = (Arc::new(Task::default()), Arc::new(Task::default()));
    for version in 1..=20 {
        let _ = for_gone.poll(&mut gone);
        while for_awake.poll(&mut awake).is_ready() {}
        for_awake.sleep();
        if version == 10 {
            drop(gone);
            gone = subject.reader().watch();
        }
        subject.set(version).await;
        for_awake.woken().await;
        assert_eq!(value(awake.get().await), version, "whatever the others do");
    }
    assert_eq!(value(asleep.get().await), 20, "one that never looked finds the newest");
}

/// Law 7: what does not decode is reported once, as an error in its place; the next good version
/// arrives.
pub async fn errors_are_versions(subject: &impl Subject) {
    let mut watcher = subject.reader().watch();
    subject.set(1).await;
    assert_eq!(value(watcher.get().await), 1);
    let task = Arc::new(Task::default());
    assert!(task.poll(&mut watcher).is_pending());
    if !subject.spoil().await {
        return;
    }
    task.woken().await;
    for watcher in [&mut watcher, &mut subject.reader().watch()] {
        match watcher.get().await {
            Ok(version) => panic!("took {version}, which is older than the error"),
            Err(error) => assert!(!error.is_closed(), "an error in its place is not the end"),
        }
    }
    assert!(task.poll(&mut watcher).is_pending(), "an error is told once");
    subject.set(2).await;
    task.woken().await;
    assert_eq!(value(watcher.get().await), 2, "the next good version arrives");
    assert!(subject.spoil().await);
    subject.set(3).await;
    assert_eq!(value(watcher.get().await), 3, "an error too may be skipped for what is newer");
}

/// Law 8: when no writer is left, a watcher takes the last version if it has not, then gets `Closed`,
/// for ever.
pub async fn end(subject: &impl Subject) {
    let mut behind = subject.reader().watch();
    let mut ahead = subject.reader().watch();
    subject.set(1).await;
    subject.set(2).await;
    assert_eq!(value(ahead.get().await), 2);
    let task = Arc::new(Task::default());
    assert!(task.poll(&mut ahead).is_pending());
    if !subject.end().await {
        return;
    }
    task.woken().await;
    assert_eq!(value(behind.get().await), 2, "the last version is taken before the end");
    for watcher in [&mut behind, &mut ahead] {
        for _ in 0..3 {
            match watcher.get().await {
                Ok(version) => panic!("took {version} after the end"),
                Err(error) => assert!(error.is_closed(), "{error} after the end"),
            }
        }
    }
}

/// Law 9: dropping a watcher frees all it held, upstream too.
pub async fn drop_is_close(subject: &impl Subject) {
    let before = subject.held().await;
    subject.set(1).await;
    let mut watchers: Vec<_> = (0..5).map(|_| subject.reader().watch()).collect();
    for watcher in &mut watchers {
        assert_eq!(value(watcher.get().await), 1);
        assert!(Arc::new(Task::default()).poll(watcher).is_pending());
    }
    drop(subject.reader().watch()); // one that never looked
    drop(watchers);
    while subject.held().await > before {
        yield_now().await;
    }
}

fn value(version: Result<u64, Error>) -> u64 {
    version.unwrap_or_else(|error| panic!("expected a value: {error:?}"))
}

/// A task that polls by hand, and knows whether it was woken.
#[derive(Default)]
struct Task {
    woken: AtomicBool,
}

impl Task {
    fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }

    fn poll(self: &Arc<Self>, watcher: &mut impl Watcher<u64>) -> Poll<Result<u64, Error>> {
        watcher.poll_get(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }

    fn sleep(&self) {
        self.woken.store(false, Ordering::SeqCst);
    }

    /// Completes when this task was woken.
    async fn woken(&self) {
        while !self.woken.load(Ordering::SeqCst) {
            yield_now().await;
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
    }
}

/// Lets other tasks of the executor run.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
