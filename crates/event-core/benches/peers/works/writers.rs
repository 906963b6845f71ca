//! Two who write at once.

use crate::bench::{Turn, Work};
use crate::clock::nanoseconds;
use crate::payload::Payload;
use crate::threads::together;
use crate::value::Value;

/// Two threads set as fast as they can, each through its own handle; one watcher is there and does
/// not wait. The time from start to end, over the sets of both.
pub(crate) struct Writers;

const SETS: u32 = 500_000;

impl Work for Writers {
    fn name<T: Payload>(&self) -> String {
        format!("set, two writers, {}", T::NAME)
    }

    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn> {
        V::new(T::number(0)).another()?;
        Some(Box::new(|| {
            let mut value = V::new(T::number(0));
            let _watcher = value.watch();
            let both = value.another().into_iter().chain([value]).collect();
            let version = T::number(1);
            let took = together(both, |mut value: V| {
                for _ in 0..SETS {
                    value.set(version.clone());
                }
            });
            nanoseconds(took) / f64::from(2 * SETS)
        }))
    }
}
