//! What a removed directory hides of a new base: the paths that the old base had there too. What the new base adds is to
//! be visible.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::Bases;
use crate::error::Result;
use crate::packages::Owner;
use crate::record::Old;
use crate::tree::{DEPTH_LIMIT, Dir};

/// How much of a directory of the new base stays hidden.
pub(super) enum Cover {
    /// All of it: nothing in it is known to be new.
    Whole,
    /// These paths below /usr.
    Parts(Vec<PathBuf>),
}

/// Works out what of the new base's directory `base` at `path` the user had removed with the old base's. What is protected
/// is never hidden.
pub(super) fn cover(bases: &Bases<'_>, path: &Path, base: &Dir, depth: usize) -> Result<Cover> {
    let old = bases.shadowed.dir(path);
    if depth > DEPTH_LIMIT {
        return Ok(Cover::Whole);
    }
    let protected = bases.policy.protected_in(path);
    let (mut hides, mut is_whole) = (Vec::new(), true);
    for name in base.names()? {
        let path = path.join(OsStr::from_bytes(name.to_bytes()));
        let Some(stat) = base.stat(&name)? else { continue };
        let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        // The user removed all that there was: what is not known to be new may be a part of that.
        let was_there = match old.get(&name) {
            Old::Known(entry) => entry.is_directory() == is_directory,
            Old::Absent => false,
            Old::Unknown => true,
        };
        if protected.has(name.to_bytes()) {
            is_whole = false;
            continue;
        }
        match (was_there, is_directory) {
            (true, false) => hides.push(path),
            (true, true) => match cover(bases, &path, &base.sub(&name)?, depth + 1)? {
                Cover::Whole => hides.push(path),
                Cover::Parts(parts) => {
                    is_whole = false;
                    hides.extend(parts);
                }
            },
            // New, but of a package that the user removed.
            (false, false) if bases.owner(&path) == Owner::Removed => hides.push(path),
            (false, _) => is_whole = false,
        }
    }
    Ok(if is_whole { Cover::Whole } else { Cover::Parts(hides) })
}
