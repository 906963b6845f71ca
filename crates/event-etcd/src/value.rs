//! A key as a value.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use event_core::{Bytes, Entry, Error, ErrorKind, MemoryWatcher, ValueReader, Watcher};

use crate::connection::Connection;
use crate::protocol::FaultKind;
use crate::registry::Following;

/// A key of an etcd as a value of [`Entry`]s: bytes, or `None` where the key is not there.
///
/// Made by [`EtcdStore::value`](crate::EtcdStore::value). [`decode`](event_core::ReaderExt::decode)
/// makes it a typed value.
#[derive(Clone)]
pub struct EtcdValue {
    connection: Arc<Connection>,
    key: Bytes,
    /// Where the key's name in its namespace begins.
    name: usize,
}

impl EtcdValue {
    pub(crate) fn new(connection: Arc<Connection>, key: Bytes, name: usize) -> Self {
        Self { connection, key, name }
    }

    /// Reads the key from the cluster's leader, for all its watchers: when this returns, the next
    /// `get` of each of them reflects every write that was complete before the call.
    ///
    /// Waits while there is no connection, which it survives: bound it with a timeout where that
    /// matters.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`]: the user may not read the key. [`ErrorKind::Argument`]: the key is empty.
    /// [`ErrorKind::Unavailable`]: the value is too large. [`ErrorKind::Closed`]: the store ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves watchers as they are.
    pub async fn refresh(&self) -> Result<(), Error> {
        let following = self.connection.registry.follow(self.key.clone());
        match self.connection.registry.refresh(&following).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(fault)) => {
                let kind = match fault.kind {
                    FaultKind::Permission => ErrorKind::Refused,
                    FaultKind::Rejected => ErrorKind::Argument,
                    _ => ErrorKind::Unavailable,
                };
                Err(Error::new(kind, fault.message)
                    .at(&Entry::absent(self.key.slice(self.name..), 0)))
            }
            Err(_) => Err(Error::closed()),
        }
    }
}

impl ValueReader<Entry> for EtcdValue {
    type Watcher = EtcdWatcher;

    fn watch(&self) -> EtcdWatcher {
        let following = self.connection.registry.follow(self.key.clone());
        EtcdWatcher {
            watcher: following.cell.watch(),
            name: self.name,
            _following: following,
            _connection: Arc::clone(&self.connection),
        }
    }
}

/// A watcher of a key of an etcd.
pub struct EtcdWatcher {
    watcher: MemoryWatcher<Entry>,
    name: usize,
    _following: Following,
    _connection: Arc<Connection>,
}

impl Watcher<Entry> for EtcdWatcher {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<Entry, Error>> {
        self.watcher.poll_get(cx).map_ok(|mut entry| {
            entry.key = entry.key.slice(self.name..);
            entry
        })
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
