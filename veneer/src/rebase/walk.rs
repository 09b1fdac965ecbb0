//! The walk over a layer's upper: each entry is read, judged against the new base, and put where its verdict says.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Stat};

use super::judge::{self, Facts, Owner, Verdict};
use super::quarantine::Quarantine;
use super::{PROBLEM_LIMIT, copy, derived, shown};
use crate::error::{At as _, Error, Result};
use crate::packages::dpkg::Change;
use crate::report::{Problem, ProblemKind, Progress};
use crate::tree::{Attributes, Dir, Kind, MARK_OPAQUE, MARK_ORIGIN, is_overlay_mark};

/// Marks of a layer that was made with options that Veneer never uses: its files are not whole without them.
const FOREIGN: [&CStr; 2] = [c"trusted.overlay.metacopy", c"trusted.overlay.redirect"];

/// Copies what of `upper` goes to `new`, for the base at `usr`; `layer` takes the quarantine.
pub(super) fn run(
    upper: &Dir,
    new: &Dir,
    usr: &Dir,
    layer: &Dir,
    packages: Option<&Change>,
    progress: &mut Progress,
) -> Result<Vec<Problem>> {
    let mut walk = Walk {
        packages,
        new,
        usr,
        quarantine: Quarantine::of(layer),
        links: HashMap::new(),
        problems: Vec::new(),
        more: 0,
        progress,
    };
    walk.directory(upper, new, Some(usr), Path::new(""), 0)?;
    if walk.more > 0 {
        let message = format!(
            "{} more entries of yours are kept in the layer's quarantine; the file `list` there names all of them",
            walk.more
        );
        walk.problems.push(Problem { kind: ProblemKind::Quarantined, package: None, path: None, message });
    }
    Ok(walk.problems)
}

struct Walk<'a> {
    packages: Option<&'a Change>,
    new: &'a Dir,
    usr: &'a Dir,
    quarantine: Quarantine<'a>,
    /// Where the first name of a file with several was copied to, by inode number of the source.
    links: HashMap<u64, PathBuf>,
    problems: Vec<Problem>,
    /// How many there are beyond those.
    more: usize,
    progress: &'a mut Progress,
}

