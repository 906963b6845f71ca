//! File systems on which not all changes are notified.

use std::path::Path;

/// Why a directory is polled though it can be watched.
#[cfg(target_os = "linux")]
pub(super) fn why_polled(dir: &Path) -> Option<String> {
    let kind = u32::try_from(rustix::fs::statfs(dir).ok()?.f_type & 0xffff_ffff).ok()?;
    let name = name(kind)?;
    Some(format!("{name} does not notify of all changes"))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn why_polled(_: &Path) -> Option<String> {
    None
}

/// The name of a file system whose files others may change: on another machine, or outside of this virtual machine or
/// container. The numbers are those of Linux's `statfs`.
#[cfg(target_os = "linux")]
fn name(kind: u32) -> Option<&'static str> {
    Some(match kind {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        // virtiofs is one.
        0x6573_5546 => "FUSE",
        0x0102_1997 => "9p",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x00c3_6400 => "Ceph",
        0x7375_7245 => "Coda",
        0x4750_4653 => "GPFS",
        0x0bd0_0bd0 => "Lustre",
        0x0116_1970 => "GFS2",
        0x7461_636f => "OCFS2",
        0x786f_4256 => "a shared folder of VirtualBox",
        0x7c7c_6673 => "a shared folder of Parallels",
        0x9fa0 => "procfs",
        0x6265_6572 => "sysfs",
        _ => return None,
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_file_system_is_looked_up() {
        assert!(why_polled(Path::new("/proc")).unwrap().contains("procfs"));
        assert_eq!(why_polled(Path::new("/does/not/exist")), None);
        assert_eq!((name(0x6969), name(0xef53)), (Some("NFS"), None));
    }
}
