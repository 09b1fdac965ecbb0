//! Can this file system hold an upper directory? Asked once, before the first layer is made: each thing is tried, not
//! guessed from the file system's name (Documentation/filesystems/overlayfs.rst, "The upper filesystem …").

use std::ffi::CStr;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, XattrFlags};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::tree::Dir;

const PLACE: &CStr = c".veneer-preflight";

/// Tries in a directory of its own below `top`, which is gone afterwards.
pub(super) fn check(top: &Dir) -> Result<()> {
    top.remove_tree(PLACE)?;
    let place = top.make_sub(PLACE, 0o700)?;
    let result = tries(&place).map_err(|(what, errno)| match errno {
        Errno::NOSPC | Errno::DQUOT => Error::Write { path: top.path().into(), source: errno.into() },
        _ => Error::Unfit { path: top.path().into(), what: format!("its file system {what} ({errno})") },
    });
    drop(place);
    top.remove_tree(PLACE)?;
    result
}

fn tries(place: &Dir) -> std::result::Result<(), (&'static str, Errno)> {
    let because = |what: &'static str| move |e: Errno| (what, e);
    let create = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::openat(place, c"file", create, Mode::RUSR).map_err(because("takes no files"))?;
    rustix::fs::fsetxattr(&file, c"trusted.overlay.probe", b"y", XattrFlags::empty())
        .map_err(because("has no trusted extended attributes"))?;
    rustix::fs::openat(place, c".", OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, Mode::RUSR)
        .map_err(because("has no nameless files (O_TMPFILE)"))?;
    rustix::fs::renameat_with(place, c"file", place, c"moved", RenameFlags::WHITEOUT)
        .map_err(because("cannot leave whiteouts (RENAME_WHITEOUT)"))?;
    let whiteout = rustix::fs::statat(place, c"file", AtFlags::SYMLINK_NOFOLLOW)
        .map_err(because("cannot leave whiteouts (RENAME_WHITEOUT)"))?;
    if !crate::tree::is_whiteout(&whiteout) {
        return Err(("leaves something else for a whiteout", Errno::NOTSUP));
    }
    if rustix::fs::statat(place, c"MOVED", AtFlags::SYMLINK_NOFOLLOW).is_ok() {
        return Err(("does not tell upper case from lower case", Errno::NOTSUP));
    }
    for entry in rustix::fs::Dir::read_from(place).map_err(because("cannot be listed"))? {
        let entry = entry.map_err(because("cannot be listed"))?;
        if entry.file_type() == FileType::Unknown {
            return Err(("does not tell file types in directories (d_type)", Errno::NOTSUP));
        }
    }
    Ok(())
}
