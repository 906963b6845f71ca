//! A key as a value.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use event_core::{Bytes, Entry, Epoch, Error, MemoryWatcher, Refresh, ValueReader, Watcher};

use crate::connection::Connection;
use crate::registry::Following;

/// A key of an etcd as a value of [`Entry`]s: bytes, or `None` where the key is not there.
///
/// Made by [`EtcdStore::value`](crate::EtcdStore::value). [`decode`](event_core::ReaderExt::decode)
/// makes it a typed value.
#[derive(Clone)]
pub struct EtcdValue {
    connection: Arc<Connection>,
    /// With its namespace.
    key: Bytes,
}

impl EtcdValue {
    pub(crate) fn new(connection: Arc<Connection>, key: Bytes) -> Self {
        Self { connection, key }
    }
}

impl ValueReader<Entry> for EtcdValue {
    type Watcher = EtcdWatcher;

    fn watch(&self) -> EtcdWatcher {
        let following = self.connection.registry.follow(self.key.clone());
        EtcdWatcher {
            watcher: following.cell.watch(),
            _following: following,
            _connection: Arc::clone(&self.connection),
        }
    }

    /// Reads the key from the cluster's leader, for all its watchers: when this returns, the next
    /// `get` of each of them reflects every write that was complete before the call.
    ///
    /// Waits while there is no connection, which it survives: add a timeout if that matters.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](event_core::ErrorKind::PermissionDenied): the user may not read the key.
    /// [`InvalidArgument`](event_core::ErrorKind::InvalidArgument): the key is empty.
    /// [`ResourceExhausted`](event_core::ErrorKind::ResourceExhausted): the value is too large.
    /// [`Closed`](event_core::ErrorKind::Closed): the store ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves watchers as they are.
    fn refresh(&self) -> Refresh {
        let Self { connection, key } = self.clone();
        Refresh::new(async move {
            let following = connection.registry.follow(key.clone());
            match connection.registry.refresh(&following).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(failure)) => Err(Error::new(failure.kind.error_kind(), failure.message)
                    .at(&Entry::never_seen(key))),
                Err(_) => Err(Error::closed()),
            }
        })
    }
}

/// A watcher of a key of an etcd.
pub struct EtcdWatcher {
    watcher: MemoryWatcher<Entry>,
    _following: Following,
    _connection: Arc<Connection>,
}

impl Watcher<Entry> for EtcdWatcher {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<Entry, Error>> {
        self.watcher.poll_get(cx)
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch()
    }
}

impl fmt::Debug for EtcdValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdValue").field("key", &self.key).finish_non_exhaustive()
    }
}

impl fmt::Debug for EtcdWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdWatcher").field("watcher", &self.watcher).finish_non_exhaustive()
    }
}
