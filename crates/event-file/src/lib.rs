//! A file as an `event` value, and a directory as a store.
//!
//! ```
//! use event_codec::Utf8;
//! use event_core::{ReaderExt, ValueReader, WatcherExt};
//! use event_file::Options;
//!
//! # futures_executor::block_on(async {
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("level");
//! # std::fs::write(&path, "info").unwrap();
//! let level = event_file::file(&path, Options::new())?.decode(Utf8);
//! let mut watcher = level.watch();
//! assert_eq!(watcher.get().await?, "info");
//! # std::fs::write(dir.path().join("new"), "debug").unwrap();
//! # std::fs::rename(dir.path().join("new"), &path).unwrap();
//! assert_eq!(watcher.get().await?, "debug"); // when somebody has changed the file
//! # Ok::<(), event_core::Error>(()) }).unwrap();
//! ```
//!
//! [`FileStore`] makes each file of a directory a value: the key `a/b` is the file `b` in its folder `a`. It is an
//! [`event_core::Store`]. [`FileValue`] says what a `get` yields for each state of a file. A folder is a
//! [map](FileStore#maps): all its files as one live collection, in whole steps.
//!
//! # Which writers does it follow?
//!
//! - **A writer that renames** a new file into place, as `mv`, most editors and libraries do: the new version is
//!   published at once, and is never half a file.
//! - **A writer that writes in place**: the version is published when the writer closes the file, or when the file has
//!   not changed for the [settle time](Options::settle), 20 ms. If it changes all the time, a version is published
//!   twice a second, which may be half a file. Later ones correct it.
//! - **Kubernetes' `ConfigMap`s and secrets**, and other swaps of a symbolic link: the new version is published at once,
//!   whichever link on the way to the file was swapped.
//!
//! A file that is gone for less than the settle time, as an editor leaves it while it saves, is not published as
//! deleted.
//!
//! # A start without the backend
//!
//! [`CachedExt::cached`] keeps the newest bytes of any reader, such as a key of an etcd, in a file. While the backend does
//! not answer, a program starts with those.
//!
//! # What does it cost?
//!
//! A store has one thread, and while a key is watched [`notify`](https://docs.rs/notify) has another. Both
//! sleep until something changes, or until the next check. The store watches directories and not files:
//! 10,000 files in one directory are one watch. So the system's limit for watches is seldom an issue. Every
//! five seconds the store checks with one `stat` for each of these directories whether it is still the same
//! one, since no notification says that a file system was unmounted, or that a directory further up was
//! renamed.
//!
//! # What if there are no notifications?
//!
//! If the system can't watch a directory, because a limit is used up or the directory may not be listed,
//! the store [polls](Options::poll_interval) its files. It also polls where changes by others are not
//! notified: on network file systems, FUSE and 9p, and for a single file that is mounted into a container.
//! The [health](FileStore::health) stays live, with a cause of kind
//! [`NoNotifications`](event_core::CauseKind::NoNotifications), and a warning is logged once.
//!
//! If a file has several names, by hard links, and is written in place by another name than that of the
//! key, the new version arrives within five seconds. One case is not noticed: after the file was read, it
//! got a second name, and is written by that one. That version arrives with the next change or refresh.
//!
//! # Platforms
//!
//! It is tested on Linux. On other systems the store gets no notification that a writer has closed a file,
//! so a version that was written in place is published after the settle time.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod cached;
mod options;
mod store;
mod value;

mod driver;

mod inbox;
mod signal;
mod watches;

mod key;
mod mount;
mod read;
mod resolve;
mod walk;

#[doc(no_inline)]
pub use event_core::upstream::{Ready, UpstreamHealth, UpstreamHealthWatcher, UpstreamWatcher};

pub use cached::{Cached, CachedExt, CachedWatcher};
pub use options::Options;
pub use store::{FileStore, file};
pub use value::FileValue;
