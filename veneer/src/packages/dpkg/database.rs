//! dpkg's database as files: what of it the layer holds, what the base has, and the new one written.

use std::collections::{BTreeSet, HashSet};
use std::ffi::{CStr, CString};
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::compose::{Composition, compose};
use super::lines;
use super::status::{Name, Stanza, parse_status};
use crate::error::{At as _, Error, Result};
use crate::packages::{Composed, DATABASES, Files, Manager, Owner};
use crate::tree::Dir;

/// The base's status file in a layer's record.
pub const RECORD: &CStr = c"dpkg-status";

/// Three thousand packages are about 4 MiB.
const STATUS_LIMIT: u64 = 8 * 1024 * 1024;
const LIST_LIMIT: u64 = 4 * 1024 * 1024;
/// The whole Debian archive has three times as many.
const PACKAGE_LIMIT: usize = 20_000;
/// Three thousand packages have about 350 000 paths, in lists of 30 MiB.
const PATH_LIMIT: usize = 1_000_000;
const LISTS_LIMIT: u64 = 256 * 1024 * 1024;
/// Diversions, overrides and triggers have a line or three for each.
const LINES_LIMIT: u64 = 1024 * 1024;
/// The files beside the status are a few kilobytes; they are in memory until the tree is done.
const FILES_LIMIT: usize = 8 * 1024 * 1024;

/// What a rebase does to dpkg's database and the files that it knows. Paths are below /usr.
#[derive(Debug)]
pub struct Change {
    /// The database's directory in the new base; `None` if that has no database.
    dir: Option<PathBuf>,
    /// The database's directory in the layer.
    old_dir: PathBuf,
    composition: Composition,
    kept: Paths,
    gone: Paths,
    returned: Paths,
    /// The new database's files, by path below its directory.
    files: Vec<NewFile>,
}

/// A file of the new database.
#[derive(Debug)]
struct NewFile {
    /// Below the database's directory.
    path: PathBuf,
    content: Vec<u8>,
    mode: u32,
}

impl Change {
    fn stranded(old_dir: PathBuf) -> Self {
        let nothing = Paths::default;
        let composition = Composition::default();
        let (kept, gone, returned) = (nothing(), nothing(), nothing());
        Change { dir: None, old_dir, composition, kept, gone, returned, files: Vec::new() }
    }

    /// If the new base has its database elsewhere, what describes kept packages goes there.
    fn move_descriptions(&mut self, layer: &Dir) -> Result<()> {
        let Some(info) = layer.sub_if_there(c"info")? else { return Ok(()) };
        if self.dir.as_ref() == Some(&self.old_dir) {
            return Ok(());
        }
        let mut sum = 0;
        for name in info.names()? {
            let file = name.to_string_lossy();
            if !self.describes_kept(&file) {
                continue;
            }
            let (stat, content) = (info.stat(&name)?, info.read(&name, LIST_LIMIT)?);
            if let (Some(stat), Some(content)) = (stat, content) {
                sum += content.len();
                check_sum(sum, &info, &name)?;
                let path = Path::new("info").join(&*file);
                self.files.push(NewFile { path, content, mode: stat.st_mode & 0o777 });
            }
        }
        Ok(())
    }

    /// As all package managers give it.
    #[must_use]
    pub fn into_common(self) -> crate::packages::Change {
        let problems = self.composition.problems.clone();
        crate::packages::Change::new(Files::nothing(), Vec::new(), Box::new(self), problems)
    }

    /// What becomes of the packages.
    #[must_use]
    pub fn composition(&self) -> &Composition {
        &self.composition
    }

    /// True if a package that stays owns the path.
    #[must_use]
    pub fn is_kept(&self, path: &Path) -> bool {
        self.kept.has(path)
    }

    /// True if the path belongs to packages whose files in the layer go, and to none that stays.
    #[must_use]
    pub fn is_gone(&self, path: &Path) -> bool {
        self.gone.has(path) && !self.kept.has(path)
    }

