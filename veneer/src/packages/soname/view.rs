//! The new /usr before it is mounted: the layer's entries over the base's. Symlinks are followed as path_resolution(7) has
//! it, as long as they stay below /usr.

use std::collections::VecDeque;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use crate::error::{At as _, Result};
use crate::order;
use crate::packages::{Keys, below_usr};
use crate::tree::{Dir, Kind, split};

/// How many symlinks are followed.
const LINK_LIMIT: u32 = 40;

/// Paths, a number each: all that grows with a layer while it is judged.
type Numbers = Vec<u64>;

/// What becomes of the entries of a layer that is being judged. What goes is remembered, not what stays: it is less.
pub(crate) struct Goes {
    keys: Keys,
    gone: Numbers,
    hidden: Numbers,
    adopted: Numbers,
}

impl Goes {
    /// Nothing.
    pub(crate) fn nothing() -> Self {
        Goes { keys: Keys::random(), gone: Numbers::new(), hidden: Numbers::new(), adopted: Numbers::new() }
    }

    /// The layer's entry at `path`, and what is below it, does not go along.
    pub(crate) fn leave(&mut self, path: &Path) {
        self.gone.push(self.keys.of(path));
    }

    /// The base's entry at `path` is hidden.
    pub(crate) fn hide(&mut self, path: &Path) {
        self.hidden.push(self.keys.of(path));
    }

    /// The old base's entry at `path` will be copied.
    pub(crate) fn adopt(&mut self, path: &Path) {
        self.adopted.push(self.keys.of(path));
    }

    /// That was all.
    pub(crate) fn rest(mut self) -> Stays {
        for numbers in [&mut self.gone, &mut self.hidden, &mut self.adopted] {
            // Many, and only for the command: without the memory that `order` takes.
            numbers.sort_unstable();
        }
        Stays(self)
    }
}

/// What is left of a layer that was judged, and not derived yet.
pub(crate) struct Stays(Goes);

impl Stays {
    fn adopts(&self, path: &Path) -> bool {
        self.0.adopted.binary_search(&self.0.keys.of(path)).is_ok()
    }

    pub(super) fn keeps(&self, path: &Path) -> bool {
        !self.has(&self.0.gone, path)
    }

    fn hides(&self, path: &Path) -> bool {
        self.has(&self.0.hidden, path)
    }

    /// True if it is one of these, or below one.
    fn has(&self, numbers: &Numbers, path: &Path) -> bool {
        path.ancestors().any(|part| numbers.binary_search(&self.0.keys.of(part)).is_ok())
    }
}

/// See the module.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// The layer's; `None` for the bare base.
    pub(crate) upper: Option<&'a Dir>,
    /// What of it counts; `None` for a derived layer: all.
    pub(crate) stays: Option<&'a Stays>,
    /// The base's.
    pub(crate) usr: &'a Dir,
}

/// Where a path leads.
pub(super) enum Found {
    /// To this file, which is the layer's own or not.
    File { path: PathBuf, file: File, mine: bool },
    /// To nothing.
    Nothing,
    /// Out of /usr, or to something that cannot be looked at.
    Unknown,
}

/// Where a path leads, whatever is there.
enum Resolved {
    Entry(PathBuf, Entry),
    Nothing,
    Outside,
}

/// One entry.
struct Entry {
    dir: Dir,
    name: CString,
    kind: Kind,
    mine: bool,
}

