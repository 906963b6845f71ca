//! Whether something is mounted at a path.

use std::fs;
use std::path::{Path, PathBuf};

use event_core::{Cause, CauseKind};

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

/// Where the file system of a file is mounted. `None`: the file is in this directory, and nothing is mounted on a folder
/// between the two. The paths have no links.
pub(crate) fn mount_of(file: &Path, dir: &Path) -> Option<PathBuf> {
    let dirs = file.ancestors().skip(1).take_while(|path| *path != dir);
    // The root of all is never unmounted.
    let mut dirs = dirs.filter(|path| path.parent().is_some());
    dirs.find(|path| is_mount(path)).map(Path::to_owned)
}

/// The cause if what was mounted here is not any more.
pub(crate) fn gone(path: &Path) -> Cause {
    let path = path.display();
    let why = format!("the file system that was mounted at {path} is gone: mount it again");
    Cause::new(CauseKind::Unreachable, why)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_mount(path: &Path) -> bool {
    is_other_device(path)
}

/// Without the help of the system, a mount of another part of the same file system is not seen.
fn is_other_device(path: &Path) -> bool {
    let device = |path: &Path| fs::symlink_metadata(path).ok().map(|it| Identity::of(&it).device);
    let devices = path.parent().and_then(device).zip(device(path));
    devices.is_some_and(|(parent, this)| parent != this)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn procfs_is_mounted_and_what_is_in_it_is_not() {
        for look in [is_mount, is_other_device] {
            assert!(look(Path::new("/proc")));
            assert!(!look(Path::new("/proc/self")));
            assert!(!look(Path::new("/does-not-exist")), "nothing is mounted where nothing is");
        }
    }

    #[test]
    fn the_mount_of_a_file_is_looked_for_below_the_directory() {
        let file = Path::new("/proc/version");
        assert_eq!(mount_of(file, Path::new("/")).as_deref(), Some(Path::new("/proc")));
        assert_eq!(mount_of(file, Path::new("/proc")), None);
    }
}
