//! The operations that a contender implements.

use std::fmt::Debug;

use crate::payload::Payload;

/// A value that can be watched. Each contender implements it as its own docs recommend.
pub(crate) trait Value<T: Payload>: Send + Sized + 'static {
    type Watcher: Watch<T>;
    type Reader: Read<T>;

    fn name() -> String;
    fn new(first: T) -> Self;
    fn set(&mut self, version: T);
    fn watch(&mut self) -> Self::Watcher;
    fn reader(&mut self) -> Self::Reader;

    /// A second writer. `None` if the contender supports only one.
    fn second_writer(&self) -> Option<Self>;
}

/// A cursor into the versions.
pub(crate) trait Watch<T: Payload>: Send + 'static {
    /// Waits for a newer version. For some contenders the first call returns the current version. The
    /// benchmarks do not depend on it.
    fn get(&mut self) -> impl Future<Output: IntoVersion<T>> + Send;

    /// Takes the current version from a new watcher.
    fn current(&mut self) -> T;
}

/// A handle for reading the current version again and again, as a request handler does.
pub(crate) trait Read<T>: Send + 'static {
    fn read<R>(&mut self, f: impl FnOnce(&T) -> R) -> R;
}

/// The output of a contender's future. It is unwrapped outside the future, because unwrapping inside could
/// change the future's size, which is measured.
pub(crate) trait IntoVersion<T> {
    fn into_version(self) -> T;
}

impl<T> IntoVersion<T> for Option<T> {
    fn into_version(self) -> T {
        self.expect("there is a writer")
    }
}

impl<T, E: Debug> IntoVersion<T> for Result<T, E> {
    fn into_version(self) -> T {
        self.expect("there is a writer")
    }
}
