//! The memory of a waiting watcher.

use std::pin::Pin;
use std::task::{Context, Waker};

use allocation_counter::measure;

use crate::bench::{Turn, Work};
use crate::payload::Payload;
use crate::task::get_forever;
use crate::value::Value;

/// The heap growth per watcher, for ten thousand watchers. Each watcher is owned by a future on the heap
/// that waits in a `get`.
///
/// The result includes the future, because some contenders link it into their list of waiters. It includes
/// what the value stores for its waiters. It does not include the task's waker.
pub(crate) struct Memory;

const WATCHERS: usize = 10_000;

impl Work for Memory {
    const ROUNDS: usize = 1;
    const UNIT: &'static str = "B";

    fn name<T: Payload>(&self) -> String {
        format!("memory of a waiting watcher and its get, {}", T::NAME)
    }

    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn> {
        Some(Box::new(|| {
            let mut value = V::new(T::number(0));
            let mut tasks: Vec<Pin<Box<_>>> = Vec::with_capacity(WATCHERS);
            let info = measure(|| {
                for _ in 0..WATCHERS {
                    let mut task = Box::pin(get_forever(value.watch()));
                    let poll = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    assert!(poll.is_pending());
                    tasks.push(task);
                }
            });
            per_watcher(info.bytes_current)
        }))
    }
}

#[expect(clippy::cast_precision_loss, reason = "the heap is far below 2^53 bytes")]
fn per_watcher(bytes: i64) -> f64 {
    bytes as f64 / WATCHERS as f64
}
