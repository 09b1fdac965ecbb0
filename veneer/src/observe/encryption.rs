//! Is a file system encrypted? Asked of the kernel, by what is mounted and what that lies upon, as sysfs has it: names of
//! devices and words of the command line prove nothing.
//!
//! Invariant: what cannot be told is not encrypted.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use rustix::fs::{Dev, major, minor};

use crate::mount::MountRow;
use crate::tree::Dir;

/// The kinds of dm-crypt devices, as libcryptsetup writes them behind `CRYPT-` into the device's dm uuid. Its others
/// (VERITY, INTEGRITY, SUBDEV) hide nothing.
const KINDS: [&str; 7] = ["LUKS1", "LUKS2", "PLAIN", "LOOPAES", "TCRYPT", "BITLK", "FVAULT2"];

/// Devices that are looked at: some disks in a RAID under a volume are a dozen, and a circle has no end.
const MOST: usize = 256;

/// What of the storage of a mounted file system is not encrypted, as the beginning of a sentence; `None` if all of it is.
/// `root` is where /sys and /dev are.
pub(crate) fn unencrypted(row: &MountRow, root: &Path) -> Option<String> {
    let sys = root.join("sys");
    let devices = match &*row.kind {
        // It shows a device number of its own making, and may have several devices.
        "btrfs" => btrfs_devices(row, root, &sys),
        _ => entry(&sys, row.dev).map(|device| vec![device]),
    };
    let Some(devices) = devices else {
        return Some(format!("{} ({}) is on no device that is known", row.source.display(), row.kind));
    };
    let mut left = MOST;
    devices.iter().find_map(|device| bare(device, &mut left))
}

/// The directory of a device in sysfs.
fn entry(sys: &Path, dev: Dev) -> Option<PathBuf> {
    fs::canonicalize(sys.join(format!("dev/block/{}:{}", major(dev), minor(dev)))).ok()
}

/// The paths in a directory of sysfs.
fn entries(dir: &Path) -> Option<Vec<PathBuf>> {
    let names = Dir::open(dir).and_then(|dir| dir.names()).ok()?;
    Some(names.iter().map(|name| dir.join(OsStr::from_bytes(name.to_bytes()))).collect())
}

/// All devices of a btrfs, by the one that it shows as its source.
fn btrfs_devices(row: &MountRow, root: &Path, sys: &Path) -> Option<Vec<PathBuf>> {
    let source = root.join(row.source.strip_prefix("/").unwrap_or(&row.source));
    let one = entry(sys, rustix::fs::stat(&source).ok()?.st_rdev)?;
    for file_system in entries(&sys.join("fs/btrfs"))? {
        let devices = file_system.join("devices");
        // Beside file systems there is `features`.
        if !devices.join(one.file_name()?).exists() {
            continue;
        }
        return entries(&devices)?.iter().map(|device| fs::canonicalize(device).ok()).collect();
    }
    None
}

/// The first device below `device` (a directory of sysfs) on which something lies bare.
fn bare(device: &Path, left: &mut usize) -> Option<String> {
    let name = device.file_name().unwrap_or_default().to_string_lossy();
    if *left == 0 {
        return Some(format!("{name} lies upon too many devices"));
    }
    *left -= 1;
    // No such file: not a device-mapper device.
    if fs::read_to_string(device.join("dm/uuid")).is_ok_and(|uuid| is_crypt(&uuid)) {
        return None;
    }
    if let (true, Some(disk)) = (device.join("partition").exists(), device.parent()) {
        return bare(disk, left);
    }
    let mut parts = Vec::new();
    // Disks have an empty directory, and some devices none.
    for part in entries(&device.join("slaves")).unwrap_or_default() {
        match fs::canonicalize(part) {
            Ok(part) => parts.push(part),
            Err(error) => return Some(error.to_string()),
        }
    }
    if parts.is_empty() {
        return Some(format!("{name} is not encrypted"));
    }
    parts.iter().find_map(|part| bare(part, left))
}

