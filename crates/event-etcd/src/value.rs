//! A key as a value.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use event_core::{
    Bytes, Entry, Epoch, Error, MemoryReader, MemoryWatcher, Refresh, ValueReader, Watcher,
};

use crate::driver::DriverHandle;
use crate::slots::KeyId;

/// An etcd key as a value of [`Entry`]s: its bytes and revision, *deleted*, or *never seen*.
///
/// [`EtcdStore::value`](crate::EtcdStore::value) makes one, and
/// [`decode`](event_core::ReaderExt::decode) turns it into a typed value. It costs nothing until it is
/// watched. All watchers of a key share one watch on the server.
///
/// # What does `get` yield?
///
/// | the key | `get` | `health` |
/// |---|---|---|
/// | exists | its bytes and the revision that wrote them | – |
/// | does not exist, or was deleted before the store watched it | *never seen*; with a decoder without a default, waits | – |
/// | is deleted while the store watches it, or is missing after a backup was restored | *deleted* and a revision, at most once for each watcher | – |
/// | may not be read by the user | waits until the user may read it | stalled: [`PermissionDenied`] and the key |
/// | has a value of more than 64 MB | waits until it is smaller | stalled: [`TooLarge`] and the key |
/// | has an empty name, namespace included, which etcd refuses | waits for ever | stalled: [`InvalidArgument`] and the key |
///
/// The store tries again and again to read the keys of the last three rows: every 0.5 s, or less often if
/// there are many. Other keys are not affected. If a key can no longer be read, its watchers get nothing
/// newer, and [`Latest::get`](event_core::adapters::Latest::get) still returns the last value. To get an
/// error instead of waiting, call [`refresh`](ValueReader::refresh).
///
/// When the last watcher of a key is dropped, the store forgets the key. If the key is deleted after
/// that, the next watcher gets *never seen*.
///
/// No `get` ends because the cluster can't be reached. Watchers get
/// [`Closed`](event_core::ErrorKind::Closed) when the store ends: by
/// [`EtcdStore::close`](crate::EtcdStore::close), or with the tokio runtime that it was created in.
///
/// [`PermissionDenied`]: event_core::CauseKind::PermissionDenied
/// [`TooLarge`]: event_core::CauseKind::TooLarge
/// [`InvalidArgument`]: event_core::CauseKind::InvalidArgument
#[derive(Clone)]
pub struct EtcdValue {
    driver: Arc<DriverHandle>,
    /// With its namespace.
    key: Bytes,
}

impl EtcdValue {
    pub(crate) fn new(driver: Arc<DriverHandle>, key: Bytes) -> Self {
        Self { driver, key }
    }
}

impl ValueReader<Entry> for EtcdValue {
    type Watcher = EtcdWatcher;

    fn watch(&self) -> EtcdWatcher {
        let (subscription, cell) = Subscription::new(&self.driver, &self.key);
        EtcdWatcher { watcher: cell.watch(), _subscription: subscription }
    }

    /// Reads the key with a linearizable read, for all its watchers.
    ///
    /// When it completes, the next `get` of each watcher reflects every write that was complete before the
    /// call. It waits while the cluster can't be reached, is overloaded or refuses the credentials: add a
    /// timeout if that matters.
    ///
    /// # Errors
    ///
    /// - [`PermissionDenied`](event_core::ErrorKind::PermissionDenied): the user may not read the key.
    /// - [`InvalidArgument`](event_core::ErrorKind::InvalidArgument): the key's name is empty.
    /// - [`ResourceExhausted`](event_core::ErrorKind::ResourceExhausted): the value is too large.
    /// - [`Closed`](event_core::ErrorKind::Closed): the store ended.
    fn refresh(&self) -> Refresh {
        let Self { driver, key } = self.clone();
        Refresh::new(async move {
            let (subscription, _) = Subscription::new(&driver, &key);
            match driver.mailbox.refresh(subscription.id).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(failure)) => Err(Error::new(failure.kind.error_kind(), failure.message)
                    .at(&Entry::never_seen(key))),
                Err(_) => Err(Error::closed()),
            }
        })
    }
}

/// A watcher of an etcd key.
///
/// Dropping the last watcher of a key cancels its watch on the server. A watcher keeps the store alive.
#[must_use = "a watcher does nothing unless it is polled"]
pub struct EtcdWatcher {
    watcher: MemoryWatcher<Entry>,
    _subscription: Subscription,
}

impl Watcher<Entry> for EtcdWatcher {
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<Entry, Error>> {
        self.watcher.poll_get(cx)
    }

    fn epoch(&self) -> Option<Epoch> {
        self.watcher.epoch()
    }
}

/// One watcher's share in a key. Dropping it gives the share back.
struct Subscription {
    driver: Arc<DriverHandle>,
    /// `None` if the store had ended.
    id: Option<KeyId>,
}

impl Subscription {
    fn new(driver: &Arc<DriverHandle>, key: &Bytes) -> (Self, MemoryReader<Entry>) {
        let (id, cell) = driver.mailbox.subscribe(key);
        (Self { driver: Arc::clone(driver), id }, cell)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.driver.mailbox.unsubscribe(id);
        }
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
