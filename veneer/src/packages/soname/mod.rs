//! Whether programs and libraries of a layer still find what they need on a new base: libraries, versions of their symbols,
//! and the loader; and whether a library of the layer, which every program gets, is good enough for the base's own.
//!
//! Package managers check what packages say of each other. This looks at the files themselves: also those that no package
//! brought, and those of packages that do not say enough. At boot only the layer's files are read, and of the base those
//! libraries that they need or stand before.

mod object;
mod search;
#[cfg(test)]
mod tests;
mod told;
mod view;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CStr;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::report::{Problem, ProblemKind};
use crate::tree::Dir;
use object::Object;
use search::{Library, Machine, Search};
use view::Found;

pub(crate) use view::{Goes, View};

/// Different things that are amiss. More of them nobody reads.
const LIMIT: usize = 1000;

/// How much is read of the layer and of what it needs, in steps: forty times what a whole desktop takes, some seconds.
const WORK: u64 = 1 << 26;

/// What else is known.
pub(crate) struct Circumstances<'a> {
    /// The package that a path of the layer belongs to.
    pub(crate) package: &'a dyn Fn(&Path) -> Option<String>,
    /// Files of the base that are hidden, since the layer has another version of their package, and the package.
    pub(crate) replaced: &'a [(PathBuf, String)],
    /// True if there is time to read all programs of the base, to name those that a library of the layer is not enough for.
    pub(crate) thorough: bool,
}

/// Something that is amiss.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// The program's loader is not there.
    Loader(String),
    /// A library is not there.
    Library(String),
    /// A library is there, without a version of its symbols.
    Version { library: String, version: String },
    /// A library of the layer stands before the base's, and lacks a version that that one has.
    Weaker { library: String, version: String },
    /// The base's library is hidden, and the layer's has another name.
    Renamed { library: String },
}

/// Who has it, and where.
#[derive(Debug, Default)]
struct Where {
    first: PathBuf,
    count: usize,
    /// What the base has instead.
    instead: Vec<String>,
    /// Programs of the base that it concerns; `None` if nobody looked.
    users: Option<BTreeSet<PathBuf>>,
}

/// Everything that is amiss, by package (or path, for files of none) and thing.
type Amiss = BTreeMap<(Option<String>, What), Where>;

/// Checks the programs and libraries of the layer on the new /usr, and returns what the user should know. Nothing that goes
/// wrong here is a reason to do without the layer.
pub(crate) fn check(view: View<'_>, known: &Circumstances<'_>) -> Vec<Problem> {
    check_within(view, known, &Cell::new(WORK)).unwrap_or_else(|error| {
        let message = format!("whether programs find their libraries could not be checked: {error}");
        vec![Problem::of_layer(ProblemKind::Limited, message)]
    })
}

fn check_within(view: View<'_>, known: &Circumstances<'_>, work: &Cell<u64>) -> Result<Vec<Problem>> {
    let Some(upper) = view.upper else { return Ok(Vec::new()) };
    let bare = View { upper: None, stays: None, ..view };
    let mut base = Search::new(bare, work)?;
    let (native, whole) = shell(bare, &mut base, work)?;
    let search = Search::new(view, work)?;
    let mut check = Check { search, base, work, native, whole, known, amiss: Amiss::new() };
    object::each(upper, |path, dir, name| {
        if view.stays.is_none_or(|stays| stays.keeps(path)) { check.one(path, dir, name) } else { Ok(()) }
    })?;
    for (path, package) in known.replaced {
        check.replaced(bare, path, package)?;
    }
    if known.thorough {
        check.name_users(view.usr)?;
    }
    Ok(told::problems(check.amiss, work.get() == 0))
}

struct Check<'a> {
    search: Search<'a>,
    /// The bare base.
    base: Search<'a>,
    /// How much more may be read.
    work: &'a Cell<u64>,
    /// The machine that the base is for, if it has a shell to tell by.
    native: Option<Machine>,
    /// False if libraries are also elsewhere than below /usr: what is not there is not missing.
    whole: bool,
    known: &'a Circumstances<'a>,
    amiss: Amiss,
}

