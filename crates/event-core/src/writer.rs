//! Who sets a value.

use std::sync::Arc;

use crate::ValueReader;

/// A value that can be set.
pub trait ValueWriter<T> {
    /// Makes `value` the newest version and wakes the watchers that wait.
    ///
    /// Returns at once: it never waits for a watcher. Of versions set in quick succession a watcher
    /// may see the last one alone.
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{MemoryValue, ValueReader, ValueWriter, WatcherExt};
    ///
    /// let level = MemoryValue::new("info");
    /// let mut watcher = level.watch();
    /// level.set("debug");
    /// assert_eq!(watcher.try_get().unwrap().unwrap(), "debug");
    /// ```
    fn set(&self, value: T);
}

/// A value that can be watched and set: whatever is both is this, and it has nothing of its own.
pub trait Value<T>: ValueReader<T> + ValueWriter<T> {}

impl<T, V: ValueReader<T> + ValueWriter<T> + ?Sized> Value<T> for V {}

#[deny(clippy::missing_trait_methods)]
impl<T, W: ValueWriter<T> + ?Sized> ValueWriter<T> for &W {
    fn set(&self, value: T) {
        (**self).set(value);
    }
}

#[deny(clippy::missing_trait_methods)]
impl<T, W: ValueWriter<T> + ?Sized> ValueWriter<T> for Box<W> {
    fn set(&self, value: T) {
        (**self).set(value);
    }
}

#[deny(clippy::missing_trait_methods)]
impl<T, W: ValueWriter<T> + ?Sized> ValueWriter<T> for Arc<W> {
    fn set(&self, value: T) {
        (**self).set(value);
    }
}
