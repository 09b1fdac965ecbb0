//! Owner, mode, times and extended attributes of an entry, read and written without following symlinks.

use std::ffi::{CStr, CString};

use rustix::fs::{AtFlags, FileType, Gid, Mode, Stat, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use crate::error::{At as _, Result};
use crate::order;
use crate::tree::Dir;

/// Where overlayfs remembers which lower file an upper one was copied from.
pub const MARK_ORIGIN: &CStr = c"trusted.overlay.origin";
/// Where overlayfs remembers that an upper directory hides the lower one.
pub const MARK_OPAQUE: &CStr = c"trusted.overlay.opaque";

/// Where overlayfs says that a file's content is still the lower's (`metacopy=on`).
pub const MARK_METACOPY: &CStr = c"trusted.overlay.metacopy";
/// Where overlayfs says that a directory was moved, and from where (`redirect_dir=on`).
pub const MARK_REDIRECT: &CStr = c"trusted.overlay.redirect";
/// What makes an empty file a whiteout, in a directory whose opaque mark is `x`.
pub const MARK_WHITEOUT: &CStr = c"trusted.overlay.whiteout";
/// Where overlayfs keeps `chattr +i` and `+a`, which an upper file cannot have itself.
const MARK_FLAGS: &CStr = c"trusted.overlay.protattr";

/// True for an attribute that belongs to overlayfs rather than to the file, and says nothing that a user set.
///
/// What an overlay within the overlay wrote is escaped, `trusted.overlay.overlay.opaque`, and is the file's own
/// (Documentation/filesystems/overlayfs.rst, "Nesting overlayfs mounts"). `user.overlay.*` means something only to mounts
/// with `userxattr`.
#[must_use]
pub fn is_overlay_mark(name: &CStr) -> bool {
    let rest = name.to_bytes().strip_prefix(b"trusted.overlay.");
    rest.is_some_and(|rest| !rest.starts_with(b"overlay.")) && name != MARK_FLAGS
}

/// Everything of an entry but its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Extended attributes by name, sorted; but for those that are not the entry's own.
    pub xattrs: Vec<(CString, Vec<u8>)>,
    /// Access and modification time, seconds and nanoseconds.
    times: [(i64, i64); 2],
}

impl Attributes {
    /// Reads the attributes of the entry `name`, whose `stat` is known already.
    #[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast)] // field types differ between architectures
    pub fn read(dir: &Dir, name: &CStr, stat: &Stat) -> Result<Self> {
        Ok(Attributes {
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            xattrs: xattrs(dir, name)?,
            times: [
                (stat.st_atime as i64, stat.st_atime_nsec as i64),
                (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            ],
        })
    }

    /// True if what a user can see of the two differs only in times; overlayfs's own marks do not count.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        let own =
            |a: &Self| a.xattrs.iter().filter(|(n, _)| !is_overlay_mark(n)).cloned().collect::<Vec<_>>();
        (self.mode, self.uid, self.gid) == (other.mode, other.uid, other.gid) && own(self) == own(other)
    }

    /// Gives these attributes to the entry `name` of type `kind`, which has none of its own yet.
    ///
    /// Owner first, since chown(2) drops setuid bits and capabilities; times last, since all else changes them.
    pub fn write(&self, dir: &Dir, name: &CStr, kind: FileType) -> Result<()> {
        let path = || dir.path_of(name);
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        rustix::fs::chownat(dir, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW).writing(path())?;
        self.forget_inherited(dir, name, kind)?;
        for (attribute, value) in &self.xattrs {
            let at = dir.proc_path(name);
            rustix::fs::lsetxattr(&*at, &**attribute, value, XattrFlags::empty()).writing(path())?;
        }
        // After the ACL, which would set the mode's bits: where the ACL is the user's and the mode the base's, the mode is
        // in force, and the kernel makes the ACL's mask of it.
        if kind != FileType::Symlink {
            rustix::fs::chmodat(dir, name, Mode::from_raw_mode(self.mode), AtFlags::empty())
                .writing(path())?;
        }
        self.write_times(dir, name)
    }

    /// Takes away the ACLs that a new entry has from the default ACL of its directory, which may be the user's own, or that
    /// of the store (acl(5), "OBJECT CREATION AND DEFAULT ACLs").
    fn forget_inherited(&self, dir: &Dir, name: &CStr, kind: FileType) -> Result<()> {
        let inherited: &[&CStr] = match kind {
            FileType::Symlink => &[],
            FileType::Directory => &[c"system.posix_acl_access", c"system.posix_acl_default"],
            _ => &[c"system.posix_acl_access"],
        };
        for acl in inherited.iter().filter(|acl| self.xattr(acl).is_none()) {
            match rustix::fs::lremovexattr(&*dir.proc_path(name), *acl) {
                Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
                Err(e) => return Err(e).writing(dir.path_of(name)),
            }
        }
        Ok(())
    }