impl Walk<'_> {
    /// Returns true if anything went into `to`.
    fn directory(
        &mut self,
        from: &Dir,
        to: &Dir,
        base: Option<&Dir>,
        at: &Path,
        depth: usize,
    ) -> Result<bool> {
        copy::check_depth(from, depth)?;
        let mut any = false;
        for name in from.names()? {
            let Some(stat) = from.stat(&name)? else { continue };
            let path = at.join(std::ffi::OsStr::from_bytes(name.to_bytes()));
            any |= self.entry(&Place { from, to, base, name: &name, path: &path, depth }, &stat)?;
        }
        Ok(any)
    }

    fn entry(&mut self, place: &Place<'_>, stat: &Stat) -> Result<bool> {
        let attributes = Attributes::read(place.from, place.name, stat)?;
        if let Some(mark) = FOREIGN.iter().find(|mark| attributes.xattr(mark).is_some()) {
            let path = shown(place.path);
            return Err(Error::Unfit {
                path: place.from.path_of(place.name),
                what: format!(
                    "{} carries {}, left by an overlay with other options; copy it anew on its own base first",
                    path.display(),
                    mark.to_string_lossy()
                ),
            });
        }
        let base = match place.base {
            Some(dir) => dir.stat(place.name)?,
            None => None,
        };
        let facts = Facts {
            kind: Kind::of(stat),
            base: base.as_ref().map(Kind::of),
            same: match &base {
                Some(base) => Self::is_same(place, stat, &attributes, base)?,
                None => false,
            },
            owner: self.owner(place.path),
            derived: self.is_derived(place.path)?,
        };
        match judge::entry(facts) {
            Verdict::Drop => Ok(false),
            Verdict::Merge => self.merge(place),
            Verdict::Keep if facts.kind == Kind::Directory => self.keep_directory(place, &attributes),
            Verdict::Keep => self.keep(place, stat, attributes).map(|()| true),
            Verdict::Quarantine(why) => {
                self.quarantine.take(place.from, place.path, why, self.progress)?;
                self.tell_quarantined(place.path, why);
                Ok(false)
            }
        }
    }

    fn tell_quarantined(&mut self, path: &Path, why: &str) {
        if self.problems.len() >= PROBLEM_LIMIT {
            self.more += 1;
            return;
        }
        let message = format!("{why}: yours is kept in the layer's quarantine");
        self.problems.push(Problem::of_path(ProblemKind::Quarantined, &shown(path), message));
    }

    fn is_derived(&self, path: &Path) -> Result<bool> {
        let Some(source) = derived::source_of_bytecode(path) else { return Ok(derived::is_derived(path)) };
        let (Some(dir), Some(name)) = (self.usr.down(parent(&source))?, file_name(&source)) else {
            return Ok(false);
        };
        Ok(dir.stat(&name)?.is_some())
    }

    fn owner(&self, path: &Path) -> Owner {
        match self.packages {
            Some(change) if change.is_stranded(path) => Owner::Stranded,
            Some(change) if change.owns(path) => Owner::Database,
            Some(change) if change.is_kept(path) => Owner::Kept,
            Some(change) if change.is_gone(path) => Owner::Gone,
            Some(change) if change.is_returned(path) => Owner::Returned,
            _ => Owner::Nobody,
        }
    }

    /// A directory that the base has too: the base's attributes, so that a mode that it tightened is in force, and no
    /// opaque mark, so that nothing of it is hidden.
    fn merge(&mut self, place: &Place<'_>) -> Result<bool> {
        let (Some(base), Some(base_dir)) = (place.base, place.base_dir()?) else { return Ok(false) };
        let (from, to) = (place.from.sub(place.name)?, place.to.ensure_sub(place.name, 0o700)?);
        let any = self.directory(&from, &to, Some(&base_dir), place.path, place.depth + 1)?;
        if !any {
            // An upper directory with nothing to say would only pin the attributes of this base.
            drop(to);
            place.to.remove_tree(place.name)?;
            return Ok(false);
        }
        let stat =
            base.stat(place.name)?.ok_or(std::io::ErrorKind::NotFound).reading(base.path_of(place.name))?;
        let mut attributes = Attributes::read(base, place.name, &stat)?;
        // A base that is an overlay itself (composefs) has marks of its own, which mean nothing here.
        attributes.xattrs.retain(|(name, _)| !is_overlay_mark(name));
        attributes.write(place.to, place.name, FileType::Directory)?;
        Ok(true)
    }

    /// A directory that only the layer has.
    fn keep_directory(&mut self, place: &Place<'_>, attributes: &Attributes) -> Result<bool> {
        let (from, to) = (place.from.sub(place.name)?, place.to.make_sub(place.name, 0o700)?);
        let any = self.directory(&from, &to, None, place.path, place.depth + 1)?;
        // It was copied up from the old base, and all that was in it went: a leftover of that base.
        let leftover =
            !any && attributes.xattr(MARK_ORIGIN).is_some() && self.owner(place.path) != Owner::Kept;
        if leftover {
            drop(to);
            place.to.remove_tree(place.name)?;
            return Ok(false);
        }
        // Nothing is below it any more, in this base; a later one may add to it and must be seen.
        let mut attributes = attributes.clone();
        attributes.xattrs.retain(|(name, _)| **name != *MARK_OPAQUE);
        attributes.write(place.to, place.name, FileType::Directory)?;
        Ok(true)
    }

    fn keep(&mut self, place: &Place<'_>, stat: &Stat, mut attributes: Attributes) -> Result<()> {
        // On a base with the same UUID and other inode numbers the origin names an unrelated file, whose content
        // overlayfs would serve. All other marks of a file belong to options that are off.
        attributes.xattrs.retain(|(name, _)| !is_overlay_mark(name));
        if stat.st_nlink > 1 && Kind::of(stat) != Kind::Whiteout {
            if let Some(first) = self.links.get(&stat.st_ino) {
                if let (Some(dir), Some(name)) = (self.new.down(parent(first))?, file_name(first)) {
                    return copy::link(&dir, &name, place.to, place.name);
                }
            }
            self.links.insert(stat.st_ino, place.path.to_path_buf());
        }
        copy::entry(place.from, place.to, place.name, stat, &attributes, self.progress)
    }

    fn is_same(place: &Place<'_>, stat: &Stat, attributes: &Attributes, base: &Stat) -> Result<bool> {
        let Some(base_dir) = place.base else { return Ok(false) };
        let kind = Kind::of(stat);
        if kind != Kind::of(base) || stat.st_size != base.st_size || stat.st_rdev != base.st_rdev {
            return Ok(false);
        }
        if !attributes.same_as(&Attributes::read(base_dir, place.name, base)?) {
            return Ok(false);
        }
        match kind {
            Kind::File => {
                let (ours, theirs) = (place.from.file(place.name)?, base_dir.file(place.name)?);
                copy::same_content(&ours, &theirs).reading(base_dir.path_of(place.name))
            }
            Kind::Symlink => {
                let link = |dir: &Dir| {
                    rustix::fs::readlinkat(dir, place.name, Vec::new()).reading(dir.path_of(place.name))
                };
                Ok(link(place.from)? == link(base_dir)?)
            }
            Kind::Directory => Ok(false),
            Kind::Whiteout | Kind::Special => Ok(stat.st_mode == base.st_mode),
        }
    }
}

/// Where an entry is: in the source, in the new layer, in the base (if its directory is one there).
struct Place<'a> {
    from: &'a Dir,
    to: &'a Dir,
    base: Option<&'a Dir>,
    name: &'a CStr,
    path: &'a Path,
    depth: usize,
}

impl Place<'_> {
    fn base_dir(&self) -> Result<Option<Dir>> {
        match self.base {
            Some(base) => base.sub_if_there(self.name),
            None => Ok(None),
        }
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn file_name(path: &Path) -> Option<CString> {
    CString::new(path.file_name()?.as_bytes()).ok()
}
