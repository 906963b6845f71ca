//! A watcher that takes one version.

use std::hint::black_box;

use crate::bench::{Turn, Work};
use crate::clock::per_operation;
use crate::payload::Payload;
use crate::value::{Value, Watch};

/// Starts a watcher, takes the current version, and drops the watcher.
///
/// Each turn has its own value, because some contenders' watchers leave memory behind until the next `set`.
pub(crate) struct Subscribe;

impl Work for Subscribe {
    fn name<T: Payload>(&self) -> String {
        format!("subscribe, get, drop, {}", T::NAME)
    }

    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn> {
        Some(Box::new(|| {
            let mut value = V::new(T::number(0));
            per_operation(|| {
                let mut watcher = value.watch();
                black_box(watcher.current());
            })
        }))
    }
}
