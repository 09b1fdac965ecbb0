//! What a layer changes of a base, entry by entry: what `veneer diff` shows. Reads names and kinds, no content.

use std::collections::BTreeSet;
use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::Stat;

use crate::error::Result;
use crate::order;
use crate::tree::{Dir, Kind, is_opaque, split};

/// What the layer does at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The base has nothing there.
    Added,
    /// The layer's is seen instead of the base's.
    Shadowed,
    /// The base has something there that is not seen.
    Hidden,
}

impl Change {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Change::Added => "added",
            Change::Shadowed => "shadowed",
            Change::Hidden => "hidden",
        }
    }
}

/// Shows `see` every change that the layer in `upper` makes to the base at `usr`, by path, with the kind of the entry that
/// is seen or hidden. A directory that both have is a change only if mode or owner differ; of a directory that hides the
/// base's, what it hides is shown as [`Change::Hidden`] where the layer has nothing in its place.
pub fn each(upper: &Dir, usr: &Dir, mut see: impl FnMut(&Path, Change, Kind) -> Result<()>) -> Result<()> {
    // Only the way down to a directory is kept, so that a layer may be as wide as it likes.
    let mut todo: Vec<(PathBuf, bool)> = vec![(PathBuf::new(), false)];
    while let Some((path, opaque)) = todo.pop() {
        let Some(above) = upper.down(&path)? else { continue };
        let base = usr.down(&path)?;
        let mut names = above.names()?;
        let hidden = match &base {
            Some(base) if opaque => {
                let ours: BTreeSet<_> = names.iter().cloned().collect();
                base.names()?.into_iter().filter(|name| !ours.contains(name)).collect()
            }
            _ => Vec::new(),
        };
        let own = names.len();
        names.extend(hidden);
        let mut directories = Vec::new();
        let mut places: Vec<usize> = (0..names.len()).collect();
        order::sort_by(&mut places, |a, b| names[*a].cmp(&names[*b]));
        for number in places {
            let (name, below) = (&names[number], path.join(OsStr::from_bytes(names[number].to_bytes())));
            let theirs = stat(base.as_ref(), name)?;
            if number >= own {
                if let Some(theirs) = theirs {
                    see(&below, Change::Hidden, Kind::of(&theirs))?;
                }
                continue;
            }
            let Some(ours) = above.stat(name)? else { continue };
            let is_new = theirs.is_none();
            match (Kind::of(&ours), theirs) {
                (Kind::Whiteout, Some(theirs)) => see(&below, Change::Hidden, Kind::of(&theirs))?,
                // Hides nothing.
                (Kind::Whiteout, None) => {}
                (kind, None) => see(&below, Change::Added, kind)?,
                (Kind::Directory, Some(theirs)) if Kind::of(&theirs) == Kind::Directory => {
                    let facts = |stat: &Stat| (stat.st_mode, stat.st_uid, stat.st_gid);
                    if facts(&ours) != facts(&theirs) {
                        see(&below, Change::Shadowed, Kind::Directory)?;
                    }
                }
                (kind, Some(_)) => see(&below, Change::Shadowed, kind)?,
            }
            if Kind::of(&ours) == Kind::Directory {
                directories.push((below, !is_new && (opaque || is_opaque(&above, name)?)));
            }
        }
        todo.extend(directories.into_iter().rev());
    }
    Ok(())
}

/// What the layer does at one path below /usr; `None` if what is seen there, if anything, is the base's.
pub fn at(upper: &Dir, usr: &Dir, path: &Path) -> Result<Option<Change>> {
    let Some((above, name)) = split(path) else { return Ok(None) };
    let theirs = stat(usr.down(above)?.as_ref(), &name)?;
    // A directory on the way may hide all of the base's, or be hidden.
    let mut at = upper.again()?;
    let mut covered = false;
    for part in above.components() {
        let Ok(part) = std::ffi::CString::new(part.as_os_str().as_bytes()) else { return Ok(None) };
        match at.stat(&part)?.map(|stat| Kind::of(&stat)) {
            Some(Kind::Directory) => {
                covered |= is_opaque(&at, &part)?;
                at = at.sub(&part)?;
            }
            None => return Ok(theirs.filter(|_| covered).map(|_| Change::Hidden)),
            Some(_) => return Ok(theirs.map(|_| Change::Hidden)),
        }
    }
    Ok(match (at.stat(&name)?.map(|stat| Kind::of(&stat)), theirs) {
        (Some(Kind::Whiteout), theirs) => theirs.map(|_| Change::Hidden),
        (Some(Kind::Directory), Some(theirs)) if Kind::of(&theirs) == Kind::Directory => None,
        (Some(_), Some(_)) => Some(Change::Shadowed),
        (Some(_), None) => Some(Change::Added),
        (None, theirs) => theirs.filter(|_| covered).map(|_| Change::Hidden),
    })
}

fn stat(dir: Option<&Dir>, name: &CStr) -> Result<Option<Stat>> {
    dir.map_or(Ok(None), |dir| dir.stat(name))
}
