//! What is asked of a contender.

use std::fmt::Debug;

use crate::payload::Payload;

/// A value that can be watched, used as its own docs tell.
pub(crate) trait Value<T: Payload>: Send + Sized + 'static {
    type Watcher: Watch<T>;
    type Reader: Read<T>;

    fn who() -> String;
    fn new(first: T) -> Self;
    fn set(&mut self, version: T);
    fn watch(&mut self) -> Self::Watcher;
    fn reader(&mut self) -> Self::Reader;

    /// A second writer; `None` where there can be but one.
    fn another(&self) -> Option<Self>;
}

/// A cursor into the versions.
pub(crate) trait Watch<T: Payload>: Send + 'static {
    /// The next version. Of some the first of these is the current one; the works do without it.
    fn get(&mut self) -> impl Future<Output: Taken<T>> + Send;

    /// The current version, by a watcher that is new.
    fn first(&mut self) -> T;
}

/// What a request handler keeps, to look at the current version.
pub(crate) trait Read<T>: Send + 'static {
    fn read<R>(&mut self, look: impl FnOnce(&T) -> R) -> R;
}

/// What a contender's future yields: none of them is unwrapped within the future, whose size counts.
pub(crate) trait Taken<T> {
    fn version(self) -> T;
}

impl<T> Taken<T> for Option<T> {
    fn version(self) -> T {
        self.expect("a writer is there")
    }
}

impl<T, E: Debug> Taken<T> for Result<T, E> {
    fn version(self) -> T {
        self.expect("a writer is there")
    }
}