impl Check<'_> {
    /// A file of the layer.
    fn one(&mut self, path: &Path, dir: &Dir, name: &CStr) -> Result<()> {
        // A file that cannot be opened is one that nobody starts.
        let file = dir.file(name).ok();
        let Some(object) = file.and_then(|file| Object::read(&file, self.work)) else { return Ok(()) };
        if !self.runs_here(object.header.machine) {
            return Ok(());
        }
        if let Some(loader) = object.header.loader.as_ref().filter(|_| self.whole) {
            let below = crate::packages::below_usr(loader.as_os_str().as_encoded_bytes());
            let is_missing = match below {
                Some(below) => matches!(self.search.find(below)?, Found::Nothing),
                None => false,
            };
            if is_missing {
                self.note(path, What::Loader(loader.display().to_string()), |_| Ok(Vec::new()))?;
            }
        }
        for library in &object.dynamic.needed {
            let found = self.search.needed_by(path, &object, library)?;
            match &*found {
                Library::Missing if !self.whole => {}
                Library::Missing => {
                    self.note(path, What::Library(library.clone()), |search| search.instead_of(library))?;
                }
                Library::Unknown => {}
                Library::There { defines, .. } => {
                    let needed = object.dynamic.versions.iter().filter(|needed| needed.library == *library);
                    // A library without versions has all that anybody asks for.
                    for needed in needed.filter(|n| !defines.is_empty() && !defines.contains(&n.version)) {
                        let (library, version) = (library.clone(), needed.version.clone());
                        let what = What::Version { library, version: version.clone() };
                        self.note(path, what, |_| Ok(latest(defines, &version).into_iter().collect()))?;
                    }
                }
            }
        }
        self.stands_before(path, &object)
    }

    /// A library where every program looks for them: does the base have one of this name?
    fn stands_before(&mut self, path: &Path, object: &Object) -> Result<()> {
        let is_for_all = self.search.is_for_all(path.parent().unwrap_or(Path::new("")));
        let name = object.dynamic.soname.as_deref().or_else(|| path.file_name()?.to_str());
        let (true, Some(name)) = (is_for_all, name) else { return Ok(()) };
        let machine = object.header.machine;
        let ours = self.search.everywhere(machine, name)?;
        let Library::There { mine: true, defines, path: ours, .. } = &*ours else { return Ok(()) };
        if ours != path || defines.is_empty() {
            return Ok(());
        }
        let theirs = self.base.everywhere(machine, name)?;
        let Library::There { defines: theirs, .. } = &*theirs else { return Ok(()) };
        for version in theirs.difference(defines) {
            let what = What::Weaker { library: name.to_owned(), version: version.clone() };
            self.note(path, what, |_| Ok(Vec::new()))?;
        }
        Ok(())
    }

    /// A file of the base that is hidden, since its package is there in another version.
    fn replaced(&mut self, bare: View<'_>, path: &Path, package: &str) -> Result<()> {
        if !self.base.is_for_all(path.parent().unwrap_or(Path::new(""))) {
            return Ok(());
        }
        let Found::File { file, .. } = bare.find(path)? else { return Ok(()) };
        let Some(object) = Object::read(&file, self.work) else { return Ok(()) };
        let Some(name) = object.dynamic.soname else { return Ok(()) };
        if matches!(*self.search.everywhere(object.header.machine, &name)?, Library::Missing) {
            let instead = self.search.instead_of(&name)?;
            let key = (Some(package.to_owned()), What::Renamed { library: name });
            if self.amiss.len() < LIMIT || self.amiss.contains_key(&key) {
                self.amiss.entry(key).or_insert(Where { first: path.into(), count: 1, instead, users: None });
            }
        }
        Ok(())
    }

    /// Looks for programs of the base that a library of the layer is not enough for. What nobody needs is not amiss.
    fn name_users(&mut self, usr: &Dir) -> Result<()> {
        let mut asked: BTreeMap<(String, Option<String>), BTreeSet<PathBuf>> = BTreeMap::new();
        for (_, what) in self.amiss.keys() {
            match what {
                What::Weaker { library, version } => {
                    asked.insert((library.clone(), Some(version.clone())), BTreeSet::new());
                }
                What::Renamed { library } => drop(asked.insert((library.clone(), None), BTreeSet::new())),
                What::Loader(_) | What::Library(_) | What::Version { .. } => {}
            }
        }
        if asked.is_empty() {
            return Ok(());
        }
        let search = &self.search;
        // The base is no stranger's.
        let work = Cell::new(u64::MAX);
        object::each(usr, |path, dir, name| {
            // What the layer has another file for is not the base's any more.
            let is_there = matches!(search.find(path)?, Found::File { mine: false, .. });
            let object = dir.file(name).ok().filter(|_| is_there).and_then(|file| Object::read(&file, &work));
            let Some(Object { dynamic, .. }) = object else { return Ok(()) };
            let libraries = dynamic.needed.into_iter().map(|library| (library, None));
            let versions = dynamic.versions.into_iter().map(|needed| (needed.library, Some(needed.version)));
            for key in libraries.chain(versions) {
                if let Some(users) = asked.get_mut(&key) {
                    users.insert(path.to_path_buf());
                }
            }
            Ok(())
        })?;
        for ((_, what), place) in &mut self.amiss {
            let key = match what {
                What::Weaker { library, version } => (library.clone(), Some(version.clone())),
                What::Renamed { library } => (library.clone(), None),
                What::Loader(_) | What::Library(_) | What::Version { .. } => continue,
            };
            place.users = asked.get(&key).cloned();
        }
        self.amiss.retain(|_, place| place.users.as_ref().is_none_or(|users| !users.is_empty()));
        Ok(())
    }

    /// Notes what is amiss with a file of the layer; `instead` is asked once for each thing.
    fn note(
        &mut self,
        path: &Path,
        what: What,
        instead: impl FnOnce(&mut Search<'_>) -> Result<Vec<String>>,
    ) -> Result<()> {
        let key = ((self.known.package)(path), what);
        if let Some(place) = self.amiss.get_mut(&key) {
            place.count += 1;
        } else if self.amiss.len() < LIMIT {
            let instead = instead(&mut self.search)?;
            self.amiss.insert(key, Where { first: path.to_path_buf(), count: 1, instead, users: None });
        }
        Ok(())
    }

    /// False for another kind of machine's files: what a cross compiler has.
    fn runs_here(&self, machine: Machine) -> bool {
        let of = |machine: Machine| u16::from_le_bytes([machine[2], machine[3]]);
        // 64-bit processors that run programs of the 32-bit ones before them: x86, Arm.
        self.native.is_none_or(|native| {
            native == machine || matches!((of(native), of(machine)), (62, 3 | 62) | (183, 40))
        })
    }
}

/// What the base's shell tells: the kind of machine, and whether the base has its libraries below /usr.
fn shell(bare: View<'_>, base: &mut Search<'_>, work: &Cell<u64>) -> Result<(Option<Machine>, bool)> {
    let Found::File { path, file, .. } = bare.find(Path::new("bin/sh"))? else { return Ok((None, true)) };
    let Some(shell) = Object::read(&file, work) else { return Ok((None, true)) };
    for library in &shell.dynamic.needed {
        if matches!(*base.needed_by(&path, &shell, library)?, Library::Missing) {
            return Ok((Some(shell.header.machine), false));
        }
    }
    Ok((Some(shell.header.machine), true))
}

/// Of the versions that have the same beginning as one that is missing, `GLIBC_2.42`, the last.
fn latest(defines: &BTreeSet<String>, version: &str) -> Option<String> {
    let start = version.find(|c: char| c.is_ascii_digit()).map_or(version, |at| &version[..at]);
    let numbers = |version: &str| -> Option<Vec<u32>> {
        version.strip_prefix(start)?.split('.').map(|part| part.parse().ok()).collect()
    };
    defines
        .iter()
        .filter_map(|version| Some((numbers(version)?, version)))
        .max()
        .map(|(_, found)| found.clone())
}
