//! What a watcher of a map yields.

use crate::Error;

/// A change of a map, as one watcher sees it. `Debug` prints the value if `V` does.
///
/// ```
/// use event_core::{Change, MapReader, MapWatcherExt, MemoryMap};
///
/// # futures_executor::block_on(async {
/// let ports = MemoryMap::new();
/// ports.insert("web", 80);
/// let mut watcher = ports.watch();
/// assert_eq!(watcher.change().await.unwrap().key(), Some(&"web"));
/// assert!(watcher.change().await.unwrap().is_synced());
/// ports.remove(&"web");
/// assert!(matches!(watcher.change().await, Ok(Change::Delete { key: "web" })));
/// # });
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Change<K, V> {
    /// The key has this value now. Earlier versions may have been skipped. A key that was deleted and made anew
    /// since this watcher last looked yields only this.
    Put {
        /// The key.
        key: K,
        /// Its newest value.
        value: V,
    },
    /// The key is gone. This may come for a key that this watcher never yielded; it never comes for a key
    /// that is there.
    Delete {
        /// The key.
        key: K,
    },
    /// The newest version of the key is an error, such as a value that does not decode. The other keys go on, and
    /// so does this one: its next version replaces the error.
    Failed {
        /// The key.
        key: K,
        /// What is wrong with its newest version.
        error: Error,
    },
    /// The backend has read the whole range, and the watcher has yielded all of it. This comes once, also if the map
    /// is empty.
    Synced,
}

impl<K, V> Change<K, V> {
    /// The key that changed; `None` for [`Synced`](Self::Synced).
    #[must_use]
    pub fn key(&self) -> Option<&K> {
        match self {
            Self::Put { key, .. } | Self::Delete { key } | Self::Failed { key, .. } => Some(key),
            Self::Synced => None,
        }
    }

    /// Whether this is [`Synced`](Self::Synced).
    #[must_use]
    pub fn is_synced(&self) -> bool {
        matches!(self, Self::Synced)
    }
}
