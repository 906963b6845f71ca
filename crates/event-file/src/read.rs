//! Opening and reading one file.

use std::fs::{File, FileType, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, SystemTime};

use event_core::{Bytes, Cause, CauseKind};

/// What tells one state of a file from another, without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    identity: Identity,
    pub(crate) len: u64,
    modified: SystemTime,
    /// On Unix, the time of the last change to the file or to its metadata, which no program can set.
    changed: SystemTime,
}

/// Which file or directory it is, on systems that say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    inode: u64,
}

/// A file that is open.
#[derive(Debug)]
pub(crate) struct Opened {
    file: File,
    pub(crate) stamp: Stamp,
    /// It has several names: hard links.
    pub(crate) is_linked: bool,
}

/// What reading a file gave.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) bytes: Bytes,
    /// The file when all was read. It differs from the one before if somebody wrote meanwhile.
    pub(crate) stamp: Stamp,
}

#[derive(Debug)]
pub(crate) enum Failure {
    /// The path does not lead there any more: follow it again.
    Moved,
    Refused(Cause),
}

impl Stamp {
    /// What is at a path. A link is not followed.
    pub(crate) fn of_path(path: &Path) -> io::Result<Self> {
        Ok(Self::of(&std::fs::symlink_metadata(path)?))
    }

    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Self {
            identity: Identity::of(metadata),
            len: metadata.len(),
            modified,
            changed: changed(metadata).unwrap_or(modified),
        }
    }

    /// How long ago the file changed, by the clock of its file system. `None` if that is in the future.
    pub(crate) fn age(&self) -> Option<Duration> {
        SystemTime::now().duration_since(self.changed.max(self.modified)).ok()
    }
}

impl Identity {
    /// Whether the system says so.
    pub(crate) const IS_KNOWN: bool = cfg!(unix);

    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;

        Self { device: metadata.dev(), inode: metadata.ino() }
    }

    #[cfg(not(unix))]
    pub(crate) fn of(_: &Metadata) -> Self {
        Self { device: 0, inode: 0 }
    }
}

#[cfg(unix)]
fn has_links(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    metadata.nlink() > 1
}

#[cfg(not(unix))]
fn has_links(_: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn changed(metadata: &Metadata) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt;

    let seconds = Duration::from_secs(u64::try_from(metadata.ctime()).ok()?);
    let nanos = Duration::from_nanos(u64::try_from(metadata.ctime_nsec()).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(seconds)?.checked_add(nanos)
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> Option<SystemTime> {
    None
}

impl Opened {
    /// Opens the file at a path without links. A link that was put there since is not followed, so what was
    /// checked about the path is true for the file.
    ///
    /// `kind` is what was there a moment ago: only a regular file is opened, since opening a device may have effects.
    pub(crate) fn open(path: &Path, kind: FileType, max_size: u64) -> Result<Self, Failure> {
        regular(kind)?;
        let file = open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Failure::Moved,
            _ if is_link(&error) => Failure::Moved,
            _ => Failure::Refused(cause(&error)),
        })?;
        let metadata = file.metadata().map_err(|error| Failure::Refused(cause(&error)))?;
        regular(metadata.file_type())?;
        let stamp = Stamp::of(&metadata);
        if stamp.len > max_size {
            return Err(Failure::Refused(too_large(max_size)));
        }
        Ok(Self { file, stamp, is_linked: has_links(&metadata) })
    }

    pub(crate) fn read(self, max_size: u64) -> Result<Contents, Failure> {
        let refused = |error| Failure::Refused(cause(&error));
        // One byte more than there should be shows the end of the file in one call.
        let mut bytes = Vec::new();
        let len = usize::try_from(self.stamp.len).unwrap_or_default();
        bytes.try_reserve_exact(len.saturating_add(1)).map_err(|_| {
            let why = format!("there is no memory for its {len} bytes");
            Failure::Refused(Cause::new(CauseKind::TooLarge, why))
        })?;
        let limit = max_size.saturating_add(1);
        (&self.file).take(limit).read_to_end(&mut bytes).map_err(refused)?;
        if bytes.len() as u64 > max_size {
            return Err(Failure::Refused(too_large(max_size)));
        }
        let stamp = Stamp::of(&self.file.metadata().map_err(refused)?);
        Ok(Contents { bytes: bytes.into(), stamp })
    }
}

/// A file of which only the name is wanted. It need not be readable.
pub(crate) fn unread(kind: FileType, stamp: Stamp) -> Result<Contents, Failure> {
    regular(kind)?;
    Ok(Contents { bytes: Bytes::new(), stamp })
}

/// Refuses what is not a regular file.
fn regular(kind: FileType) -> Result<(), Failure> {
    if kind.is_file() {
        return Ok(());
    }
    let why = format!("it is {}: expected a regular file", name(kind));
    Err(Failure::Refused(Cause::new(CauseKind::InvalidArgument, why)))
}

#[cfg(unix)]
fn name(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;

    match kind {
        _ if kind.is_dir() => "a directory",
        _ if kind.is_fifo() => "a FIFO",
        _ if kind.is_socket() => "a socket",
        _ if kind.is_block_device() || kind.is_char_device() => "a device",
        _ => "something else",
    }
}

#[cfg(not(unix))]
fn name(kind: FileType) -> &'static str {
    if kind.is_dir() { "a directory" } else { "something else" }
}

fn too_large(max_size: u64) -> Cause {
    Cause::new(
        CauseKind::TooLarge,
        format!("it has more than {max_size} bytes: see `Options::max_size`"),
    )
}

/// The cause of an error of the file system, in its words.
pub(crate) fn cause(error: &io::Error) -> Cause {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => CauseKind::PermissionDenied,
        io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput => CauseKind::InvalidArgument,
        _ => CauseKind::Unreachable,
    };
    Cause::new(kind, error.to_string())
}

#[cfg(target_os = "linux")]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{CWD, Mode, ResolveFlags, openat2};
    use rustix::io::Errno;

    match openat2(CWD, path, flags(), Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        Ok(file) => Ok(file.into()),
        // A kernel before 5.6, or a sandbox that does not know the call.
        Err(Errno::NOSYS | Errno::PERM) => {
            Ok(rustix::fs::open(path, flags(), Mode::empty()).map(File::from)?)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn open(path: &Path) -> io::Result<File> {
    Ok(rustix::fs::open(path, flags(), rustix::fs::Mode::empty()).map(File::from)?)
}

/// Without `NONBLOCK`, opening a FIFO that took the file's place would wait for its writer.
#[cfg(unix)]
fn flags() -> rustix::fs::OFlags {
    use rustix::fs::OFlags;

    OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NOCTTY
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(unix)]
fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_link(_: &io::Error) -> bool {
    false
}
