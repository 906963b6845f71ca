//! What the suite does to a value under test.

use std::future::Future;

use super::Gate;

/// What controls the value under test.
///
/// A new subject has no version. The suite sets numbers in rising order, and looks at what a reader of
/// the subject makes of them.
pub trait Subject {
    /// Sets a version. Completes when the next poll of each live watcher would yield it.
    ///
    /// The first `get` of a watcher that is started later may wait for the backend.
    fn set(&mut self, version: u64) -> impl Future<Output = ()>;

    /// Sets a version. Completes when the backend has it, though perhaps no watcher does.
    ///
    /// The default does what [`set`](Self::set) does. Implement it if your backend can write without
    /// waiting for the watchers. Only then does the suite test that a version reaches the watchers by
    /// itself, and that a [`refresh`](crate::ValueReader::refresh) brings it at once.
    fn write(&mut self, version: u64) -> impl Future<Output = ()> {
        self.set(version)
    }

    /// Sets data that is an error for the reader. Completes as [`set`](Self::set) does.
    ///
    /// Returns `false` if the backend has no such data: law 7 is then not tested.
    fn spoil(&mut self) -> impl Future<Output = bool>;

    /// Drops the last writer. If the backend only reads, ends its store.
    ///
    /// Returns `false` if the value can't end: law 8 is then not tested.
    fn end(&mut self) -> impl Future<Output = bool>;

    /// How much the backend holds for the watchers now: watches of a server, watchers of the reader below a
    /// shared one. 0 if there is nothing to hold.
    fn held(&mut self) -> impl Future<Output = usize>;

    /// A gate that code inside the reader's polls passes.
    ///
    /// The default is `None`: the suite then does not test that a poll returns while another thread is
    /// inside one.
    fn gate(&self) -> Option<Gate> {
        None
    }
}
