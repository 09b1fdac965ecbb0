//! Gives the directories of the new upper their metadata, when nothing in them changes any more: the new base's where it
//! has the directory, unless the user changed it, and else the old layer's.

use std::ffi::CString;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::Bases;
use super::apply::MergedDirectories;
use super::told::os_str;
use crate::error::Result;
use crate::tree::{Attributes, Dir, Kind};

/// Settles every directory below `new`, the innermost first, since all else changes a directory's times.
pub(super) fn settle(bases: &Bases<'_>, new: &Dir, merged: &MergedDirectories) -> Result<()> {
    let mut levels = vec![Level { dir: new.again()?, path: PathBuf::new(), left: new.names()?, name: None }];
    while let Some(level) = levels.last_mut() {
        let Some(name) = level.left.pop() else {
            if let Some(Level { path, name: Some(name), .. }) = levels.pop() {
                if let (Some(above), Some(attributes)) =
                    (levels.last(), metadata(bases, &path, &name, merged)?)
                {
                    attributes.write(&above.dir, &name, FileType::Directory)?;
                }
            }
            continue;
        };
        let is_directory = level.dir.stat(&name)?.is_some_and(|stat| Kind::of(&stat) == Kind::Directory);
        if is_directory {
            let dir = level.dir.sub(&name)?;
            let (left, path) = (dir.names()?, level.path.join(os_str(&name)));
            levels.push(Level { dir, path, left, name: Some(name) });
        }
    }
    Ok(())
}

/// A directory whose entries are being settled.
struct Level {
    dir: Dir,
    path: PathBuf,
    left: Vec<CString>,
    /// Its name in the level above.
    name: Option<CString>,
}

/// `None` for a directory that neither the new base nor the old layer has: it keeps what it was made with.
fn metadata(
    bases: &Bases<'_>,
    path: &Path,
    name: &CString,
    merged: &MergedDirectories,
) -> Result<Option<Attributes>> {
    if let Some(attributes) = merged.get(path) {
        return Ok(Some(attributes.clone()));
    }
    let above = path.parent().unwrap_or(Path::new(""));
    for tree in [bases.usr, bases.upper] {
        let Some(dir) = tree.down(above)? else { continue };
        let Some(stat) = dir.stat(name)? else { continue };
        if Kind::of(&stat) == Kind::Directory {
            return Ok(Some(Attributes::read(&dir, name, &stat)?.without_marks()));
        }
    }
    Ok(None)
}
