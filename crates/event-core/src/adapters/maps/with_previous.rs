//! `with_previous`: each change with the value before it.

use std::collections::HashMap;
use std::future::poll_fn;
use std::hash::Hash;
use std::task::{Context, Poll};

use crate::debug::debug;
use crate::{Change, Error, MapWatcher};

/// A watcher of a map that keeps what it yielded, so that each change comes with the value before it.
///
/// [`MapWatcherExt::with_previous`](crate::MapWatcherExt::with_previous) makes one. It holds a clone of each value.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct WithPrevious<W, K, V> {
    watcher: W,
    yielded: HashMap<K, V>,
}

/// A change of a map, and the value that the key had before it.
///
/// `Debug` prints the values: do not use it where they may be secrets.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Update<K, V> {
    /// The change.
    pub change: Change<K, V>,
    /// The value of the key that this watcher yielded last. `None` if there is none, or if the watcher has yielded a
    /// [`Delete`](Change::Delete) since. After an error, it is still the value before the error.
    pub previous: Option<V>,
}

impl<W, K, V> WithPrevious<W, K, V> {
    pub(crate) fn new(watcher: W) -> Self {
        Self { watcher, yielded: HashMap::new() }
    }
}

impl<W, K, V> WithPrevious<W, K, V>
where
    W: MapWatcher<K, V>,
    K: Hash + Eq + Clone,
    V: Clone,
{
    /// Waits for the next change.
    ///
    /// # Errors
    ///
    /// Only if the map [ended](Error::is_closed).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn update(&mut self) -> Result<Update<K, V>, Error> {
        poll_fn(|cx| self.poll_update(cx)).await
    }

    /// Polls for [`update`](Self::update). The laws of [`MapWatcher::poll_change`] hold.
    pub fn poll_update(&mut self, cx: &mut Context<'_>) -> Poll<Result<Update<K, V>, Error>> {
        self.watcher.poll_change(cx).map_ok(|change| {
            let previous = match &change {
                Change::Put { key, value } => self.yielded.insert(key.clone(), value.clone()),
                Change::Delete { key } => self.yielded.remove(key),
                Change::Failed { key, .. } => self.yielded.get(key).cloned(),
                Change::Synced => None,
            };
            Update { change, previous }
        })
    }
}

debug!(WithPrevious<W, K, V> { watcher: W });
