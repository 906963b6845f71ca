//! Prepares each step.

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use crate::value::{Value, Watch};

/// The code to count, with the values that it needs.
pub(crate) type Step = Box<dyn FnMut()>;

/// A `set` while there is one watcher, which was never polled.
pub(crate) fn set<V: Value>() -> Step {
    let value = V::new();
    let watcher = value.watch();
    warmed_up(move || {
        let _alive = &watcher;
        value.set(black_box(1));
    })
}

/// A `get` that is ready.
pub(crate) fn get<V: Value>() -> Step {
    let value = V::new();
    let mut watcher = value.watch();
    while ready(&mut watcher, Waker::noop()) {}
    value.set(1);
    assert!(ready(&mut watcher, Waker::noop()));
    value.set(2);
    Box::new(move || {
        let _writer = &value;
        assert!(ready(&mut watcher, Waker::noop()));
    })
}

/// A `get` that is pending, and then dropped.
pub(crate) fn pending<V: Value>() -> Step {
    let value = V::new();
    let mut watcher = value.watch();
    while ready(&mut watcher, Waker::noop()) {}
    let waker = Waker::from(Arc::new(Count::default()));
    warmed_up(move || {
        let _writer = &value;
        assert!(!ready(&mut watcher, &waker));
    })
}

/// A `set` that wakes all watchers.
///
/// It is the second `set`: the watchers took the version of the first one and wait again.
pub(crate) fn waking<V: Value>(watchers: usize) -> Step {
    let value = V::new();
    let task = || {
        let mut watcher = value.watch();
        let get_forever = async move {
            loop {
                watcher.get().await;
            }
        };
        (Box::pin(get_forever), Waker::from(Arc::new(Count::default())))
    };
    let mut tasks: Vec<_> = (0..watchers).map(|_| task()).collect();
    for version in 1..=2 {
        for (future, waker) in &mut tasks {
            let poll: std::task::Poll<()> = future.as_mut().poll(&mut Context::from_waker(waker));
            assert!(poll.is_pending());
        }
        if version == 1 {
            value.set(version);
        }
    }
    Box::new(move || {
        let _alive = &tasks;
        value.set(black_box(2));
    })
}

/// Starting a watcher, taking the current version from it, and dropping it.
pub(crate) fn subscribe<V: Value>() -> Step {
    let value = V::new();
    warmed_up(move || {
        black_box(value.watch().current());
    })
}

/// A step that has run once.
fn warmed_up(mut step: impl FnMut() + 'static) -> Step {
    step();
    Box::new(step)
}

/// Polls a new `get` once and drops it. Returns whether it was ready.
fn ready(watcher: &mut impl Watch, waker: &Waker) -> bool {
    pin!(watcher.get()).poll(&mut Context::from_waker(waker)).is_ready()
}

/// A waker that counts its wake-ups.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
