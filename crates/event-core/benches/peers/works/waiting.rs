//! The memory of a watcher that waits.

use std::pin::Pin;
use std::task::{Context, Waker};

use allocation_counter::measure;

use crate::bench::{Turn, Work};
use crate::payload::Payload;
use crate::task::follow;
use crate::value::Value;

/// Ten thousand watchers, each in a future on the heap that owns it and waits in a `get`; what the
/// heap has grown by, for each of them.
///
/// With the future, since there are contenders whose future is a part of the list of those who wait
/// and must stay; with all that the value holds for them; without the task's waker itself.
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
                    let mut task = Box::pin(follow(value.watch()));
                    let poll = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    assert!(poll.is_pending());
                    tasks.push(task);
                }
            });
            per_watcher(info.bytes_current)
        }))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a heap of 2^53 bytes is not to be had")]
fn per_watcher(bytes: i64) -> f64 {
    bytes as f64 / WATCHERS as f64
}
