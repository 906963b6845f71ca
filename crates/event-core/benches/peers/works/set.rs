//! A `set` while no watcher waits.

use crate::bench::{Turn, Work};
use crate::clock::per_operation;
use crate::payload::Payload;
use crate::value::Value;

/// The watchers were never polled, so no waker is registered. The time includes cloning the payload and
/// dropping the previous version.
pub(crate) struct Set {
    pub(crate) watchers: u32,
}

impl Work for Set {
    fn name<T: Payload>(&self) -> String {
        format!("set, nobody waits, {}", T::NAME)
    }

    fn size(&self) -> Option<u64> {
        Some(self.watchers.into())
    }

    fn contender<T: Payload, V: Value<T>>(&self) -> Option<Turn> {
        let mut value = V::new(T::number(0));
        let watchers: Vec<V::Watcher> = (0..self.watchers).map(|_| value.watch()).collect();
        let version = T::number(1);
        Some(Box::new(move || {
            let _alive = &watchers;
            per_operation(|| value.set(version.clone()))
        }))
    }
}
