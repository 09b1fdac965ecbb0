//! The weakest base id: made of what a few system calls can say about /usr without reading it.

use std::path::Path;

use rustix::fs::AtFlags;
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::superblock;
use crate::mount::{MountRow, Site, Time};
use crate::packages::DATABASES;
use crate::tree::{Dir, leave_open};

/// What is there on every base, or nearly; a directory before what is in it.
const LANDMARKS: [&str; 6] = ["bin", "lib", "share", "lib/modules", "lib/sysimage", "lib/systemd/systemd"];

/// SHA-256 over os-release, the file system's own identity, and path, size and mtime of the main file of each
/// package database that is there.
///
/// `os_release` is its content, and its time of modification if there is one.
pub(super) fn of(usr: &Dir, site: &Site, os_release: (&[u8], Option<Time>)) -> [u8; 32] {
    let mut sum = Sha256::new();
    part(&mut sum, b"veneer fingerprint 1");
    part(&mut sum, os_release.0);
    let (kind, identity) = file_system(site.mount.as_ref());
    part(&mut sum, kind.as_bytes());
    part(&mut sum, &identity);
    // Two builds of one image may agree in all of that (a fixed UUID, one second, no database), but hardly in the times
    // of these. Not in inode numbers or ctimes, which a copy of the same content has anew.
    for (seconds, nanoseconds) in [Some(site.modified), os_release.1].into_iter().flatten() {
        part(&mut sum, &seconds.to_le_bytes());
        part(&mut sum, &nanoseconds.to_le_bytes());
    }
    let mut missing: Vec<&str> = Vec::new();
    for path in LANDMARKS {
        match rustix::fs::statat(usr, path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => {
                part(&mut sum, path.as_bytes());
                part(&mut sum, &stat.st_mtime.to_le_bytes());
                part(&mut sum, &stat.st_mtime_nsec.to_le_bytes());
            }
            Err(Errno::NOENT | Errno::NOTDIR) => missing.push(path),
            // The rest has to tell bases apart.
            Err(_) => {}
        }
    }
    for database in DATABASES {
        if missing.iter().any(|path| Path::new(database.main_file).starts_with(path)) {
            continue;
        }
        // The base is trusted: a database directory that is a link to another is one.
        if let Ok(stat) = rustix::fs::statat(usr, database.main_file, AtFlags::empty()) {
            part(&mut sum, database.main_file.as_bytes());
            part(&mut sum, &stat.st_size.to_le_bytes());
            part(&mut sum, &stat.st_mtime.to_le_bytes());
            part(&mut sum, &stat.st_mtime_nsec.to_le_bytes());
        }
    }
    sum.finalize().into()
}

/// Length first, so that no two lists of parts give one string of bytes.
fn part(sum: &mut Sha256, bytes: &[u8]) {
    sum.update((bytes.len() as u64).to_le_bytes());
    sum.update(bytes);
}

/// The type of the file system that holds /usr, and what of its superblock never changes while it lives.
fn file_system(mount: Option<&MountRow>) -> (&str, Vec<u8>) {
    let Some(mount) = mount else { return ("", Vec::new()) };
    let identity = match superblock::Kind::of(&mount.kind) {
        Some(kind) if mount.source.is_absolute() => read_superblock(&mount.source, kind),
        _ => Vec::new(),
    };
    (&mount.kind, identity)
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
        leave_open(file.into_file());
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
