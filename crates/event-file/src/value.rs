//! A file as a value.

use std::fmt;

use event_core::upstream::{UpstreamHealth, UpstreamValue, UpstreamWatcher};
use event_core::{Entry, Refresh, ValueReader};

/// A file as a value of [`Entry`]s: its bytes, *deleted*, or *never seen*.
///
/// [`FileStore::value`](crate::FileStore::value) and [`file`](crate::file) make one, and
/// [`decode`](event_core::ReaderExt::decode) turns it into a typed value. It costs nothing until it is watched, and it
/// is cheap to clone.
///
/// # What does `get` yield?
///
/// | the file | `get` | `health` |
/// |---|---|---|
/// | exists | its bytes and a revision | live |
/// | does not exist, and has not existed since the store began to watch it | *never seen*; with a decoder without a default, waits | live |
/// | is deleted while the store watches it | *deleted* and a revision, at most once for each watcher, when it is gone for the [settle time](crate::Options::settle) | live |
/// | may not be read by the program | waits until it may be read | stalled: [`PermissionDenied`] |
/// | is a link that leads [out of the directory](crate::Options::follow_links_out) | waits until it is another one | stalled: [`PermissionDenied`] |
/// | is a directory, a FIFO, a socket or a device | waits until it is a file | stalled: [`InvalidArgument`] |
/// | is [too large](crate::Options::max_size) | waits until it is smaller | stalled: [`TooLarge`] |
/// | can't be read because of an error of the disk or the server | waits until it can be read | stalled: [`Unreachable`] |
/// | was or would be in the store's directory, which is gone | waits until the directory is there again | the whole store is stalled: [`Unreachable`] |
/// | has a name that is empty, absolute, or has a component that is empty, `.` or `..` | an error of kind [`InvalidArgument`](event_core::ErrorKind::InvalidArgument), once for each watcher; then waits until the store ends | stalled: [`InvalidArgument`] |
///
/// The last column is the [`health`](Self::health) of this value, and the cause names the key. Where `get` waits,
/// watchers keep the version that they have. A file that can't be read is tried again when something changes, and after
/// 0.5 s to 5 s.
///
/// A *revision* is a number that grows with each version that the store publishes. It begins at 1 in each store: compare
/// only revisions of one store.
///
/// A version is published only if its bytes differ from those before.
///
/// # Links
///
/// If a file is opened after its path was checked, somebody may have put a link into the path in between.
/// From Linux 5.6 on, the store opens the file so that the system refuses such a link; the store then
/// checks the path again. On other systems, only a link in the place of the file itself is refused so.
///
/// [`PermissionDenied`]: event_core::CauseKind::PermissionDenied
/// [`TooLarge`]: event_core::CauseKind::TooLarge
/// [`InvalidArgument`]: event_core::CauseKind::InvalidArgument
/// [`Unreachable`]: event_core::CauseKind::Unreachable
///
/// # Example
///
/// ```
/// use event_core::ReaderExt;
/// use event_file::{FileStore, Options};
///
/// # futures_executor::block_on(async {
/// # let dir = tempfile::tempdir().unwrap();
/// std::fs::write(dir.path().join("port"), "8080").unwrap();
/// let store = FileStore::open(dir.path(), Options::new())?;
/// let port = store.value("port").decode(|bytes: &[u8]| String::from_utf8(bytes.to_vec()));
/// assert_eq!(port.get().await?, "8080");
/// # Ok::<(), event_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct FileValue {
    value: UpstreamValue,
}

impl FileValue {
    pub(crate) fn new(value: UpstreamValue) -> Self {
        Self { value }
    }

    /// How this file is doing, as a value. Reading the health does not watch the file.
    ///
    /// - [`Stalled`](event_core::HealthState::Stalled): the directory of the store is gone, or this file can't be read. If
    ///   this file can't be read, the cause has the key, unless its name is empty. Watchers may have a stale version, or
    ///   wait for one.
    /// - [`Live`](event_core::HealthState::Live), if not stalled: the file is watched and has been read. Watchers have the
    ///   newest version, or can take it. A file that does not exist is live.
    /// - [`Connecting`](event_core::HealthState::Connecting) otherwise.
    ///
    /// ```
    /// use event_core::{HealthState, ReaderExt, ValueReader, WatcherExt};
    /// use event_file::{FileStore, Options};
    ///
    /// # futures_executor::block_on(async {
    /// # let dir = tempfile::tempdir().unwrap();
    /// let store = FileStore::open(dir.path(), Options::new())?;
    /// let value = store.value("port");
    /// let mut watcher = value.watch();
    /// watcher.get().await?; // never seen
    /// assert_eq!(value.health().get().await?.state, HealthState::Live);
    /// # Ok::<(), event_core::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn health(&self) -> UpstreamHealth {
        self.value.health()
    }
}

impl ValueReader<Entry> for FileValue {
    type Watcher = UpstreamWatcher;

    fn watch(&self) -> UpstreamWatcher {
        self.value.watch()
    }

    /// Reads the file, for all its watchers. [`ValueReader::refresh`] says what they then take.
    ///
    /// If the file is being written, it waits until the file has settled. It also waits while the directory is gone or the
    /// disk fails: add a timeout if that matters.
    ///
    /// # Errors
    ///
    /// - [`PermissionDenied`](event_core::ErrorKind::PermissionDenied): the program may not read the file, or it is a
    ///   link that leads out of the directory.
    /// - [`InvalidArgument`](event_core::ErrorKind::InvalidArgument): it is no regular file, or the store can't have a
    ///   key of this name.
    /// - [`ResourceExhausted`](event_core::ErrorKind::ResourceExhausted): the file is too large.
    /// - [`Closed`](event_core::ErrorKind::Closed): the store ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    fn refresh(&self) -> Refresh {
        self.value.refresh()
    }
}

impl fmt::Debug for FileValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileValue").field("key", self.value.key()).finish_non_exhaustive()
    }
}
