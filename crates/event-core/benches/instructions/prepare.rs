//! What comes before each step.

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use crate::value::{Value, Watch};

/// What is counted, with all it needs.
pub(crate) type Step = Box<dyn FnMut()>;

/// A set, with a watcher that was never polled.
pub(crate) fn set<V: Value>() -> Step {
    let value = V::new();
    let watcher = value.watch();
    twice(move || {
        let _alive = &watcher;
        value.set(black_box(1));
    })
}

/// A get of what is new: the second, of a version that came after the first.
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

/// A get that waits and is dropped.
pub(crate) fn pending<V: Value>() -> Step {
    let value = V::new();
    let mut watcher = value.watch();
    while ready(&mut watcher, Waker::noop()) {}
    let waker = Waker::from(Arc::new(Count::default()));
    twice(move || {
        let _writer = &value;
        assert!(!ready(&mut watcher, &waker));
    })
}

/// A set that wakes: the second, after all have taken the first and wait again.
pub(crate) fn waking<V: Value>(watchers: usize) -> Step {
    let value = V::new();
    let task = || {
        let mut watcher = value.watch();
        let follow = async move {
            loop {
                watcher.get().await;
            }
        };
        (Box::pin(follow), Waker::from(Arc::new(Count::default())))
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

/// A watcher made, one look by it, and its drop.
pub(crate) fn subscribe<V: Value>() -> Step {
    let value = V::new();
    twice(move || {
        black_box(value.watch().first());
    })
}

/// The first time is here.
fn twice(mut step: impl FnMut() + 'static) -> Step {
    step();
    Box::new(step)
}

/// Whether a new get, polled once and dropped, was ready.
fn ready(watcher: &mut impl Watch, waker: &Waker) -> bool {
    pin!(watcher.get()).poll(&mut Context::from_waker(waker)).is_ready()
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
