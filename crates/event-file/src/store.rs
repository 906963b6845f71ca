//! A directory as a store, and a single file as a value.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event_core::upstream::{Ready, Upstream, UpstreamHealth};
use event_core::{
    BoxMapReader, BoxReader, Bytes, Entry, Error, ErrorKind, Health, KeyRange, MapReaderExt,
    ReaderExt, Refresh, Store,
};

use crate::driver::Driver;
use crate::key;
use crate::options::Options;
use crate::value::FileValue;

/// A directory as a store: each file in it, and in the folders below it, is a value.
///
/// It is a handle that is cheap to clone. All clones, values and watchers share one thread, and the watches on
/// directories. The store ends when its last handle, value and watcher are dropped; a reader of its health does not
/// keep it alive. It needs no runtime, and it only reads.
///
/// The key `a/b` is the file `b` in the folder `a` of the directory. [`FileValue`] says what a `get` yields. For a view
/// of a folder, call [`namespace`](event_core::StoreExt::namespace).
///
/// ```
/// use event_core::{ReaderExt, Store, StoreExt};
/// use event_file::{FileStore, Options};
///
/// /// The application: it does not know where its keys are.
/// async fn level(store: &dyn Store) -> String {
///     let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
///     store.value("level").decode(text).get().await.unwrap()
/// }
///
/// # futures_executor::block_on(async {
/// # let dir = tempfile::tempdir().unwrap();
/// std::fs::create_dir(dir.path().join("log")).unwrap();
/// std::fs::write(dir.path().join("log/level"), "info").unwrap();
/// let store = FileStore::open(dir.path(), Options::new())?;
/// assert_eq!(level(&store.namespace("log/")).await, "info");
/// # Ok::<(), event_core::Error>(()) }).unwrap();
/// ```
///
/// # Maps
///
/// [`map("services/")`](event_core::StoreExt::map) is the folder `services` as one live collection: each file in it and in
/// the folders below it is a key. [`KeyRange::one_level`] leaves the folders below out. With [`KeyRange::keys_only`] no file is
/// read, and an entry is new when the file looks different: its size, its times, or that it is another file.
///
/// ```
/// use event_core::{KeyRange, MapReaderExt, Store, StoreExt};
/// use event_file::{FileStore, Options};
///
/// # futures_executor::block_on(async {
/// # let dir = tempfile::tempdir().unwrap();
/// std::fs::create_dir_all(dir.path().join("services/old")).unwrap();
/// std::fs::write(dir.path().join("services/a"), "host-a:80").unwrap();
/// std::fs::write(dir.path().join("services/old/b"), "host-b:80").unwrap();
/// let store = FileStore::open(dir.path(), Options::new())?;
/// assert_eq!(store.map("services").snapshot().await?.len(), 2);
/// let level = store.range(KeyRange::folder("services").one_level());
/// assert_eq!(level.snapshot().await?.len(), 1);
/// # Ok::<(), event_core::Error>(()) }).unwrap();
/// ```
///
/// - **Steps.** A map settles as a whole: when nothing in its folders has changed for the [settle time](Options::settle), what
///   changed is one step. So the swap of a `ConfigMap` is one step, and so are files that are written together. If something
///   changes all the time, a step is published twice a second, which may be half of a swap.
/// - **Names.** Hidden files are keys. Names that begin with `..` are left out with all that is below them: Kubernetes keeps
///   the versions of a `ConfigMap` under such names. A writer that renames a new file into place should give
///   it a temporary name that begins with `..`, or write it in another directory: otherwise the temporary
///   file is a key while it is there.
/// - **Links** are followed, as those of keys are: to files and to folders, but not to a folder that the link is in.
/// - **A file that can't be read** is a [`Failed`](event_core::Change::Failed) of its key: it is too large,
///   may not be read, is not a regular file, or is a link that leads out of the directory. The other keys
///   go on. If the disk or the server fails, watchers keep what they have of the file.
/// - **A folder that can't be read** deletes nothing. Watchers keep what they have of it, and a map is not
///   synced until all its folders have been read. The [health of the
///   map](event_core::StoreExt::health_of_map) is stalled, and names the folder. While the directory of the
///   store is gone, the whole store is stalled. A folder below it that does not exist has no keys.
///
/// At each change, the store looks at all files of the map, and reads those that differ. It watches each folder.
///
/// # When does a value end?
///
/// A store does not write. Its values end when the store ends, by [`close`](Self::close). A file or a directory that is
/// deleted does not end a value.
#[derive(Clone)]
pub struct FileStore {
    upstream: Upstream,
    dir: Arc<Path>,
}

