//! What code that sets a value is generic over.

use std::sync::Arc;

use crate::ValueReader;

/// A value that can be set.
pub trait ValueWriter<T> {
    /// Makes `value` the newest version and wakes the watchers that wait.
    ///
    /// Returns at once: it never waits for a watcher. If you set several versions in quick succession,
    /// a watcher may see only the last one.
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
    #[doc(alias = "send")]
    fn set(&self, value: T);
}

/// A value that can be watched and set. Every type that is a `ValueReader` and a `ValueWriter` implements it.
pub trait Value<T>: ValueReader<T> + ValueWriter<T> {}

impl<T, V: ValueReader<T> + ValueWriter<T> + ?Sized> Value<T> for V {}

macro_rules! forward {
    ($($wrapper:ty),*) => {$(
        #[deny(clippy::missing_trait_methods)]
        impl<T, W: ValueWriter<T> + ?Sized> ValueWriter<T> for $wrapper {
            fn set(&self, value: T) {
                (**self).set(value);
            }
        }
    )*};
}

forward!(&W, Box<W>, Arc<W>);
