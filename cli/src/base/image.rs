//! Images: which file system is in one, and how mount(8) is to mount it. Nothing in it is trusted to be run or opened.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use crate::failure::Failure;

/// A file system that bases are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileSystem {
    /// As mount(8) calls it.
    kind: &'static str,
    /// Where its magic number is (the kernel's headers, as in util-linux's libblkid).
    magic: (u64, &'static [u8]),
    /// Options besides those for all: no journal is replayed, so that nothing is written.
    options: &'static str,
}

const KNOWN: [FileSystem; 5] = [
    FileSystem { kind: "erofs", magic: (1024, b"\xe2\xe1\xf5\xe0"), options: "" },
    FileSystem { kind: "squashfs", magic: (0, b"hsqs"), options: "" },
    FileSystem { kind: "ext4", magic: (1024 + 0x38, b"\x53\xef"), options: ",noload" },
    // Two images of one UUID may be mounted at once.
    FileSystem { kind: "xfs", magic: (0, b"XFSB"), options: ",norecovery,nouuid" },
    FileSystem { kind: "btrfs", magic: (64 * 1024 + 0x40, b"_BHRfS_M"), options: "" },
];

/// The header of a GUID partition table, behind the first sector of either size.
const GPT: &[u8] = b"EFI PART";

impl FileSystem {
    /// Looks at an image or device.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        let read = |error| Failure::Missing(format!("cannot read the image {}: {error}", path.display()));
        let file = File::open(path).map_err(read)?;
        for system in KNOWN {
            let (at, magic) = system.magic;
            if has(&file, at, magic).map_err(read)? {
                return Ok(system);
            }
        }
        let is_disk = has(&file, 512, GPT).map_err(read)? || has(&file, 4096, GPT).map_err(read)?;
        let why = if is_disk {
            "it is a whole disk with partitions; name the one with /usr (`losetup --find --show --read-only --partscan \
             FILE` makes devices of an image's)"
        } else {
            "it holds none of erofs, squashfs, ext4, xfs and btrfs"
        };
        Err(Failure::Missing(format!("{} is no base: {why}", path.display())))
    }

    /// Mounts it at `point`, which is made if it is missing.
    pub(super) fn mount(self, path: &Path, is_file: bool, point: &Path) -> Result<(), Failure> {
        std::fs::create_dir_all(point)
            .map_err(|error| Failure::Missing(format!("cannot make {}: {error}", point.display())))?;
        let mut options = format!("ro,nosuid,nodev,noexec{}", self.options);
        if is_file {
            // mount(8) has the kernel free the device with the mount.
            options.push_str(",loop");
        }
        let mut mount = Command::new("mount");
        mount.args(["--no-mtab", "--types", self.kind, "--options", &options]).arg(path).arg(point);
        let output = mount.env("LC_ALL", "C").output();
        let output = output.map_err(|error| Failure::Missing(format!("cannot run mount(8): {error}")))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or_default();
        let said = said.strip_prefix("mount: ").unwrap_or(said);
        Err(Failure::Missing(format!("cannot mount the image {}: {said}", path.display())))
    }
}

/// True if these bytes are there; a file that ends before has others.
fn has(file: &File, at: u64, magic: &[u8]) -> std::io::Result<bool> {
    let mut bytes = vec![0; magic.len()];
    match file.read_exact_at(&mut bytes, at) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        other => other.map(|()| bytes == magic),
    }
}