impl FileStore {
    /// Starts the thread of a store on a directory. The directory need not exist yet: nothing is read until
    /// a key is watched. A relative path is relative to the current directory at the time of the call.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](ErrorKind::InvalidArgument): the path is empty, or relative to a current directory that is
    ///   gone; a time in the options is zero or longer than a day.
    /// - [`ResourceExhausted`](ErrorKind::ResourceExhausted): the system can't start a thread.
    ///
    /// # Example
    ///
    /// ```
    /// use event_file::{FileStore, Options};
    ///
    /// let store = FileStore::open("/etc/app", Options::new())?;
    /// # drop(store);
    /// # Ok::<(), event_core::Error>(())
    /// ```
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self, Error> {
        options.check()?;
        let dir = key::absolute(dir.as_ref()).map_err(invalid)?;
        let (upstream, publisher) = Upstream::with_keys(key::check);
        Driver::start(dir.clone(), options, publisher).map_err(|error| {
            Error::new(ErrorKind::ResourceExhausted, "the thread of the store can't be started")
                .with_source(error)
        })?;
        Ok(Self { upstream, dir: dir.into() })
    }

    /// A file of the directory as a value. It costs nothing until it is watched.
    ///
    /// ```
    /// # use event_file::{FileStore, Options};
    /// let level = FileStore::open("/etc/app", Options::new())?.value("log/level");
    /// # drop(level);
    /// # Ok::<(), event_core::Error>(())
    /// ```
    #[must_use]
    pub fn value(&self, key: impl AsRef<[u8]>) -> FileValue {
        FileValue::new(self.upstream.value(Bytes::copy_from_slice(key.as_ref())))
    }

    /// How the store is doing, as a value. Its source is the directory.
    ///
    /// - [`Connecting`](event_core::HealthState::Connecting): nothing is watched, or the store has not
    ///   looked at the directory yet.
    /// - [`Live`](event_core::HealthState::Live): the directory is there, and changes reach the watchers.
    /// - [`Stalled`](event_core::HealthState::Stalled): the directory does not exist, may not be searched, or the file
    ///   system that was mounted there is gone. Watchers keep what they have. When the directory is there again, all
    ///   files are read.
    ///
    /// A live store may have a cause that you should look at. If the cause has a key, that file can't be read, and maybe
    /// others: other keys stay fresh. [`FileValue::health`] is stalled for such a key. If its kind is
    /// [`NoNotifications`](event_core::CauseKind::NoNotifications), the system does not notify of all changes, so some
    /// files are looked at every [poll interval](Options::poll_interval).
    ///
    /// If a file system was mounted on a folder of the directory when a key in it was read, and is gone
    /// now, the key can't be read until one is mounted there again. If a single file that was mounted on
    /// its own is unmounted, its key is the file that it covered. A mount that is there for less than five
    /// seconds may go unnoticed. Then a version of a file in it may be followed by the file that it
    /// covered.
    ///
    /// A directory that is deleted or renamed is noticed at once. That a file system was unmounted, or that a directory
    /// further up was renamed, is noticed within five seconds, and by a [`refresh`](Store::refresh).
    ///
    /// The store logs through `tracing`. If it stalls, or can't read a key, it logs a warning with the
    /// cause. When the problem is over, it logs at level `INFO` how long it lasted. A problem that lasts is
    /// one line. If it comes back within ten seconds of its last line, the next line comes after these ten
    /// seconds, if the problem is still there. That there are no notifications is a warning, once.
    ///
    /// When the store ends, every `get` of the health returns [`ErrorKind::Closed`]. Unlike other values, the health does
    /// not yield its last version first.
    ///
    /// ```
    /// use event_core::{HealthState, ReaderExt, ValueReader, WatcherExt};
    /// use event_file::{FileStore, Options};
    ///
    /// # futures_executor::block_on(async {
    /// let store = FileStore::open("/does/not/exist", Options::new())?;
    /// let _watcher = store.value("key").watch();
    /// let mut health = store.health().watch();
    /// let mut health_now = health.get().await?;
    /// while health_now.state == HealthState::Connecting {
    ///     health_now = health.get().await?;
    /// }
    /// let cause = health_now.cause.unwrap();
    /// assert_eq!(cause.to_string(), "unreachable: the directory /does/not/exist does not exist");
    /// # Ok::<(), event_core::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn health(&self) -> UpstreamHealth {
        self.upstream.health()
    }

    /// Waits until every key and every map that is watched now has been read. A file that does not exist counts as read,
    /// and so does a key with a name that no file can have. If nothing is watched, the future completes at once.
    ///
    /// The future keeps the store alive. While the directory is gone, it waits: add a timeout, and ask
    /// [`Ready::late`] why it is late.
    ///
    /// # Errors
    ///
    /// - [`PermissionDenied`](ErrorKind::PermissionDenied), [`InvalidArgument`](ErrorKind::InvalidArgument) or
    ///   [`ResourceExhausted`](ErrorKind::ResourceExhausted), with the key: a file can't be read.
    /// - [`Closed`](ErrorKind::Closed): the store ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Example
    ///
    /// ```
    /// use event_core::ValueReader;
    /// use event_file::{FileStore, Options};
    ///
    /// # futures_executor::block_on(async {
    /// # let dir = tempfile::tempdir().unwrap();
    /// let store = FileStore::open(dir.path(), Options::new())?;
    /// let _watcher = store.value("key").watch();
    /// store.ready().await?;
    /// # Ok::<(), event_core::Error>(()) }).unwrap();
    /// ```
    pub fn ready(&self) -> Ready {
        self.upstream.ready()
    }

    /// Ends the store for all its handles: each watcher yields the last version, unless it already did, and
    /// after that [`ErrorKind::Closed`]. The thread and the watches on directories end.
    ///
    /// ```
    /// use event_core::{ReaderExt, ValueReader};
    /// use event_file::{FileStore, Options};
    ///
    /// # futures_executor::block_on(async {
    /// let store = FileStore::open("/etc/app", Options::new())?;
    /// store.close();
    /// assert!(store.value("key").get().await.unwrap_err().is_closed());
    /// # Ok::<(), event_core::Error>(()) }).unwrap();
    /// ```
    pub fn close(&self) {
        self.upstream.close();
    }
}

