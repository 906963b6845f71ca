//! The time from a `set` until every watcher has the version. Each watcher runs in its own task.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use measure::median;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::bench::{Turn, Work};
use crate::payload::Payload;
use crate::value::{IntoVersion, Value, Watch};

/// A tokio runtime with two threads. One task sets; each other task gets. The result includes the runtime's
/// own time, which is the same for all contenders.
pub(crate) struct FanOut {
    pub(crate) watchers: usize,
}

const SETS: u64 = 21;
const STOP: u64 = u64::MAX;
/// A wake-up that takes longer counts as lost.
const WAKE_UP_TIMEOUT: Duration = Duration::from_millis(100);
/// After so many losses of one set the next one begins.
const LOSSES: usize = 10;

impl Work for FanOut {
    const ROUNDS: usize = 7;

    fn name<T: Payload>(&self) -> String {
        format!("set until all tasks of two threads have it, {}", T::NAME)
    }

    fn size(&self) -> Option<u64> {
        Some(self.watchers as u64)
    }

    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn> {
        let watchers = self.watchers;
        Some(Box::new(move || turn::<T, V>(watchers)))
    }
}

fn turn<T: Payload, V: Value<T>>(watchers: usize) -> f64 {
    let runtime = runtime();
    let mut value = V::new(T::number(0));
    let progress =
        Arc::new(Progress { watchers, done: AtomicUsize::new(0), all_done: Notify::new() });
    for _ in 0..watchers {
        runtime.spawn(get_until_stop::<T, _>(value.watch(), Arc::clone(&progress)));
    }
    let setter = runtime.spawn(async move {
        let mut samples = Vec::new();
        for set in (1..=SETS).chain([STOP]) {
            let start = Instant::now();
            value.set(T::number(set));
            // If a contender loses a wake-up, this would wait forever. Instead it reports the loss and
            // sets again. The median ignores the slow sample.
            for loss in 1..=LOSSES {
                if timeout(WAKE_UP_TIMEOUT, progress.all_done.notified()).await.is_ok() {
                    break;
                }
                eprintln!("{}: a watcher was not woken within {WAKE_UP_TIMEOUT:?}", V::name());
                if loss == LOSSES {
                    progress.done.store(0, Ordering::Release);
                }
                value.set(T::number(set));
            }
            samples.push(start.elapsed().as_secs_f64() * 1e9);
        }
        median(&mut samples)
    });
    runtime.block_on(setter).expect("the task did not panic")
}

struct Progress {
    watchers: usize,
    /// How many watchers have the version of the current `set`.
    done: AtomicUsize,
    all_done: Notify,
}

async fn get_until_stop<T: Payload, W: Watch<T>>(mut watcher: W, progress: Arc<Progress>) {
    let mut last = 0;
    while last != STOP {
        let version = black_box(watcher.get().await.into_version()).word();
        if version != last {
            last = version;
            if progress.done.fetch_add(1, Ordering::AcqRel) + 1 == progress.watchers {
                progress.done.store(0, Ordering::Release);
                progress.all_done.notify_one();
            }
        }
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime")
}