    /// Gives the entry these times, for when its content was written after its attributes.
    pub fn write_times(&self, dir: &Dir, name: &CStr) -> Result<()> {
        let time = |(tv_sec, tv_nsec): (i64, i64)| Timespec { tv_sec, tv_nsec: tv_nsec as _ };
        let times = Timestamps { last_access: time(self.times[0]), last_modification: time(self.times[1]) };
        rustix::fs::utimensat(dir, name, &times, AtFlags::SYMLINK_NOFOLLOW).writing(dir.path_of(name))
    }

    /// These without what is overlayfs's own.
    #[must_use]
    pub fn without_marks(mut self) -> Self {
        self.xattrs.retain(|(name, _)| !is_overlay_mark(name));
        self
    }

    /// With the times of `other`.
    #[must_use]
    pub fn with_times_of(mut self, other: &Self) -> Self {
        self.times = other.times;
        self
    }

    /// True for those of a directory that hides the lower one, as [`is_opaque`] asks.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        self.xattr(MARK_OPAQUE) == Some(b"y")
    }

    /// The value of one extended attribute.
    #[must_use]
    pub fn xattr(&self, name: &CStr) -> Option<&[u8]> {
        self.xattrs.iter().find(|(n, _)| **n == *name).map(|(_, value)| value.as_slice())
    }
}

/// True for a directory that hides the lower one. The mark's other value, `x`, says that whiteouts within are files with
/// [`MARK_WHITEOUT`].
pub fn is_opaque(dir: &Dir, name: &CStr) -> Result<bool> {
    let mut value = [0_u8; 4];
    match rustix::fs::lgetxattr(&*dir.proc_path(name), MARK_OPAQUE, &mut value[..]) {
        Ok(length) => Ok(value[..length] == *b"y"),
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::RANGE) => Ok(false),
        Err(e) => Err(e).reading(dir.path_of(name)),
    }
}

/// How XFS keeps ACLs, which it also shows by their common names: a second account of the same, and none on another file
/// system.
const ACL_OF_XFS: &[u8] = b"trusted.SGI_ACL_";

/// What the root of a file system says of where that may be mounted (systemd-validatefs@.service(8)). An overlay that said it, too,
/// would be refused for having no device, and the machine rebooted.
const OF_FILE_SYSTEM: &[u8] = b"user.validatefs.";

fn xattrs(dir: &Dir, name: &CStr) -> Result<Vec<(CString, Vec<u8>)>> {
    let at = dir.proc_path(name);
    // Most entries have none, few have more than fit here: a list that does not fit is asked for in full.
    let mut list = vec![0_u8; 1024];
    let length = match rustix::fs::llistxattr(&*at, &mut list[..]) {
        Ok(length) => length,
        // A file system without attributes has none.
        Err(Errno::OPNOTSUPP) => 0,
        Err(Errno::RANGE) => {
            list.resize(64 * 1024, 0); // XATTR_LIST_MAX
            rustix::fs::llistxattr(&*at, &mut list[..]).reading(dir.path_of(name))?
        }
        Err(e) => return Err(e).reading(dir.path_of(name)),
    };
    let mut found = Vec::new();
    let not_its_own = |raw: &[u8]| raw.starts_with(ACL_OF_XFS) || raw.starts_with(OF_FILE_SYSTEM);
    for raw in list[..length].split(|b| *b == 0).filter(|raw| !raw.is_empty() && !not_its_own(raw)) {
        let Ok(attribute) = CString::new(raw) else { continue };
        let mut value = vec![0_u8; 256];
        let size = match rustix::fs::lgetxattr(&*at, &*attribute, &mut value[..]) {
            Ok(size) => size,
            Err(Errno::RANGE) => {
                value.resize(64 * 1024, 0); // XATTR_SIZE_MAX
                rustix::fs::lgetxattr(&*at, &*attribute, &mut value[..]).reading(dir.path_of(name))?
            }
            // Listed but not readable here, as some security modules do it: not ours to carry.
            Err(Errno::NODATA | Errno::OPNOTSUPP) => continue,
            Err(e) => return Err(e).reading(dir.path_of(name)),
        };
        value.truncate(size);
        found.push((attribute, value));
    }
    order::sort(&mut found);
    Ok(found)
}
