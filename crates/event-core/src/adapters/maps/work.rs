//! What a shared map does to each version.

use std::sync::Arc;

use crate::{Change, Error, ErrorKind};

type Function<K, V, U> = dyn Fn(&K, V) -> Option<Result<U, Error>> + Send + Sync;

/// A function of the program, and what it is called in an error.
pub(crate) struct Work<K, V, U> {
    name: &'static str,
    f: Arc<Function<K, V, U>>,
}

impl<K, V, U> Work<K, V, U> {
    pub(crate) fn new(
        name: &'static str,
        f: impl Fn(&K, V) -> Option<Result<U, Error>> + Send + Sync + 'static,
    ) -> Self {
        Self { name, f: Arc::new(f) }
    }

    /// What a change becomes: a version of its key, or no key. While the function runs, the key lies in `running`.
    pub(super) fn run(
        &self,
        change: Change<K, V>,
        running: &mut Option<K>,
    ) -> Option<(K, Option<Result<U, Error>>)> {
        let (key, value) = match change {
            Change::Put { key, value } => (key, value),
            Change::Failed { key, error } => return Some((key, Some(Err(error)))),
            Change::Delete { key } => return Some((key, None)),
            Change::Synced => return None,
        };
        let worked = (self.f)(running.insert(key), value);
        // The end is the map's to announce: this version is a bad one.
        let worked = worked.map(|version| version.map_err(|error| self.not_closed(error)));
        running.take().map(|key| (key, worked))
    }

    fn not_closed(&self, error: Error) -> Error {
        if error.is_closed() {
            let message = format!("the {} returned `Error::closed`", self.name);
            return Error::new(ErrorKind::Decode, message);
        }
        error
    }

    /// What stands in the place of a version on which the function panicked.
    pub(super) fn panicked(&self) -> Error {
        let message = format!("the {} panicked on this version", self.name);
        Error::new(ErrorKind::Panicked, message)
    }
}

impl<K, V, U> Clone for Work<K, V, U> {
    fn clone(&self) -> Self {
        Self { name: self.name, f: Arc::clone(&self.f) }
    }
}
