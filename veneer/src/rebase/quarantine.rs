//! Where a rebase sets aside what cannot stay in place: path, content and attributes as they were, with the reason.

use std::collections::HashMap;
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;
use serde::Serialize;

use super::{copy, shown};
use crate::error::{At as _, Result};
use crate::report::{Progress, display_path};
use crate::tree::{Attributes, Dir, Kind, check_depth};

/// The quarantine of one layer: `quarantine/tree` with the entries at their paths, `quarantine/list` with a line of
/// JSON for each. Made when the first entry comes.
pub(super) struct Quarantine<'a> {
    layer: &'a Dir,
    /// The upper that entries come from.
    upper: &'a Dir,
    open: Option<(Dir, File)>,
    /// Where the first name of a file with several is, below the tree, by inode number of the source.
    links: HashMap<u64, PathBuf>,
}

#[derive(Serialize)]
struct Line<'a> {
    path: String,
    why: &'a str,
}

impl<'a> Quarantine<'a> {
    pub(super) fn of(layer: &'a Dir, upper: &'a Dir) -> Self {
        Quarantine { layer, upper, open: None, links: HashMap::new() }
    }

    /// Sets aside the entry of `from` that is at `path` below /usr, with all that is below it.
    pub(super) fn take(&mut self, from: &Dir, path: &Path, why: &str, progress: &mut Progress) -> Result<()> {
        if self.open.is_none() {
            let dir = self.layer.ensure_sub(c"quarantine", 0o700)?;
            self.open = Some((dir.ensure_sub(c"tree", 0o755)?, dir.create(c"list", 0o600)?));
        }
        let Some((tree, list)) = &mut self.open else { return Ok(()) };
        let (parent, _) = split(path);
        let to = make_down(self.upper, tree, &parent)?;
        copy_tree(from, tree, to, path, &mut self.links, progress)?;
        let line = Line { path: display_path(&shown(path)), why };
        let line = serde_json::to_string(&line).map_err(std::io::Error::other).writing(self.layer.path())?;
        writeln!(list, "{line}").writing(self.layer.path())
    }
}

/// Opens the directory `path` below `tree`; what of it is not there is made as it is below `upper`: a directory in whose
/// place the new base has something else goes along with what is in it.
fn make_down(upper: &Dir, tree: &Dir, path: &Path) -> Result<Dir> {
    if let Some(there) = tree.down(path)? {
        return Ok(there);
    }
    let (mut from, mut to) = (upper.again()?, tree.again()?);
    for part in path {
        // A path that the kernel gave has no NUL.
        let name = CString::new(part.as_bytes()).unwrap_or_default();
        let is_new = to.stat(&name)?.is_none();
        let below = to.ensure_sub(&name, 0o700)?;
        if let Some(stat) = from.stat(&name)?.filter(|_| is_new) {
            let attributes = Attributes::read(&from, &name, &stat)?.without_marks();
            attributes.write(&to, &name, FileType::Directory)?;
        }
        (from, to) = (from.sub(&name)?, below);
    }
    Ok(to)
}

/// Copies the entry at `path` and everything below it as it is, overlayfs's marks included. A level of the tree is open
/// at a time, whatever its width.
fn copy_tree(
    from: &Dir,
    tree: &Dir,
    to: Dir,
    path: &Path,
    links: &mut HashMap<u64, PathBuf>,
    progress: &mut Progress,
) -> Result<()> {
    let (parent, name) = split(path);
    let mut levels = vec![Level { from: from.again()?, to, path: parent, left: vec![name], own: None }];
    while let Some(level) = levels.last_mut() {
        let Some(name) = level.left.pop() else {
            // A directory's attributes after its entries, which change its times.
            if let Some(Level { own: Some((name, attributes)), .. }) = levels.pop() {
                if let Some(above) = levels.last() {
                    attributes.write(&above.to, &name, FileType::Directory)?;
                }
            }
            continue;
        };
        let Some(stat) = level.from.stat(&name)? else { continue };
        let path = level.path.join(OsStr::from_bytes(name.to_bytes()));
        if Kind::of(&stat) != Kind::Directory {
            let shared = stat.st_nlink > 1 && Kind::of(&stat) != Kind::Whiteout;
            if let Some((parent, first)) = links.get(&stat.st_ino).filter(|_| shared).map(|path| split(path))
            {
                if let Some(dir) = tree.down(&parent)? {
                    copy::link(&dir, &first, &level.to, &name)?;
                    continue;
                }
            }
            if shared {
                links.insert(stat.st_ino, path);
            }
            let attributes = Attributes::read(&level.from, &name, &stat)?;
            copy::entry(&level.from, &level.to, &name, &stat, &attributes, progress)?;
            continue;
        }
        let attributes = Attributes::read(&level.from, &name, &stat)?;
        let (from, to) = (level.from.sub(&name)?, level.to.ensure_sub(&name, 0o700)?);
        check_depth(&from, levels.len())?;
        let left = from.names()?;
        levels.push(Level { from, to, path, left, own: Some((name, attributes)) });
    }
    Ok(())
}

/// A directory that is being copied.
struct Level {
    from: Dir,
    to: Dir,
    /// Below the quarantine's tree.
    path: PathBuf,
    left: Vec<CString>,
    /// Its name in the level above, and what it gets when it is done.
    own: Option<(CString, Attributes)>,
}

/// Directory and name.
fn split(path: &Path) -> (PathBuf, CString) {
    let name = path.file_name().unwrap_or_default();
    // A path that the kernel gave has no NUL.
    let name = CString::new(name.as_bytes()).unwrap_or_default();
    (path.parent().unwrap_or(Path::new("")).to_path_buf(), name)
}