    /// True if the path belongs to a package of the base that is back.
    #[must_use]
    pub fn is_returned(&self, path: &Path) -> bool {
        self.returned.has(path)
    }

    /// True for the layer's database if the new base has none to compose it with.
    #[must_use]
    pub fn is_stranded(&self, path: &Path) -> bool {
        self.dir.is_none() && path == self.old_dir
    }

    /// True if the layer's copy at `path` is a file of the database that [`write`] makes anew or that must not hide
    /// the base's. `alternatives/` is left to the rules for files.
    #[must_use]
    pub fn owns(&self, path: &Path) -> bool {
        let (Some(dir), Ok(below)) = (&self.dir, path.strip_prefix(&self.old_dir)) else { return false };
        if *dir != self.old_dir {
            return true;
        }
        if below.starts_with("alternatives") {
            return false;
        }
        match below.strip_prefix("info") {
            // The description of a kept package, unless the base has a file of that very name.
            Ok(file) => !file.as_os_str().to_str().is_some_and(|file| self.describes_kept(file)),
            Err(_) => true,
        }
    }

    fn describes_kept(&self, info_file: &str) -> bool {
        let stem = info_file.rsplit_once('.').map_or(info_file, |(stem, _)| stem);
        let (package, arch) = stem.split_once(':').unwrap_or((stem, ""));
        if arch.is_empty() {
            return lines::has_package(&self.composition.kept, package);
        }
        self.composition.kept.contains(&Name { package: package.to_owned(), arch: arch.to_owned() })
    }
}

impl Composed for Change {
    fn owner(&self, path: &Path) -> Option<Owner> {
        Some(match path {
            _ if self.is_stranded(path) => Owner::Stranded,
            _ if self.owns(path) => Owner::Database,
            _ if self.is_kept(path) => Owner::Kept,
            _ if self.is_gone(path) => Owner::Gone,
            _ if self.is_returned(path) => Owner::Returned,
            _ => Owner::Nobody,
        })
    }

    fn write(&self, upper: &Dir, _: &Dir) -> Result<()> {
        write(self, upper)
    }
}

/// Copies what judging will need of the base into a layer's record.
pub fn record(usr: &Dir, record: &Dir) -> Result<()> {
    let Some((_, dir)) = find(usr)? else { return Ok(()) };
    let Some(status) = dir.read(c"status", STATUS_LIMIT)? else { return Ok(()) };
    record.remove_file(RECORD)?;
    record.create(RECORD, 0o600)?.write_all(&status).writing(record.path_of(RECORD))
}

/// Works out what a rebase of `upper` (with the record of its base) to the base at `usr` does to the packages; `None`
/// if the layer did not touch dpkg's database, or the base has none to compose.
pub fn read_change(upper: &Dir, old_record: Option<&Dir>, usr: &Dir) -> Result<Option<Change>> {
    let Some((old_dir, layer)) = find(upper)? else { return Ok(None) };
    let Some(status) = stanzas(&layer, c"status")? else { return Ok(None) };
    let Some((dir, base)) = find(usr)? else { return Ok(Some(Change::stranded(old_dir))) };
    let old = match old_record {
        Some(record) => stanzas(record, RECORD)?,
        None => None,
    };
    let base_status = stanzas(&base, c"status")?.unwrap_or_default();

    let in_layer = |name: &Name| {
        let mut found = false;
        // A list that cannot be read names nothing.
        let read = each_path(&layer, name, |path| found = found || is_file(upper, path));
        read.is_ok() && found
    };
    let composition = compose(old.as_deref(), &status, &base_status, in_layer);
    drop((old, status, base_status));

    let mut gone = Paths::default();
    gone.add(&layer, &composition.gone)?;
    gone.add(&base, &composition.gone)?;
    let (mut kept, mut returned) = (Paths::default(), Paths::default());
    kept.add(&layer, &composition.kept)?;
    returned.add(&base, &composition.returned)?;
    let files = files(&base, &layer, &composition)?;
    let mut change = Change { dir: Some(dir), old_dir, composition, kept, gone, returned, files };
    change.move_descriptions(&layer)?;
    Ok(Some(change))
}

