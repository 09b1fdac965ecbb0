//! The new database's directories, written over the base's: nothing of the old layer's database is there but what a package
//! that stays brought.

use std::ffi::{CStr, CString};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use crate::error::{At as _, Error, Result};
use crate::packages::{Composed, Owner};
use crate::tree::{Attributes, Dir, Kind, is_overlay_mark, shadow_down};

/// More than any list of files.
const FILE_LIMIT: u64 = 32 * 1024 * 1024;

/// What is to be written, and where.
#[derive(Debug)]
pub(super) struct Writer {
    /// The database's directory (`DBPath`) in the layer, below /usr.
    pub(super) old_place: PathBuf,
    /// The same in the new base.
    pub(super) place: PathBuf,
    /// The old layer's `local/`.
    pub(super) layer: Option<Dir>,
    /// Directories of the layer that are there again.
    pub(super) copied: Vec<CString>,
    /// The old base's `local/`, if it is at hand.
    pub(super) old: Option<Dir>,
    /// Directories of the old base that are there again.
    pub(super) adopted: Vec<CString>,
    /// Directories of the base that are hidden.
    pub(super) hidden: Vec<CString>,
    /// Directories of the base whose `desc` gets another text.
    pub(super) marked: Vec<(CString, String)>,
}

impl Composed for Writer {
    fn owner(&self, path: &Path) -> Option<Owner> {
        let below = path.strip_prefix(&self.old_place).or_else(|_| path.strip_prefix(&self.place)).ok()?;
        // The directory itself is one like others, and what is beside it (`sync/`) no description of what is there.
        let is_entry = below.starts_with("local") && below != Path::new("local");
        (is_entry || below == Path::new("db.lck")).then_some(Owner::Database)
    }

    fn write(&self, upper: &Dir, usr: &Dir) -> Result<()> {
        let changes = [self.copied.len(), self.adopted.len(), self.hidden.len(), self.marked.len()];
        if changes.iter().all(|count| *count == 0) {
            return Ok(());
        }
        let path = self.place.join("local");
        let local = shadow_down(upper, usr, &path)?;
        for name in &self.hidden {
            local.make_whiteout(name)?;
        }
        for (from, names) in [(&self.layer, &self.copied), (&self.old, &self.adopted)] {
            let Some(from) = from else { continue };
            for name in names {
                copy_directory(from, &local, name)?;
            }
        }
        let base = usr.down(&path)?;
        for (name, text) in &self.marked {
            let Some(base) = base.as_ref().map(|base| base.sub_if_there(name)).transpose()?.flatten() else {
                continue;
            };
            let package = shadow_down(upper, usr, &path.join(name.to_string_lossy().as_ref()))?;
            let Some(stat) = base.stat(c"desc")? else { continue };
            let attributes = attributes(&base, c"desc", &stat)?;
            package.create(c"desc", 0o600)?.write_all(text.as_bytes()).writing(package.path_of(c"desc"))?;
            attributes.write(&package, c"desc", FileType::RegularFile)?;
        }
        Ok(())
    }
}

/// Copies a package's directory, with what pacman has in it.
fn copy_directory(from: &Dir, to: &Dir, name: &CStr) -> Result<()> {
    let source = from.sub(name)?;
    let target = to.make_sub(name, 0o755)?;
    for file in [c"desc", c"files", c"mtree", c"install", c"changelog"] {
        let Some(stat) = source.stat(file)?.filter(|stat| Kind::of(stat) == Kind::File) else { continue };
        let mut content = source.file(file)?.take(FILE_LIMIT + 1);
        let mut copy = target.create(file, 0o600)?;
        let length = std::io::copy(&mut content, &mut copy).writing(target.path_of(file))?;
        if length > FILE_LIMIT {
            let what = format!("larger than {FILE_LIMIT} bytes");
            return Err(Error::Damaged { path: source.path_of(file), what });
        }
        attributes(&source, file, &stat)?.write(&target, file, FileType::RegularFile)?;
    }
    attributes(&source, c".", &source.stat_self()?)?.write(to, name, FileType::Directory)
}

fn attributes(dir: &Dir, name: &CStr, stat: &rustix::fs::Stat) -> Result<Attributes> {
    let mut attributes = Attributes::read(dir, name, stat)?;
    attributes.xattrs.retain(|(name, _)| !is_overlay_mark(name));
    Ok(attributes)
}
