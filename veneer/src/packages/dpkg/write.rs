//! The new database on disk: written over the new base's, with what belongs to it elsewhere in /usr.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, CString};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, Timespec, Timestamps, UTIME_NOW};

use super::admin::LIST_LIMIT;
use super::compose::{Plan, Statuses};
use super::status::Status;
use crate::error::{At as _, Error, Result};
use crate::packages::{Composed, Owner};
use crate::tree::{Attributes, Dir, Kind, MARK_OPAQUE, is_overlay_mark, shadow_down, split};

/// All that is to be written. Paths are below /usr, but those of `files` and `hidden`, which are below the database's
/// directory.
pub(super) struct NewDatabase {
    /// The database's directory in the layer.
    pub(super) layer_dir: PathBuf,
    /// And in the new base.
    pub(super) dir: PathBuf,
    /// The three status files.
    pub(super) old: Option<Status>,
    pub(super) layer: Status,
    pub(super) new: Status,
    /// The new one; `None` if it is the base's as it is.
    pub(super) plan: Option<Plan>,
    /// Small files.
    pub(super) files: BTreeMap<PathBuf, Vec<u8>>,
    /// Files of `info` that are copied, from the directory that is there.
    pub(super) copies: Vec<(Dir, Vec<CString>)>,
    /// Files of the base's database that are hidden.
    pub(super) hidden: BTreeSet<PathBuf>,
    /// Files of the base that are elsewhere by the new diversions: from where, to where.
    pub(super) moves: Vec<(PathBuf, PathBuf)>,
    /// What statoverride says: owner, group and mode of a path.
    pub(super) overrides: Vec<(PathBuf, u32, u32, u32)>,
    /// What [`Composed::owner`] says of paths outside of the database.
    pub(super) owners: BTreeMap<PathBuf, Owner>,
}

impl Composed for NewDatabase {
    fn owner(&self, path: &Path) -> Option<Owner> {
        if path.starts_with(&self.layer_dir) || path.starts_with(&self.dir) {
            return Some(Owner::Database);
        }
        self.owners.get(path).copied()
    }

    fn write(&self, upper: &Dir, usr: &Dir) -> Result<()> {
        let base = usr.down(&self.dir)?;
        let way = |below: &Path| shadow_down(upper, usr, &self.dir.join(below));
        if let Some(plan) = &self.plan {
            let statuses = Statuses { old: self.old.as_ref(), layer: &self.layer, new: &self.new };
            let dir = way(Path::new(""))?;
            let (mut file, path) = (start(&dir, c"status")?, dir.path_of(c"status"));
            plan.write(statuses, |piece| file.write_all(piece)).writing(&path)?;
            drop(file);
            finish(&dir, c"status", base.as_ref())?;
        }
        for (path, content) in &self.files {
            let Some((parent, name)) = split(path) else { continue };
            let dir = way(parent)?;
            start(&dir, &name)?.write_all(content).writing(dir.path_of(&name))?;
            let from = base.as_ref().map_or(Ok(None), |base| base.down(parent))?;
            finish(&dir, &name, from.as_ref())?;
        }
        for (from, names) in &self.copies {
            let dir = way(Path::new("info"))?;
            for name in names {
                copy(from, name, &dir, name)?;
            }
        }
        for path in &self.hidden {
            let Some((parent, name)) = split(path) else { continue };
            let dir = way(parent)?;
            if dir.stat(&name)?.is_none() {
                dir.make_whiteout(&name)?;
            }
        }
        self.divert(upper, usr)?;
        self.apply_overrides(upper, usr)
    }
}

impl NewDatabase {
    fn divert(&self, upper: &Dir, usr: &Dir) -> Result<()> {
        for (from, to) in &self.moves {
            let (Some((parent, name)), Some((new_parent, new_name))) = (split(from), split(to)) else {
                continue;
            };
            let Some(dir) = usr.down(parent)? else { continue };
            if dir.stat(&name)?.is_none_or(|stat| Kind::of(&stat) == Kind::Directory) {
                continue;
            }
            copy(&dir, &name, &shadow_down(upper, usr, new_parent)?, &new_name)?;
        }
        for (from, _) in &self.moves {
            let Some((parent, name)) = split(from) else { continue };
            let there = usr.down(parent)?.map_or(Ok(None), |dir| dir.stat(&name))?;
            if there.is_some_and(|stat| Kind::of(&stat) != Kind::Directory) {
                let dir = shadow_down(upper, usr, parent)?;
                if dir.stat(&name)?.is_none() {
                    dir.make_whiteout(&name)?;
                }
            }
        }
        Ok(())
    }

