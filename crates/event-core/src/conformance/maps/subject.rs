//! What the suite does to a map under test.

use std::fmt::Debug;
use std::future::Future;

/// What controls the map under test.
///
/// A new subject is empty, and its backend has not read it. The suite numbers keys, and sets numbers in rising
/// order.
pub trait MapSubject {
    /// A key of the backend.
    type Key: Ord + Clone + Debug;

    /// The key with this number.
    fn key(&self, number: u64) -> Self::Key;

    /// Changes keys as one step; `None` deletes the key. Completes when the next polls of each live watcher would
    /// yield it.
    fn apply(&mut self, step: &[(u64, Option<u64>)]) -> impl Future<Output = ()>;

    /// Makes the backend finish reading the whole range. Completes as [`apply`](Self::apply) does.
    ///
    /// Returns `false` if the backend reads the range by itself. Then the suite does not test what comes before.
    fn sync(&mut self) -> impl Future<Output = bool>;

    /// Sets data of a key that is an error for the reader. Completes as [`apply`](Self::apply) does.
    ///
    /// Returns `false` if the backend has no such data: law 6 is then not tested.
    fn spoil(&mut self, key: u64) -> impl Future<Output = bool>;

    /// Drops the last writer. If the backend only reads, ends its store.
    ///
    /// Returns `false` if the map can't end: law 9 is then not tested.
    fn end(&mut self) -> impl Future<Output = bool>;

    /// How much the backend holds for the watchers now. 0 if there is nothing to hold.
    fn held(&mut self) -> impl Future<Output = usize>;
}
