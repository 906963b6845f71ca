//! From a set on one thread until every watcher on another has the version.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use measure::median;

use crate::bench::{Turn, Work};
use crate::clock::once;
use crate::payload::Payload;
use crate::value::{Taken, Value, Watch};

/// The second thread has each watcher as a task of one `FuturesUnordered`, the same for all, whose
/// cost is in the figure.
///
/// Neither thread sleeps by itself. One that does is woken on the core of the other or not, as the
/// scheduler likes, and the same contender took 0.4 ms in one run and 1.5 in the next.
///
/// Two modes are left, and a contender may be in either: the first tasks take the version while the
/// last are still being woken, and the threads take each other's cache lines at every step; or the
/// second waits until all are woken, for a lock that is held meanwhile or for a core, which is quicker
/// where there is nothing else to do. Compare only what is far apart here.
pub(crate) struct FanOut {
    pub(crate) watchers: usize,
}

const SETS: u64 = 11;
const STOP: u64 = u64::MAX;

impl Work for FanOut {
    fn name<T: Payload>(&self) -> String {
        format!("set until all on another thread have it, {}", T::NAME)
    }

    fn size(&self) -> Option<u64> {
        Some(self.watchers as u64)
    }

    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn> {
        let count = self.watchers;
        Some(Box::new(move || {
            let mut value = V::new(T::number(0));
            let watchers: Vec<V::Watcher> = (0..count).map(|_| value.watch()).collect();
            let seen = Arc::new(AtomicU64::new(0));
            let all_have_it = Arc::clone(&seen);
            let second = thread::spawn(move || follow(watchers, &all_have_it));
            set_until_seen(&mut value, 1, &seen); // the second thread has begun
            let sets = 2..2 + SETS;
            let mut taken: Vec<f64> =
                sets.map(|set| once(|| set_until_seen(&mut value, set, &seen))).collect();
            set_until_seen(&mut value, STOP, &seen);
            second.join().expect("it does not panic");
            median(&mut taken)
        }))
    }
}

/// Of a contender that loses a wake-up we would wait for ever. Setting once more helps it out; that
/// is told, and the median passes over it.
fn set_until_seen<T: Payload, V: Value<T>>(value: &mut V, set: u64, seen: &AtomicU64) {
    value.set(T::number(set));
    let mut start = Instant::now();
    while seen.load(Ordering::Acquire) != set {
        thread::yield_now();
        if start.elapsed() > Duration::from_secs(1) {
            eprintln!("{}: a watcher was not woken within a second", V::who());
            value.set(T::number(set));
            start = Instant::now();
        }
    }
}

fn follow<T: Payload, W: Watch<T>>(watchers: Vec<W>, seen: &AtomicU64) {
    let (count, have_it) = (watchers.len(), Cell::new(0));
    let follow_one = |mut watcher: W| {
        let have_it = &have_it;
        async move {
            let mut last = 0;
            while last != STOP {
                let version = black_box(watcher.get().await.version()).look();
                if version != last {
                    last = version;
                    have_it.set(have_it.get() + 1);
                    if have_it.get() == count {
                        have_it.set(0);
                        seen.store(version, Ordering::Release);
                    }
                }
            }
        }
    };
    let mut tasks: FuturesUnordered<_> = watchers.into_iter().map(follow_one).collect();
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        match tasks.poll_next_unpin(&mut cx) {
            Poll::Ready(Some(())) => {}
            Poll::Ready(None) => return,
            Poll::Pending => thread::yield_now(),
        }
    }
}
