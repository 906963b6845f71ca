//! Two writers at the same time.

use crate::bench::{Turn, Work};
use crate::clock::nanoseconds;
use crate::payload::Payload;
use crate::threads::run_together;
use crate::value::Value;

/// Two threads set as fast as they can, each through its own handle. There is one watcher, which does not
/// wait. The result is the time from start to end, divided by the sets of both threads.
pub(crate) struct Writers;

const SETS: u32 = 500_000;

impl Work for Writers {
    fn name<T: Payload>(&self) -> String {
        format!("set, two writers, {}", T::NAME)
    }

    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn> {
        V::new(T::number(0)).second_writer()?;
        Some(Box::new(|| {
            let mut value = V::new(T::number(0));
            let _watcher = value.watch();
            let both = value.second_writer().into_iter().chain([value]).collect();
            let version = T::number(1);
            let elapsed = run_together(both, |mut value: V| {
                for _ in 0..SETS {
                    value.set(version.clone());
                }
            });
            nanoseconds(elapsed) / f64::from(2 * SETS)
        }))
    }
}
