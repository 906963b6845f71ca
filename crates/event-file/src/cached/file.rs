//! The file of a cache: a head, a checksum, and an entry.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use event_core::{Entry, Metadata};
use tempfile::NamedTempFile;

/// The format, and its version.
const MAGIC: &[u8; 8] = b"event\0c2";
/// Magic, checksum, revision, metadata, time, and the length of the key.
const HEAD: usize = 8 + 4 + 8 + 3 * 8 + 8 + 4;
/// No value of a backend is larger: an etcd has 1.5 MB by default, a message of ours 64 MB.
const LARGEST: u64 = 128 << 20;

pub(super) struct Stored {
    pub(super) entry: Entry,
    pub(super) written: SystemTime,
}

/// What the file has. `None`: there is no file.
pub(super) fn read(path: &Path) -> io::Result<Option<Stored>> {
    let file = match open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    if !file.metadata()?.is_file() {
        return Err(damaged("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(damaged("it is too large"));
    }
    parse(&bytes).map(Some).ok_or_else(|| damaged("it is damaged, or no cache"))
}

/// A FIFO without a writer is opened, too, and not waited for.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;

        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

fn parse(bytes: &[u8]) -> Option<Stored> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (checksum, rest) = rest.split_first_chunk()?;
    if crc32fast::hash(rest) != u32::from_be_bytes(*checksum) {
        return None;
    }
    let (revision, rest) = number(rest)?;
    let (create_revision, rest) = number(rest)?;
    let (version, rest) = number(rest)?;
    let (lease, rest) = number(rest)?;
    let (seconds, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (key, value) = rest.split_at_checked(length)?;
    let since = Duration::from_secs(u64::from_be_bytes(*seconds));
    let metadata = Metadata::new()
        .with_create_revision(create_revision)
        .with_version(version)
        .with_lease(lease);
    let entry = Entry::present(key.to_vec(), revision, value.to_vec()).with_metadata(metadata);
    Some(Stored { entry, written: SystemTime::UNIX_EPOCH.checked_add(since)? })
}

fn number(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((i64::from_be_bytes(*number), rest))
}

/// Writes an entry that is present.
pub(super) fn write(path: &Path, entry: &Entry) -> io::Result<()> {
    let Some(value) = entry.value() else { return Ok(()) };
    let size = HEAD + entry.key.len() + value.len();
    if size as u64 > LARGEST {
        return Err(damaged("the value is too large"));
    }
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let length = u32::try_from(entry.key.len()).map_err(|_| damaged("the key is too long"))?;
    let mut bytes = Vec::with_capacity(size);
    bytes.extend(MAGIC);
    bytes.extend([0; 4]);
    for number in [entry.revision(), entry.create_revision(), entry.version(), entry.lease()] {
        bytes.extend(number.unwrap_or_default().to_be_bytes());
    }
    bytes.extend(since.as_secs().to_be_bytes());
    bytes.extend(length.to_be_bytes());
    bytes.extend(&entry.key);
    bytes.extend(value);
    let checksum = crc32fast::hash(&bytes[12..]).to_be_bytes();
    bytes[8..12].copy_from_slice(&checksum);

    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?; // with mode 0600; it is removed if what follows fails
    file.write_all(&bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all() // the rename, too
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn damaged(words: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, words)
}
