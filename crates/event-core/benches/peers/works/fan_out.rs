//! From a set until every watcher, a task of its own, has the version.

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
use crate::value::{Taken, Value, Watch};

/// A tokio runtime of two threads, which sets in one task and takes in all the others: the runtime's
/// part, the same for all, is in the figure.
pub(crate) struct FanOut {
    pub(crate) watchers: usize,
}

const SETS: u64 = 21;
const STOP: u64 = u64::MAX;
const LOST: Duration = Duration::from_millis(100);

impl Work for FanOut {
    const ROUNDS: usize = 7;

    fn name<T: Payload>(&self) -> String {
        format!("set until all tasks of two threads have it, {}", T::NAME)
    }

    fn size(&self) -> Option<u64> {
        Some(self.watchers as u64)
    }

    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn> {
        let count = self.watchers;
        Some(Box::new(move || turn::<T, V>(count)))
    }
}

fn turn<T: Payload, V: Value<T>>(count: usize) -> f64 {
    let runtime = runtime();
    let mut value = V::new(T::number(0));
    let seen = Arc::new(Seen { count, have_it: AtomicUsize::new(0), all: Notify::new() });
    for _ in 0..count {
        runtime.spawn(follow::<T, _>(value.watch(), Arc::clone(&seen)));
    }
    let setter = runtime.spawn(async move {
        let mut taken = Vec::new();
        for set in (1..=SETS).chain([STOP]) {
            let start = Instant::now();
            value.set(T::number(set));
            // Of a contender that loses a wake-up we would wait for ever. Setting once more helps it
            // out; that is told, and the median passes over it.
            while timeout(LOST, seen.all.notified()).await.is_err() {
                eprintln!("{}: a watcher was not woken within {LOST:?}", V::who());
                value.set(T::number(set));
            }
            taken.push(start.elapsed().as_secs_f64() * 1e9);
        }
        median(&mut taken)
    });
    runtime.block_on(setter).expect("it does not panic")
}

struct Seen {
    count: usize,
    have_it: AtomicUsize,
    all: Notify,
}

async fn follow<T: Payload, W: Watch<T>>(mut watcher: W, seen: Arc<Seen>) {
    let mut last = 0;
    while last != STOP {
        let version = black_box(watcher.get().await.version()).look();
        if version != last {
            last = version;
            if seen.have_it.fetch_add(1, Ordering::AcqRel) + 1 == seen.count {
                seen.have_it.store(0, Ordering::Release);
                seen.all.notify_one();
            }
        }
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime")
}
