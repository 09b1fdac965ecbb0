//! Stores: the file system that holds the layers, each on its own loop device or memory.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use crate::base::sparse_file;
use crate::run::{sh, tool};

/// What the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// A plain directory.
    Dir,
    /// A tmpfs of so many MiB.
    Tmpfs(u64),
    /// ext4 of so many MiB.
    Ext4(u64),
    /// XFS, which starts at 300 MiB.
    Xfs,
    /// btrfs.
    Btrfs,
    /// A file system that has no extended attributes.
    Ramfs,
}

/// As the generator mounts it: the store's own flags must not reach the merged tree.
const FLAGS: &str = "nosuid,nodev,noexec,noatime";

impl Store {
    /// Mounts it at `point`, with its file beside it.
    pub fn mount(self, point: &Path) {
        fs::create_dir_all(point).expect("make the store's mount point");
        let image = point.with_extension("img");
        let (mib, kind, mkfs, options) = match self {
            Store::Dir => return,
            Store::Tmpfs(mib) => {
                sh(&format!("mount -t tmpfs -o {FLAGS},size={mib}m store {}", point.display()));
                return;
            }
            Store::Ramfs => {
                sh(&format!("mount -t ramfs -o {FLAGS} store {}", point.display()));
                return;
            }
            Store::Ext4(mib) => (mib, "ext4", "mkfs.ext4 -q -m 0 -b 4096", ",nodelalloc"),
            Store::Xfs => (320, "xfs", "mkfs.xfs -q", ""),
            Store::Btrfs => (160, "btrfs", "mkfs.btrfs -q", ""),
        };
        sparse_file(&image, mib);
        sh(&format!("{mkfs} {}", image.display()));
        let options = format!("loop,{FLAGS}{options}");
        tool(Command::new("mount").args(["-t", kind, "-o", &options]).arg(&image).arg(point));
    }
}

/// Leaves `left` bytes free in the file system of `dir`, by a file that takes the rest. Returns nothing: remove
/// `dir`/fill to have the room back.
pub fn fill(dir: &Path, left: u64) {
    let path = dir.join("fill");
    let file = fs::File::create(&path).unwrap_or_else(|e| panic!("make {}: {e}", path.display()));
    let mut size = 0;
    // Halving steps reach the last block whatever the file system keeps for itself.
    let mut step = free(dir);
    while step >= 4096 {
        if rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), size, step).is_ok() {
            size += step;
        } else {
            step /= 2;
        }
    }
    file.set_len(size.saturating_sub(left)).expect("leave some room");
    file.sync_all().expect("make the room known");
}

/// Bytes that root may still use.
pub fn free(dir: &Path) -> u64 {
    let stat = rustix::fs::statvfs(dir).unwrap_or_else(|e| panic!("statvfs {}: {e}", dir.display()));
    stat.f_bfree * stat.f_frsize
}

/// The bytes that a file takes on disk.
pub fn allocated(path: &Path) -> u64 {
    path.symlink_metadata().unwrap_or_else(|e| panic!("look at {}: {e}", path.display())).blocks() * 512
}
