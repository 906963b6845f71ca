//! A `get` that is ready.

use std::hint::black_box;
use std::task::{Context, Poll, Waker};

use measure::median;

use crate::bench::{Turn, Work};
use crate::clock::once;
use crate::payload::Payload;
use crate::task::{drain, poll};
use crate::value::Value;

/// Sets once, then times the `get` of a thousand watchers. Each `get` is a new future, polled once. The
/// `set` is not timed.
pub(crate) struct Get;

const WATCHERS: u32 = 1000;
const SETS: usize = 21;

impl Work for Get {
    fn name<T: Payload>(&self) -> String {
        format!("get, ready, {}", T::NAME)
    }

    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn> {
        let mut value = V::new(T::number(0));
        let mut watchers: Vec<V::Watcher> = (0..WATCHERS).map(|_| value.watch()).collect();
        watchers.iter_mut().for_each(drain);
        let version = T::number(1);
        Some(Box::new(move || {
            let mut after_a_set = || {
                value.set(version.clone());
                once(|| {
                    for watcher in &mut watchers {
                        let got = poll(watcher, &mut Context::from_waker(Waker::noop()));
                        assert!(matches!(black_box(got), Poll::Ready(_)));
                    }
                })
            };
            let mut samples: Vec<f64> = (0..SETS).map(|_| after_a_set()).collect();
            median(&mut samples) / f64::from(WATCHERS)
        }))
    }
}
