//! The weakest base id: made of what a few system calls can say about /usr without reading it.

use std::path::Path;

use rustix::fs::AtFlags;
use sha2::{Digest as _, Sha256};

use super::superblock;
use crate::error::Result;
use crate::mount::MountTable;
use crate::packages::DATABASES;
use crate::tree::Dir;

/// What is there on every base, or nearly.
const LANDMARKS: [&str; 7] =
    [".", "bin", "lib", "share", "lib/modules", "lib/systemd/systemd", "lib/os-release"];

/// SHA-256 over os-release, the file system's own identity, and path, size and mtime of the main file of each
/// package database that is there.
pub(super) fn of(sysroot: &Path, usr: &Dir, mounts: &MountTable, os_release: &[u8]) -> Result<[u8; 32]> {
    let mut sum = Sha256::new();
    part(&mut sum, b"veneer fingerprint 1");
    part(&mut sum, os_release);
    let (kind, identity) = file_system(sysroot, usr, mounts)?;
    part(&mut sum, kind.as_bytes());
    part(&mut sum, &identity);
    // Two builds of one image may agree in all of that (a fixed UUID, one second, no database), but hardly in the times
    // of these. Not in inode numbers or ctimes, which a copy of the same content has anew.
    for path in LANDMARKS {
        if let Ok(stat) = rustix::fs::statat(usr, path, AtFlags::SYMLINK_NOFOLLOW) {
            part(&mut sum, path.as_bytes());
            part(&mut sum, &stat.st_mtime.to_le_bytes());
            part(&mut sum, &stat.st_mtime_nsec.to_le_bytes());
        }
    }
    for database in DATABASES {
        // The base is trusted: a database directory that is a link to another is one.
        if let Ok(stat) = rustix::fs::statat(usr, database.main_file, AtFlags::empty()) {
            part(&mut sum, database.main_file.as_bytes());
            part(&mut sum, &stat.st_size.to_le_bytes());
            part(&mut sum, &stat.st_mtime.to_le_bytes());
            part(&mut sum, &stat.st_mtime_nsec.to_le_bytes());
        }
    }
    Ok(sum.finalize().into())
}

/// Length first, so that no two lists of parts give one string of bytes.
fn part(sum: &mut Sha256, bytes: &[u8]) {
    sum.update((bytes.len() as u64).to_le_bytes());
    sum.update(bytes);
}

/// The type of the file system that holds /usr, and what of its superblock never changes while it lives.
fn file_system(sysroot: &Path, usr: &Dir, mounts: &MountTable) -> Result<(String, Vec<u8>)> {
    let Some(mount) = mounts.holding(&sysroot.join("usr"), usr.stat_self()?.st_dev) else {
        return Ok((String::new(), Vec::new()));
    };
    let identity = match superblock::Kind::of(&mount.kind) {
        Some(kind) if mount.source.is_absolute() => read_superblock(&mount.source, kind),
        _ => Vec::new(),
    };
    Ok((mount.kind.clone(), identity))
}

/// The identity that the superblock on `device` carries. A device that cannot be read (a name that is valid only
/// in another mount namespace, say) leaves the rest of the fingerprint to tell bases apart: a missing part, but
/// missing at every boot alike.
fn read_superblock(device: &Path, kind: superblock::Kind) -> Vec<u8> {
    let read = || -> std::io::Result<Vec<u8>> {
        let file = fs_err::File::open(device)?;
        let mut bytes = vec![0; superblock::LENGTH];
        let length = rustix::io::pread(file.file(), &mut bytes[..], kind.offset())?;
        bytes.truncate(length);
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => kind.identity(&bytes),
        Err(error) => {
            log::debug!("no superblock for the fingerprint: {error}");
            Vec::new()
        }
    }
}
