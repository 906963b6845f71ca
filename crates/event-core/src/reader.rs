//! What application code is generic over: a value that can be watched.

use std::sync::Arc;

use crate::{BoxWatcher, Refresh, Watcher};

/// A value that can be watched.
///
/// A reader is a handle. It costs the backend nothing until something watches it.
///
/// To keep a reader whose type is erased, use [`BoxReader<T>`](BoxReader). `Box<dyn ValueReader<T>>` does not compile,
/// because it must name the watcher's type.
///
/// For more methods of a reader, see [`ReaderExt`](crate::ReaderExt). The section [How do I pass readers
/// around?](crate#how-do-i-pass-readers-around) shows which signatures to use.
#[must_use = "a reader does nothing unless it is watched"]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a reader of `{T}`",
    label = "expected a `ValueReader<{T}>`",
    note = "a value of a store is a reader of `Entry`: add `.decode(Json::<…>::new())` with your type, or another decoder",
    note = "to convert the value of a reader, add `.map(…)`",
    note = "to store a reader, or to take one of several types, use `BoxReader<T>`, which `.boxed()` makes"
)]
pub trait ValueReader<T> {
    /// The cursor that [`watch`](Self::watch) returns.
    type Watcher: Watcher<T>;

    /// Starts a watcher, which yields the current version first and then newer ones.
    ///
    /// Returns at once; the watcher does the waiting. Any number of watchers may be alive, and a backend
    /// reads and watches its data once for all of them. A watcher goes on when its reader is dropped. To stop
    /// watching, drop the watcher.
    ///
    /// # For implementors
    ///
    /// Must not block. A watcher must go on when the reader that started it is dropped. When the last watcher is
    /// dropped, what was read is out of date. A new watcher must not yield it before the backend has read again.
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
    #[doc(alias = "subscribe")]
    #[must_use = "a watcher does nothing unless it is polled, and dropping it ends it"]
    fn watch(&self) -> Self::Watcher;

    /// Asks the backend for its newest data, for all watchers of this value.
    ///
    /// After the refresh completes, a watcher takes the version of the last write that was complete before the call,
    /// or a newer one. This also holds for a watcher that starts after the refresh. A watcher that already took the
    /// newest version waits as usual. There is one exception: while another thread runs a mapper or a decoder, a
    /// watcher may still take the version before.
    ///
    /// For a value in memory, it completes at once. `zip` refreshes both its readers. If no watcher is alive, you
    /// need no refresh, since the next watcher makes the backend read. While the backend can't be reached, it
    /// waits: add a timeout if that matters.
    ///
    /// # Errors
    ///
    /// The backend refused to read the value, or the value ended. See the backend's reader for the kinds.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the watchers as they are.
    ///
    /// # For implementors
    ///
    /// The default completes at once, which is right if a watcher can take a write as soon as it is
    /// complete. A remote backend returns a [`Refresh::new`] whose future reads the value and publishes
    /// what it has read. An adapter must forward the call.
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt, ValueReader};
    ///
    /// # futures_executor::block_on(async {
    /// let port = MemoryValue::new(8080);
    /// let next = port.reader().map(|port: u16| port + 1).boxed();
    /// next.refresh().await.unwrap();
    /// assert_eq!(next.get().await.unwrap(), 8081);
    /// # });
    /// ```
    fn refresh(&self) -> Refresh {
        Refresh::nothing()
    }

    /// Makes this handle read-only. If it can also write, it stops being a writer: the value may end while the
    /// handle lives, and `set` does nothing. An adapter calls it on the reader that it takes, as nobody can write
    /// through an adapter.
    ///
    /// # For implementors
    ///
    /// The default does nothing, which is right for a reader that is no writer.
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::{MemoryValue, ReaderExt, ValueReader, WatcherExt};
    ///
    /// let port = MemoryValue::new(8080);
    /// let mut next = port.clone().map(|port| port + 1).watch();
    /// assert_eq!(next.try_get().unwrap().unwrap(), 8081);
    /// drop(port); // the last writer, though the adapter has a clone of it
    /// assert!(next.try_get().unwrap().unwrap_err().is_closed());
    /// ```
    fn stop_writing(&mut self) {}
}

/// A reader whose type is erased: a handle that is cheap to clone.
///
/// [`boxed`](crate::ReaderExt::boxed) makes one.
pub type BoxReader<T> = Arc<dyn ValueReader<T, Watcher = BoxWatcher<T>> + Send + Sync>;

macro_rules! forward {
    ($($wrapper:ty),*) => {$(
        #[deny(clippy::missing_trait_methods)]
        impl<T, R: ValueReader<T> + ?Sized> ValueReader<T> for $wrapper {
            type Watcher = R::Watcher;

            fn watch(&self) -> Self::Watcher {
                (**self).watch()
            }

            fn refresh(&self) -> Refresh {
                (**self).refresh()
            }

            // The owner of a reader that is borrowed or shared may go on writing.
            fn stop_writing(&mut self) {}
        }
    )*};
}

forward!(&R, Arc<R>);

#[deny(clippy::missing_trait_methods)]
impl<T, R: ValueReader<T> + ?Sized> ValueReader<T> for Box<R> {
    type Watcher = R::Watcher;

    fn watch(&self) -> Self::Watcher {
        (**self).watch()
    }

    fn refresh(&self) -> Refresh {
        (**self).refresh()
    }

    fn stop_writing(&mut self) {
        (**self).stop_writing();
    }
}