/// A single file as a value: the file of this name in a store on its directory.
///
/// The value has a thread of its own. For several files of one directory, open a [`FileStore`]. The file
/// may be a symbolic link that leads anywhere, since the program itself named it. The key of its entries is
/// the file's name.
///
/// If the directory that the file is in does not exist, the value is [stalled](FileValue::health), and not missing.
///
/// # Errors
///
/// - [`InvalidArgument`](ErrorKind::InvalidArgument): the path is empty, ends with `..`, or is relative to a current
///   directory that is gone; a time in the options is zero or longer than a day.
/// - [`ResourceExhausted`](ErrorKind::ResourceExhausted): the system can't start a thread.
///
/// # Example
///
/// ```
/// use event_core::ReaderExt;
/// use event_file::Options;
///
/// # futures_executor::block_on(async {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("motd");
/// std::fs::write(&path, "hello").unwrap();
/// let motd = event_file::file(&path, Options::new())?;
/// assert_eq!(motd.get().await?.value().unwrap(), "hello");
/// # Ok::<(), event_core::Error>(()) }).unwrap();
/// ```
pub fn file(path: impl AsRef<Path>, options: Options) -> Result<FileValue, Error> {
    let path: PathBuf = key::absolute(path.as_ref()).map_err(invalid)?;
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(invalid(format!("{} has no file name", path.display())));
    };
    Ok(FileStore::open(dir, options.follow_links_out())?.value(name.as_encoded_bytes()))
}

impl Store for FileStore {
    fn key(&self, name: Bytes) -> BoxReader<Entry> {
        self.value(name).boxed()
    }

    fn key_health(&self, name: Bytes) -> BoxReader<Health> {
        self.value(name).health().boxed()
    }

    /// The files of a range, as the section on maps says. A range that begins with a path that leaves the directory is
    /// refused: its health says so, and a refresh returns [`InvalidArgument`](ErrorKind::InvalidArgument).
    fn range(&self, range: KeyRange) -> BoxMapReader<Bytes, Entry> {
        self.upstream.map(range).boxed()
    }

    fn range_health(&self, range: KeyRange) -> BoxReader<Health> {
        self.upstream.map(range).health().boxed()
    }

    fn health(&self) -> BoxReader<Health> {
        Self::health(self).boxed()
    }

    /// Reads every file and every map that is watched. While the directory is gone, it waits.
    fn refresh(&self) -> Refresh {
        self.upstream.refresh()
    }
}

fn invalid(why: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, why)
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("dir", &self.dir).finish_non_exhaustive()
    }
}