/// Writes the new database into the new layer's upper directory, where it differs from the base's.
pub fn write(change: &Change, upper: &Dir) -> Result<()> {
    let Some(database) = &change.dir else { return Ok(()) };
    for NewFile { path, content, mode } in &change.files {
        let dir = upper.ensure_down(&database.join(path.parent().unwrap_or(Path::new(""))))?;
        let name = path.file_name().unwrap_or_default().as_bytes();
        let name = CString::new(name).map_err(std::io::Error::from).writing(path)?;
        dir.remove_file(&name)?;
        let mut file = dir.create(&name, *mode)?;
        rustix::fs::fchmod(&file, rustix::fs::Mode::from_raw_mode(*mode)).writing(dir.path_of(&name))?;
        file.write_all(content).writing(dir.path_of(&name))?;
    }
    Ok(())
}

/// The first of dpkg's places below `usr` that there is.
fn find(usr: &Dir) -> Result<Option<(PathBuf, Dir)>> {
    for database in DATABASES.iter().filter(|database| database.manager == Manager::Dpkg) {
        if let Some(dir) = usr.down(Path::new(database.dir))? {
            return Ok(Some((database.dir.into(), dir)));
        }
    }
    Ok(None)
}

fn text(dir: &Dir, name: &CStr, limit: u64) -> Result<Option<String>> {
    let bytes = dir.read(name, limit)?;
    // Without a second copy where all is as it should be.
    let text = |bytes| {
        String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
    };
    Ok(bytes.map(text))
}

/// The files of the new database that are not simply the base's.
fn files(base: &Dir, layer: &Dir, composition: &Composition) -> Result<Vec<NewFile>> {
    let mut files = Vec::new();
    let mut add = |path: PathBuf, old: Option<String>, new: String| {
        if old.as_deref().unwrap_or_default() != new {
            files.push(NewFile { path, content: new.into_bytes(), mode: 0o644 });
        }
    };
    // Without a package of the user's the base's own file says it all, in its own spelling.
    if !composition.kept.is_empty() || composition.status.is_empty() {
        let old = text(base, c"status", STATUS_LIMIT)?;
        add("status".into(), old, composition.status.clone());
    }
    let both = |base: &Dir, layer: &Dir, name: &CStr| -> Result<Option<(Option<String>, String)>> {
        let theirs = text(layer, name, LINES_LIMIT)?;
        Ok(theirs.map(|theirs| (text(base, name, LINES_LIMIT).unwrap_or_default(), theirs)))
    };
    if let Some((ours, theirs)) = both(base, layer, c"diversions")? {
        let new = lines::diversions(ours.as_deref().unwrap_or_default(), &theirs, &composition.kept);
        add("diversions".into(), ours, new);
    }
    for name in [c"statoverride", c"arch"] {
        if let Some((ours, theirs)) = both(base, layer, name)? {
            let new = lines::union(ours.as_deref().unwrap_or_default(), &theirs);
            add(name.to_string_lossy().into_owned().into(), ours, new);
        }
    }
    if let Some(triggers) = layer.sub_if_there(c"triggers")? {
        let ours = base.sub_if_there(c"triggers")?;
        let mut sum = 0;
        for name in triggers.names()? {
            // Lock, and what waits to be done on the old base.
            if matches!(name.to_bytes(), b"Lock" | b"Unincorp") {
                continue;
            }
            let Some(theirs) = text(&triggers, &name, LINES_LIMIT)? else { continue };
            let old = match &ours {
                Some(dir) => text(dir, &name, LINES_LIMIT)?,
                None => None,
            };
            let new = lines::triggers(old.as_deref().unwrap_or_default(), &theirs, &composition.kept);
            sum += new.len();
            check_sum(sum, &triggers, &name)?;
            add(Path::new("triggers").join(name.to_string_lossy().as_ref()), old, new);
        }
    }
    Ok(files)
}

