//! A `get` that is pending and then dropped, as in `select!`.

use std::sync::Arc;
use std::task::{Context, Waker};

use allocation_counter::measure;

use crate::bench::{Turn, Work};
use crate::clock::per_operation;
use crate::payload::Payload;
use crate::task::{Woken, drain, poll};
use crate::value::{Value, Watch};

/// Creates a future, polls it once in the same task, and drops it.
///
/// Some contenders accumulate wakers until the next `set`. The time includes that. Each turn starts with a
/// `set`, which removes them.
pub(crate) struct Pending;

impl Work for Pending {
    fn name<T: Payload>(&self) -> String {
        format!("get, pending, dropped, {}", T::NAME)
    }

    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn> {
        let mut value = V::new(T::number(0));
        let mut watcher = value.watch();
        let waker = Waker::from(Arc::new(Woken::default()));
        Some(Box::new(move || {
            value.set(T::number(1));
            drain(&mut watcher);
            per_operation(|| wait(&mut watcher, &waker))
        }))
    }
}

/// The bytes that a hundred thousand pending gets leave on the heap. A few bytes are a buffer. A waker's
/// size times a hundred thousand is a leak that lasts until the next `set`.
pub(crate) struct Growth;

impl Work for Growth {
    const ROUNDS: usize = 1;
    const UNIT: &'static str = "B";

    fn name<T: Payload>(&self) -> String {
        "get, pending, dropped: heap kept by 100,000".to_owned()
    }

    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn> {
        let mut value = V::new(T::number(0));
        let mut watcher = value.watch();
        let waker = Waker::from(Arc::new(Woken::default()));
        Some(Box::new(move || {
            value.set(T::number(1));
            drain(&mut watcher);
            let all = || (0..100_000).for_each(|_| wait(&mut watcher, &waker));
            as_f64(measure(all).bytes_current)
        }))
    }
}

fn wait<T: Payload>(watcher: &mut impl Watch<T>, waker: &Waker) {
    assert!(poll(watcher, &mut Context::from_waker(waker)).is_pending());
}

#[expect(clippy::cast_precision_loss, reason = "the heap is far below 2^53 bytes")]
fn as_f64(count: i64) -> f64 {
    count as f64
}