impl View<'_> {
    /// The file that a path below /usr leads to in the end.
    pub(super) fn find(&self, path: &Path) -> Result<Found> {
        Ok(match self.resolve(path)? {
            Resolved::Entry(path, entry) if entry.kind == Kind::File => {
                Found::File { path, file: entry.dir.file(&entry.name)?, mine: entry.mine }
            }
            Resolved::Entry(..) | Resolved::Nothing => Found::Nothing,
            Resolved::Outside => Found::Unknown,
        })
    }

    /// The real path of a directory; `None` if it is none, or not below /usr.
    pub(super) fn directory(&self, path: &Path) -> Result<Option<PathBuf>> {
        Ok(match self.resolve(path)? {
            Resolved::Entry(path, entry) if entry.kind == Kind::Directory => Some(path),
            _ => None,
        })
    }

    fn resolve(&self, path: &Path) -> Result<Resolved> {
        let mut todo = parts(path);
        let mut done = PathBuf::new();
        let mut links = 0;
        while let Some(part) = todo.pop_front() {
            if part == ".." {
                if !done.pop() {
                    return Ok(Resolved::Outside);
                }
                continue;
            }
            done.push(&part);
            let Some(entry) = self.entry(&done)? else {
                // What is copied is good enough: it is what was there before.
                let is_adopted = self.stays.is_some_and(|stays| stays.adopts(&done));
                return Ok(if is_adopted { Resolved::Outside } else { Resolved::Nothing });
            };
            if entry.kind != Kind::Symlink {
                if todo.is_empty() {
                    return Ok(Resolved::Entry(done, entry));
                }
                continue;
            }
            links += 1;
            if links > LINK_LIMIT {
                return Ok(Resolved::Nothing);
            }
            let target = rustix::fs::readlinkat(&entry.dir, &entry.name, Vec::new());
            let target = target.reading(entry.dir.path_of(&entry.name))?.into_bytes();
            let mut rest = if target.starts_with(b"/") {
                done.clear();
                let Some(below) = below_usr(&target) else { return Ok(Resolved::Outside) };
                parts(below)
            } else {
                done.pop();
                parts(Path::new(OsStr::from_bytes(&target)))
            };
            rest.append(&mut todo);
            todo = rest;
        }
        // `..` came last.
        Ok(Resolved::Nothing)
    }

    /// The names in a directory of either tree, sorted.
    pub(super) fn names(&self, dir: &Path) -> Result<Vec<CString>> {
        let mut names = Vec::new();
        for tree in self.upper.into_iter().chain([self.usr]) {
            if let Some(dir) = tree.down(dir)? {
                dir.each_name(|name, _| names.push(name.to_owned()))?;
            }
        }
        order::sort(&mut names);
        names.dedup();
        Ok(names)
    }

    fn entry(&self, path: &Path) -> Result<Option<Entry>> {
        let Some((parent, name)) = split(path) else { return Ok(None) };
        let Some(upper) = self.upper else { return look(self.usr, parent, name, false) };
        match self.stays {
            Some(stays) => {
                let mine = if stays.keeps(path) { look(upper, parent, name.clone(), true)? } else { None };
                match mine.filter(|entry| entry.kind != Kind::Whiteout) {
                    None if !stays.hides(path) => look(self.usr, parent, name, false),
                    mine => Ok(mine),
                }
            }
            None => match look(upper, parent, name.clone(), true)? {
                Some(entry) => Ok(Some(entry).filter(|entry| entry.kind != Kind::Whiteout)),
                None if is_covered(upper, parent)? => Ok(None),
                None => look(self.usr, parent, name, false),
            },
        }
    }
}

/// The layer's entry at a path, or that of the base.
fn look(tree: &Dir, parent: &Path, name: CString, mine: bool) -> Result<Option<Entry>> {
    let Some(dir) = tree.down(parent)? else { return Ok(None) };
    let kind = dir.stat(&name)?.map(|stat| Kind::of(&stat));
    Ok(kind.map(|kind| Entry { dir, name, kind, mine }))
}

/// True if the layer has something at a path, or above it, that is no directory and so hides what is below it. A derived
/// layer has no opaque directories.
fn is_covered(upper: &Dir, path: &Path) -> Result<bool> {
    for part in path.ancestors() {
        let Some((parent, name)) = split(part) else { return Ok(false) };
        if let Some(dir) = upper.down(parent)? {
            match dir.stat(&name)?.map(|stat| Kind::of(&stat)) {
                Some(Kind::Directory) => return Ok(false),
                Some(_) => return Ok(true),
                None => {}
            }
        }
    }
    Ok(false)
}

fn parts(path: &Path) -> VecDeque<OsString> {
    let part = |part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    };
    path.components().filter_map(part).collect()
}
