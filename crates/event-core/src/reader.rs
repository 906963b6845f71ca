//! What application code is generic over: a value that can be watched.

use std::sync::Arc;

use crate::{BoxWatcher, Watcher};

/// A value that can be watched.
///
/// A handle on it: to hold one costs nothing upstream. What is read begins with a watcher.
pub trait ValueReader<T> {
    /// The cursor that [`watch`](Self::watch) gives.
    type Watcher: Watcher<T>;

    /// Starts a watcher, which yields the current version first and then each newer one.
    ///
    /// Returns at once: to wait is the watcher's part. Any number of watchers may be alive, none
    /// slows another, and a backend follows the value once for all of them. Dropping the watcher
    /// ends it.
    ///
    /// # For implementors
    ///
    /// Must not block. A watcher must go on when the reader that started it is dropped.
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{MemoryValue, ValueReader, WatcherExt};
    ///
    /// # futures_executor::block_on(async {
    /// async fn current(reader: impl ValueReader<u16>) -> Result<u16, event_core::Error> {
    ///     reader.watch().get().await
    /// }
    /// let port = MemoryValue::new(8080);
    /// assert_eq!(current(&port).await.unwrap(), 8080);
    /// # });
    /// ```
    #[must_use = "a watcher does nothing unless it is polled, and dropping it ends it"]
    fn watch(&self) -> Self::Watcher;
}

/// A reader whose type is erased: a handle that is cheap to clone.
pub type BoxReader<T> = Arc<dyn ValueReader<T, Watcher = BoxWatcher<T>> + Send + Sync>;

#[deny(clippy::missing_trait_methods)]
impl<T, R: ValueReader<T> + ?Sized> ValueReader<T> for &R {
    type Watcher = R::Watcher;

    fn watch(&self) -> Self::Watcher {
        (**self).watch()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<T, R: ValueReader<T> + ?Sized> ValueReader<T> for Box<R> {
    type Watcher = R::Watcher;

    fn watch(&self) -> Self::Watcher {
        (**self).watch()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<T, R: ValueReader<T> + ?Sized> ValueReader<T> for Arc<R> {
    type Watcher = R::Watcher;

    fn watch(&self) -> Self::Watcher {
        (**self).watch()
    }
}

/// A reader that boxes its watchers, which is what makes it fit for [`BoxReader`].
///
/// Made by [`ReaderExt::boxed`](crate::ReaderExt::boxed).
#[derive(Debug, Clone)]
pub struct Boxed<R>(pub(crate) R);

impl<T, R> ValueReader<T> for Boxed<R>
where
    R: ValueReader<T>,
    R::Watcher: Send + 'static,
{
    type Watcher = BoxWatcher<T>;

    fn watch(&self) -> Self::Watcher {
        Box::new(self.0.watch())
    }
}