fn is_crypt(uuid: &str) -> bool {
    let kind = uuid.strip_prefix("CRYPT-").and_then(|rest| rest.split_once('-'));
    kind.is_some_and(|(kind, _)| KINDS.contains(&kind))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_dm_crypt_hides_anything() {
        for (uuid, expected) in [
            ("CRYPT-LUKS2-0c1d-store\n", true),
            ("CRYPT-PLAIN-store", true),
            ("CRYPT-BITLK-0c1d-x", true),
            ("CRYPT-VERITY-0c1d-usr", false),
            ("CRYPT-INTEGRITY-store", false),
            ("CRYPT-SUBDEV-0c1d-x", false),
            ("CRYPT-LUKS2", false),
            ("CRYPT-", false),
            ("part1-CRYPT-LUKS2-0c1d-x", false),
            ("LVM-CRYPT-LUKS2-x", false),
            ("", false),
        ] {
            assert_eq!(is_crypt(uuid), expected, "{uuid:?}");
        }
    }

    /// A /sys of devices: name, number, dm uuid, and what it lies upon; a partition has its disk in its name.
    struct Sys(PathBuf);

    impl Sys {
        fn new(name: &str) -> Self {
            let root = std::env::temp_dir().join(format!("veneer-encryption-{}-{name}", std::process::id()));
            fs::create_dir_all(root.join("sys/dev/block")).unwrap();
            Sys(root)
        }

        fn device(&self, name: &str, number: u32, uuid: Option<&str>, slaves: &[&str]) -> &Self {
            let block = self.0.join("sys/devices/block");
            let device = block.join(name);
            fs::create_dir_all(device.join("slaves")).unwrap();
            if name.contains('/') {
                fs::write(device.join("partition"), "1\n").unwrap();
            }
            if let Some(uuid) = uuid {
                fs::create_dir_all(device.join("dm")).unwrap();
                fs::write(device.join("dm/uuid"), format!("{uuid}\n")).unwrap();
            }
            for slave in slaves {
                symlink(block.join(slave), device.join("slaves").join(slave.replace('/', "!"))).unwrap();
            }
            symlink(&device, self.0.join(format!("sys/dev/block/253:{number}"))).unwrap();
            self
        }

        fn asked(&self, number: u32) -> Option<String> {
            let line = format!("40 30 253:{number} / /store rw - ext4 /dev/x rw\n");
            let row = crate::mount::MountTable::parse(line.as_bytes()).at(Path::new("/store")).unwrap();
            unencrypted(&row, &self.0)
        }
    }

    impl Drop for Sys {
        fn drop(&mut self) {
            // A leftover in the temporary directory is all that a failure means.
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn all_of_it_has_to_lie_upon_dm_crypt() {
        let sys = Sys::new("stacks");
        sys.device("vda", 0, None, &[])
            .device("vda/vda3", 3, None, &[])
            .device("dm-0", 10, Some("CRYPT-LUKS2-a-store"), &["vda/vda3"])
            .device("dm-1", 11, Some("LVM-b"), &["dm-0"])
            .device("dm-2", 12, Some("LVM-c"), &["dm-0", "vda/vda3"])
            .device("dm-3", 13, Some("part1-CRYPT-LUKS2-a-store"), &["dm-0"])
            .device("dm-4", 14, Some("CRYPT-VERITY-d-usr"), &["vda/vda3"])
            .device("dm-5", 15, Some("CRYPT-INTEGRITY-e"), &["dm-0"])
            .device("md0", 20, None, &["dm-0", "dm-3"])
            .device("md0/md0p1", 21, None, &[])
            .device("dm-6", 16, Some("LVM-circle"), &["dm-7"])
            .device("dm-7", 17, Some("LVM-circle"), &["dm-6"])
            .device("dm-8", 18, Some("LVM-gone"), &["nothing"]);
        for number in [10, 11, 13, 15, 20, 21] {
            assert_eq!(sys.asked(number), None, "{number}");
        }
        for (number, why) in [
            (0, "vda is not encrypted"),
            (3, "vda is not encrypted"),
            (12, "vda is not encrypted"),
            (14, "vda is not encrypted"),
            (16, "dm-6 lies upon too many devices"),
            (99, "/dev/x (ext4) is on no device that is known"),
        ] {
            assert_eq!(sys.asked(number).as_deref(), Some(why), "{number}");
        }
        assert!(sys.asked(18).is_some());
    }

    #[test]
    fn every_device_of_a_btrfs_counts() {
        let sys = Sys::new("btrfs");
        sys.device("vda", 0, None, &[]).device("dm-0", 10, Some("CRYPT-LUKS2-a-store"), &["vda"]);
        let devices = sys.0.join("sys/fs/btrfs/5ca1ab1e/devices");
        fs::create_dir_all(sys.0.join("sys/fs/btrfs/features")).unwrap();
        fs::create_dir_all(&devices).unwrap();
        fs::create_dir_all(sys.0.join("dev")).unwrap();
        symlink(sys.0.join("sys/devices/block/dm-0"), devices.join("dm-0")).unwrap();
        let row = crate::mount::MountTable::parse(b"40 30 0:50 / /store rw - btrfs /dev/dm-0 rw\n");
        let row = row.at(Path::new("/store")).unwrap();
        // What is no device has the number 0:0, and that is none.
        fs::write(sys.0.join("dev/dm-0"), "").unwrap();
        assert!(unencrypted(&row, &sys.0).is_some());
        symlink("../../devices/block/dm-0", sys.0.join("sys/dev/block/0:0")).unwrap();
        assert_eq!(unencrypted(&row, &sys.0), None);
        symlink(sys.0.join("sys/devices/block/vda"), devices.join("vda")).unwrap();
        assert_eq!(unencrypted(&row, &sys.0).as_deref(), Some("vda is not encrypted"));
    }
}
