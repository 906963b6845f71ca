//! What the suite does to a value under test.

use std::future::Future;

use super::Gate;

/// The value under test, as its writer and its backend see it.
///
/// A new subject has no version. The suite sets numbers in rising order, and looks at what a reader of
/// the subject makes of them.
pub trait Subject {
    /// Sets a version. Completes when the next poll of each live watcher takes it.
    ///
    /// The first `get` of a watcher that is started later may wait for the backend.
    fn set(&mut self, version: u64) -> impl Future<Output = ()>;

    /// Sets a version. Completes when the backend has it, though perhaps no watcher does.
    ///
    /// The default does what [`set`](Self::set) does. Implement it if your backend can do less, so that the
    /// suite sees versions arrive by themselves and by [`refresh`](crate::ValueReader::refresh).
    fn write(&mut self, version: u64) -> impl Future<Output = ()> {
        self.set(version)
    }

    /// Sets data that is an error for the reader. Completes as [`set`](Self::set) does.
    ///
    /// Returns `false` if the backend has no such data: law 7 is then not tested.
    fn spoil(&mut self) -> impl Future<Output = bool>;

    /// Drops the last writer.
    ///
    /// Returns `false` if the value can't end: law 8 is then not tested.
    fn end(&mut self) -> impl Future<Output = bool>;

    /// How much is held upstream for the watchers now: watches of a server, watchers of the reader below
    /// a shared one. 0 if there is no upstream.
    fn held(&mut self) -> impl Future<Output = usize>;

    /// A gate that code inside the reader's polls passes.
    ///
    /// The default is `None`: the suite then does not test that a poll returns while another thread is
    /// inside one.
    fn gate(&self) -> Option<Gate> {
        None
    }
}