    fn apply_overrides(&self, upper: &Dir, usr: &Dir) -> Result<()> {
        for (path, uid, gid, mode) in &self.overrides {
            let Some((parent, name)) = split(path) else { continue };
            let in_upper = upper.down(parent)?.map_or(Ok(None), |dir| dir.stat(&name))?;
            let in_base = usr.down(parent)?.map_or(Ok(None), |dir| dir.stat(&name))?;
            let (dir, stat) = match (in_upper, in_base) {
                (Some(stat), _) => (upper.down(parent)?, stat),
                (None, Some(stat)) => (usr.down(parent)?, stat),
                (None, None) => continue,
            };
            let kind = Kind::of(&stat);
            // Hidden; and the mode of a link is nothing.
            let (Some(dir), Kind::File | Kind::Directory | Kind::Special) = (dir, kind) else { continue };
            let mut attributes = Attributes::read(&dir, &name, &stat)?;
            if (attributes.uid, attributes.gid, attributes.mode) == (*uid, *gid, *mode) {
                continue;
            }
            let to = shadow_down(upper, usr, parent)?;
            if in_upper.is_none() && kind == Kind::Directory {
                shadow_down(upper, usr, path)?;
            } else if in_upper.is_none() {
                copy(&dir, &name, &to, &name)?;
            }
            (attributes.uid, attributes.gid, attributes.mode) = (*uid, *gid, *mode);
            attributes.xattrs.retain(|(name, _)| !is_overlay_mark(name) || **name == *MARK_OPAQUE);
            attributes.write(&to, &name, FileType::from_raw_mode(stat.st_mode))?;
        }
        Ok(())
    }
}

/// Makes a file, in place of one that is there.
fn start(dir: &Dir, name: &CStr) -> Result<std::fs::File> {
    dir.remove_file(name)?;
    dir.create(name, 0o644)
}

/// Gives a file that was written owner, mode and labels of the base's of that name. Its time is now: what apt and others
/// derive from the database is newer than it, or is made anew.
fn finish(dir: &Dir, name: &CStr, base: Option<&Dir>) -> Result<()> {
    let kind = FileType::RegularFile;
    match base.map_or(Ok(None), |base| base.stat(name))? {
        Some(stat) if Kind::of(&stat) == Kind::File => {
            let base = base.ok_or(std::io::ErrorKind::NotFound).reading(dir.path_of(name))?;
            let mut attributes = Attributes::read(base, name, &stat)?;
            attributes.xattrs.retain(|(name, _)| !is_overlay_mark(name));
            attributes.write(dir, name, kind)?;
        }
        _ => rustix::fs::chmodat(dir, name, Mode::from_raw_mode(0o644), AtFlags::empty())
            .writing(dir.path_of(name))?,
    }
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    rustix::fs::utimensat(dir, name, &times, AtFlags::SYMLINK_NOFOLLOW).writing(dir.path_of(name))
}

/// Copies a file or link with all that belongs to it, in place of what is there, unless that is a directory.
fn copy(from: &Dir, name: &CStr, to: &Dir, new_name: &CStr) -> Result<()> {
    let Some(stat) = from.stat(name)? else { return Ok(()) };
    if to.stat(new_name)?.is_some_and(|stat| Kind::of(&stat) == Kind::Directory) {
        return Ok(());
    }
    to.remove_file(new_name)?;
    match Kind::of(&stat) {
        Kind::File => {
            let (mut source, mut target) = (from.file(name)?, to.create(new_name, 0o600)?);
            std::io::copy(&mut source, &mut target).writing(to.path_of(new_name))?;
        }
        Kind::Symlink => {
            let target = rustix::fs::readlinkat(from, name, Vec::new()).reading(from.path_of(name))?;
            rustix::fs::symlinkat(&*target, to, new_name).writing(to.path_of(new_name))?;
        }
        Kind::Directory | Kind::Whiteout | Kind::Special => return Ok(()),
    }
    let mut attributes = Attributes::read(from, name, &stat)?;
    attributes.xattrs.retain(|(name, _)| !is_overlay_mark(name));
    attributes.write(to, new_name, FileType::from_raw_mode(stat.st_mode))
}

/// Refuses a file of `info` that is larger than any.
pub(super) fn check_size(dir: &Dir, name: &CStr) -> Result<()> {
    match dir.stat(name)? {
        Some(stat) if u64::try_from(stat.st_size).unwrap_or(0) > LIST_LIMIT => {
            Err(Error::Damaged { path: dir.path_of(name), what: format!("larger than {LIST_LIMIT} bytes") })
        }
        _ => Ok(()),
    }
}