/// Refuses the file with which the files that are held in memory get too many.
fn check_sum(sum: usize, dir: &Dir, name: &CStr) -> Result<()> {
    if sum > FILES_LIMIT {
        let what = format!("larger than {FILES_LIMIT} bytes with all others of its kind");
        return Err(Error::Damaged { path: dir.path_of(name), what });
    }
    Ok(())
}

/// The stanzas of a status file.
fn stanzas(dir: &Dir, name: &CStr) -> Result<Option<Vec<Stanza>>> {
    let Some(text) = text(dir, name, STATUS_LIMIT)? else { return Ok(None) };
    let stanzas = parse_status(&text);
    if stanzas.len() > PACKAGE_LIMIT {
        let what = format!("it lists more than {PACKAGE_LIMIT} packages");
        return Err(Error::Damaged { path: dir.path_of(name), what });
    }
    Ok(Some(stanzas))
}

/// The paths that packages own. A release upgrade goes through hundreds of thousands of them, in an initramfs: only a
/// keyed 64-bit hash of each is kept, so that two of them are taken for one in less than one of a million rebases.
#[derive(Debug, Default)]
struct Paths {
    keys: RandomState,
    hashes: HashSet<u64>,
    /// How many bytes of lists were read.
    read: u64,
}

impl Paths {
    fn has(&self, path: &Path) -> bool {
        self.hashes.contains(&self.keys.hash_one(path))
    }

    fn add(&mut self, database: &Dir, names: &BTreeSet<Name>) -> Result<()> {
        for name in names {
            let (keys, hashes) = (&self.keys, &mut self.hashes);
            self.read += each_path(database, name, |path| {
                hashes.insert(keys.hash_one(path));
            })?;
            if self.hashes.len() > PATH_LIMIT || self.read > LISTS_LIMIT {
                let what = format!("its packages list more than {PATH_LIMIT} files or {LISTS_LIMIT} bytes");
                return Err(Error::Damaged { path: database.path_of(c"info"), what });
            }
        }
        Ok(())
    }
}

/// Shows `see` the paths below /usr that a package's list file names, and returns the length of that file in bytes.
fn each_path(database: &Dir, name: &Name, mut see: impl FnMut(&Path)) -> Result<u64> {
    let Some(info) = database.sub_if_there(c"info")? else { return Ok(0) };
    for file in [format!("{}:{}.list", name.package, name.arch), format!("{}.list", name.package)] {
        let Ok(file) = CString::new(file) else { continue };
        if file.to_bytes().contains(&b'/') {
            continue;
        }
        if let Some(bytes) = info.read(&file, LIST_LIMIT)? {
            bytes.split(|b| *b == b'\n').filter_map(below_usr).for_each(|path| see(&path));
            return Ok(bytes.len() as u64);
        }
    }
    Ok(0)
}

/// `/usr/bin/x` and, on a merged /usr, `/bin/x` are both `bin/x`; what is elsewhere is not the layer's.
fn below_usr(path: &[u8]) -> Option<PathBuf> {
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let below = path.strip_prefix("/").ok()?;
    let mut parts = below.iter();
    let first = parts.next()?;
    let rest = parts.as_path();
    match first.as_bytes() {
        b"usr" if !rest.as_os_str().is_empty() => Some(rest.to_path_buf()),
        b"bin" | b"sbin" | b"lib" | b"lib64" | b"lib32" | b"libx32" => Some(below.to_path_buf()),
        _ => None,
    }
}

fn is_file(upper: &Dir, path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| CString::new(name.as_bytes()).ok()) else {
        return false;
    };
    let parent = path.parent().unwrap_or(Path::new(""));
    let stat = upper.down(parent).ok().flatten().and_then(|dir| dir.stat(&name).ok().flatten());
    stat.is_some_and(|stat| {
        !matches!(crate::tree::Kind::of(&stat), crate::tree::Kind::Directory | crate::tree::Kind::Whiteout)
    })
}
