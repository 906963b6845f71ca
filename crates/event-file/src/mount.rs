//! Whether something is mounted at a path.

use std::fs;
use std::path::Path;

use crate::read::Identity;

/// Whether a file system, or a single file of one, is mounted here. The path has no links.
#[cfg(target_os = "linux")]
pub(crate) fn is_mount(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

    match statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty()) {
        Ok(found) if found.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) => {
            found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)
        }
        // A kernel before 5.8.
        _ => is_other_device(path),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_mount(path: &Path) -> bool {
    is_other_device(path)
}

/// Without the help of the system, a mount of another part of the same file system is not seen.
fn is_other_device(path: &Path) -> bool {
    let device = |path| fs::symlink_metadata(path).ok().map(|it| Identity::of(&it).device);
    path.parent().is_some_and(|parent| device(parent) != device(path))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn procfs_is_mounted_and_what_is_in_it_is_not() {
        for look in [is_mount, is_other_device] {
            assert!(look(Path::new("/proc")));
            assert!(!look(Path::new("/proc/self")));
        }
    }
}
