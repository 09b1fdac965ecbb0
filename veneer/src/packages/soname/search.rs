//! Where the loader looks for a library (ld.so(8)), on the new /usr. What it finds in places that this does not know, those
//! of /etc/ld.so.conf above all, counts as found if it is anywhere: a false alarm is worse than a second look.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::object::Object;
use super::view::{Found, View};
use crate::error::Result;
use crate::packages::below_usr;

/// Directories of libraries, below /usr. Those of one machine, `lib/x86_64-linux-gnu`, are found by their form.
const DIRECTORIES: [&str; 7] = ["local/lib", "local/lib64", "lib", "lib64", "lib32", "libx32", "local/lib32"];
/// Directories of `lib` that are looked into for a library that is not where libraries are, and how deep.
const SUBDIRECTORIES: usize = 20_000;
const DEPTH: usize = 3;
/// Names of libraries that are remembered.
const LIMIT: usize = 20_000;
/// Bytes that may be remembered of libraries: where they are, and which versions they have.
const MEMORY: usize = 8 << 20;

/// A kind of machine.
pub(super) type Machine = [u8; 4];

/// What became of looking for a library.
#[derive(Debug)]
pub(super) enum Library {
    /// This one.
    There {
        /// Where it is.
        path: PathBuf,
        /// True if it is the layer's.
        mine: bool,
        /// The versions of symbols that it has.
        defines: BTreeSet<String>,
    },
    /// It is not where libraries are, but there may be another way to it.
    Unknown,
    /// It is nowhere.
    Missing,
}

/// See the module.
pub(super) struct Search<'a> {
    view: View<'a>,
    /// How much more may be read.
    work: &'a Cell<u64>,
    directories: Vec<PathBuf>,
    found: HashMap<(Machine, PathBuf), Rc<Library>>,
    /// How many bytes more may be remembered.
    memory: usize,
    /// Names in the directories of libraries; `None` until they are asked for.
    sonames: Option<BTreeSet<String>>,
    /// Names of all that may be libraries elsewhere; `None` until it is asked for.
    elsewhere: Option<BTreeSet<Vec<u8>>>,
}

impl<'a> Search<'a> {
    /// On this /usr, as long as there is `work` left.
    pub(super) fn new(view: View<'a>, work: &'a Cell<u64>) -> Result<Self> {
        let mut directories = Vec::new();
        let mut add = |path: &Path| -> Result<()> {
            if let Some(path) = view.directory(path)?.filter(|path| !directories.contains(path)) {
                directories.push(path);
            }
            Ok(())
        };
        for dir in ["local/lib", "lib"] {
            for name in view.names(Path::new(dir))? {
                // A triplet: processor, kernel, kind of C library.
                if name.to_bytes().split(|b| *b == b'-').nth(1) == Some(b"linux") {
                    add(&Path::new(dir).join(OsStr::from_bytes(name.to_bytes())))?;
                }
            }
        }
        for dir in DIRECTORIES {
            add(Path::new(dir))?;
        }
        let (found, memory) = (HashMap::new(), MEMORY);
        Ok(Search { view, work, directories, found, memory, sonames: None, elsewhere: None })
    }

    /// The file that a path leads to.
    pub(super) fn find(&self, path: &Path) -> Result<Found> {
        self.view.find(path)
    }

    /// True for a directory in which every program looks for libraries.
    pub(super) fn is_for_all(&self, dir: &Path) -> bool {
        self.directories.iter().any(|known| known == dir)
    }

    /// Looks for a library that the object at `path` needs.
    pub(super) fn needed_by(&mut self, path: &Path, object: &Object, name: &str) -> Result<Rc<Library>> {
        let machine = object.header.machine;
        if name.contains('/') {
            return match below_usr(name.as_bytes()) {
                Some(below) => self.at(machine, below.to_path_buf()),
                None => Ok(Rc::new(Library::Unknown)),
            };
        }
        let mut outside = false;
        for dir in &object.dynamic.run_path {
            let Some(dir) = expanded(dir, path) else {
                outside = true;
                continue;
            };
            if let Some(found) = there(self.at(machine, dir.join(name))?) {
                return Ok(found);
            }
        }
        let found = self.everywhere(machine, name)?;
        let is_missing = matches!(*found, Library::Missing);
        Ok(if outside && is_missing { Rc::new(Library::Unknown) } else { found })
    }

    /// Looks for a library where every program does.
    pub(super) fn everywhere(&mut self, machine: Machine, name: &str) -> Result<Rc<Library>> {
        let key = (machine, PathBuf::from(name));
        if let Some(found) = self.found.get(&key) {
            return Ok(Rc::clone(found));
        }
        let mut found = Rc::new(Library::Missing);
        for number in 0..self.directories.len() {
            let library = self.at(machine, self.directories[number].join(name))?;
            match *library {
                Library::There { .. } => {
                    found = library;
                    break;
                }
                Library::Unknown => found = library,
                Library::Missing => {}
            }
        }
        if matches!(*found, Library::Missing) && self.is_elsewhere(name)? {
            found = Rc::new(Library::Unknown);
        }
        self.remember(key, &found);
        Ok(found)
    }

