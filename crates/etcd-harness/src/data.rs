//! Copies a server's data while the server is down.

use std::{fs, io, path::Path};

use tempfile::TempDir;

/// A copy of a node's data folder. [`Node::restore_data`](crate::Node::restore_data) writes it back.
#[derive(Debug)]
pub struct DataCopy {
    folder: TempDir,
}

impl DataCopy {
    pub(crate) fn of(data: &Path) -> io::Result<Self> {
        let folder = TempDir::with_prefix("etcd-data-")?;
        copy_folder(data, folder.path())?;
        Ok(Self { folder })
    }

    pub(crate) fn write_to(&self, data: &Path) -> io::Result<()> {
        if data.exists() {
            fs::remove_dir_all(data)?;
        }
        copy_folder(self.folder.path(), data)
    }
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    // etcd refuses a data folder that other users can read.
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