    /// The library at a path, if there is one for this kind of machine.
    fn at(&mut self, machine: Machine, path: PathBuf) -> Result<Rc<Library>> {
        let key = (machine, path);
        if let Some(found) = self.found.get(&key) {
            return Ok(Rc::clone(found));
        }
        let found = match self.view.find(&key.1)? {
            Found::Nothing => Library::Missing,
            Found::Unknown => Library::Unknown,
            Found::File { path, file, mine } => match Object::read(&file, self.work) {
                None => Library::Unknown,
                // The loader goes on to the next directory.
                Some(object) if object.header.machine != machine => Library::Missing,
                Some(object) => Library::There { path, mine, defines: object.dynamic.defines },
            },
        };
        let found = Rc::new(found);
        self.remember(key, &found);
        Ok(found)
    }

    fn remember(&mut self, key: (Machine, PathBuf), found: &Rc<Library>) {
        // A record of each map and set has some words more than the name in it.
        const RECORD: usize = 64;
        let versions = match &**found {
            Library::There { defines, .. } => defines.iter().map(|version| version.len() + RECORD).sum(),
            Library::Unknown | Library::Missing => 0,
        };
        if let Some(left) = self.memory.checked_sub(key.1.as_os_str().len() + RECORD + versions) {
            self.memory = left;
            self.found.insert(key, Rc::clone(found));
        }
    }

    /// Names beside a missing library's that differ in what follows `.so`: what the base has instead.
    pub(super) fn instead_of(&mut self, name: &str) -> Result<Vec<String>> {
        let Some(stem) = name.find(".so").and_then(|at| name.get(..at + 3)) else { return Ok(Vec::new()) };
        let sonames = match self.sonames.take() {
            Some(names) => names,
            None => self.all_sonames()?,
        };
        // `libfoo.so` itself is for compilers.
        let stem = format!("{stem}.");
        let mut instead = Vec::new();
        for other in sonames.range(stem.clone()..).take_while(|other| other.starts_with(&stem)) {
            if other != name && instead.len() < 3 && self.is_a_file(other)? {
                instead.push(other.clone());
            }
        }
        self.sonames = Some(sonames);
        Ok(instead)
    }

    fn is_a_file(&self, name: &str) -> Result<bool> {
        for dir in &self.directories {
            if matches!(self.view.find(&dir.join(name))?, Found::File { .. }) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn all_sonames(&self) -> Result<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for dir in &self.directories {
            for name in self.view.names(dir)? {
                let Ok(name) = name.into_string() else { continue };
                // Of `libfoo.so.1` and `libfoo.so.1.2.3`, the name is the first.
                let version = name.find(".so.").and_then(|at| name.get(at + 4..));
                let is_soname = version.is_some_and(|version| version.len() <= 8 && !version.contains('.'));
                if is_soname && names.len() < LIMIT {
                    names.insert(name);
                }
            }
        }
        Ok(names)
    }

    /// True if a file of this name is somewhere below a directory of libraries, or anywhere in the layer.
    fn is_elsewhere(&mut self, name: &str) -> Result<bool> {
        if self.elsewhere.is_none() {
            self.elsewhere = Some(self.all_names()?);
        }
        Ok(self.elsewhere.as_ref().is_some_and(|names| names.contains(name.as_bytes())))
    }

    fn all_names(&self) -> Result<BTreeSet<Vec<u8>>> {
        let mut names = BTreeSet::new();
        let mut add = |name: &[u8]| {
            if name.windows(3).any(|part| part == b".so") && names.len() < LIMIT {
                names.insert(name.to_vec());
            }
        };
        let mut todo: Vec<(PathBuf, usize)> = self.directories.iter().map(|dir| (dir.clone(), 0)).collect();
        let mut left = SUBDIRECTORIES;
        while let Some((path, depth)) = todo.pop() {
            let Some(dir) = self.view.usr.down(&path)? else { continue };
            dir.each_name(|name, kind| {
                // What is right in a directory of libraries was looked at.
                if depth > 0 {
                    add(name.to_bytes());
                }
                if kind == rustix::fs::FileType::Directory && depth < DEPTH && left > 0 {
                    left -= 1;
                    todo.push((path.join(OsStr::from_bytes(name.to_bytes())), depth + 1));
                }
            })?;
        }
        if let Some(upper) = self.view.upper {
            super::object::each(upper, |path, _, name| {
                let stays = self.view.stays.is_none_or(|stays| stays.keeps(path));
                if stays && !self.is_for_all(path.parent().unwrap_or(Path::new(""))) {
                    add(name.to_bytes());
                }
                Ok(())
            })?;
        }
        Ok(names)
    }
}

/// What is neither missing nor unknown.
fn there(library: Rc<Library>) -> Option<Rc<Library>> {
    matches!(*library, Library::There { .. }).then_some(library)
}

/// A directory of an object's own list, below /usr; `None` if it is elsewhere, or not to be known here (`$LIB`).
fn expanded(dir: &str, path: &Path) -> Option<PathBuf> {
    let origin = path.parent()?.to_str()?;
    let dir = dir.replace("${ORIGIN}", "$ORIGIN");
    let dir = match dir.strip_prefix("$ORIGIN") {
        Some(rest) => format!("/usr/{origin}{rest}"),
        None => dir,
    };
    if dir.contains('$') {
        return None;
    }
    // `..` is for the view; only the first part matters here.
    let below = dir.strip_prefix("/usr/").or_else(|| {
        let below = dir.strip_prefix('/')?;
        ["lib/", "lib64/", "lib32/", "libx32/"]
            .iter()
            .any(|known| format!("{below}/").starts_with(known))
            .then_some(below)
    })?;
    Some(PathBuf::from(below))
}
