//! What the overlay showed on the old base: that one's packages with the layer's own directories over them. Directories of
//! `local/` are merged and hidden by overlayfs like all others, so the layer alone tells what was installed and removed.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::path::Path;

use super::local::{Entry, Local};
use super::split;
use crate::error::Result;
use crate::order;
use crate::packages::{Aliases, Database, Package, See, State};
use crate::tree::{Dir, is_opaque};

/// See the module.
#[derive(Debug)]
pub struct Layer {
    packages: Vec<Package>,
    /// For each package the number of its entry in `local`, if the upper tree has all of its description.
    own: Vec<Option<usize>>,
    local: Option<Local>,
    /// Names of packages of the old base that the layer hides.
    hidden: BTreeSet<String>,
    aliases: Aliases,
}

impl Layer {
    /// Reads the part of the database that `upper` holds at `place` (`DBPath`, below /usr), over the packages of the old
    /// base, if they are known.
    pub fn open(upper: &Dir, place: &Path, old: Option<&[Package]>, aliases: Aliases) -> Result<Self> {
        let path = place.join("local");
        let local = upper.down(&path)?.map(Local::read).transpose()?;
        let merged = !hides_below(upper, &path)?;
        let mut found: BTreeMap<&str, (Package, Option<usize>)> = BTreeMap::new();
        let entries = local.as_ref().map_or(&[][..], |local| &local.entries);
        let bare = local.as_ref().map_or(&[][..], |local| &local.bare);
        let whiteouts = local.as_ref().map_or(&[][..], |local| &local.hidden);
        let directory = |package: &Package| format!("{}-{}", package.name, package.version);

        let mut shown: BTreeSet<String> = BTreeSet::new();
        for package in old.unwrap_or_default().iter().filter(|_| merged) {
            let name = directory(package);
            if whiteouts.binary_search_by(|hidden| hidden.to_bytes().cmp(name.as_bytes())).is_err() {
                found.insert(&package.name, (package.clone(), None));
                shown.insert(name);
            }
        }
        // Sorted by version: of two directories of one package the later one counts.
        for (number, entry) in entries.iter().enumerate() {
            let mut package = entry.package();
            let merges = shown.contains(&directory(&package));
            if !entry.whole && !merges && old.is_some() {
                package.state = State::Partial;
            }
            found.insert(&entry.desc.name, (package, entry.whole.then_some(number)));
        }
        // pacman writes the description last. Without a list of the old base's, a directory that has none may lie over one
        // that has.
        for directory in bare.iter().filter(|_| old.is_some()) {
            let Some((name, version)) = directory.to_str().ok().and_then(split) else { continue };
            found.entry(name).or_insert_with(|| {
                let (name, version) = (name.to_owned(), version.to_owned());
                (Package { name, version, state: State::Partial, ..Package::default() }, None)
            });
        }
        let name = |directory: &CString| Some(split(directory.to_str().ok()?)?.0.to_owned());
        let hidden = order::set(whiteouts.iter().filter_map(name));
        let (packages, own) = found.into_values().unzip();
        Ok(Layer { packages, own, local, hidden, aliases })
    }

    /// True if the layer has a list of files of its own for the package: it was installed, upgraded or reinstalled there.
    #[must_use]
    pub fn has_own(&self, package: &Package) -> bool {
        self.number(&package.name).is_some_and(|number| self.own[number].is_some())
    }

    /// True if the layer hides a directory of a package of this name.
    #[must_use]
    pub fn hides(&self, package: &Package) -> bool {
        self.hidden.contains(&package.name)
    }

    /// The layer's own entry of a package.
    pub(super) fn entry(&self, number: usize) -> Option<&Entry> {
        self.local.as_ref()?.entries.get((*self.own.get(number)?)?)
    }

    /// The upper tree's `local/`.
    pub(super) fn dir(&self) -> Option<&Dir> {
        self.local.as_ref().map(Local::dir)
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.packages.binary_search_by(|package| package.name.as_str().cmp(name)).ok()
    }
}

impl Database for Layer {
    fn packages(&self) -> &[Package] {
        &self.packages
    }

    fn each_file(&self, number: usize, see: &mut See<'_>) -> Result<()> {
        match (&self.local, self.entry(number)) {
            (Some(local), Some(entry)) => local.each_file(&entry.directory, &self.aliases, see),
            _ => Ok(()),
        }
    }
}

/// True if the layer shows nothing of the old base's directory at `path`: it, or one above it, is opaque.
fn hides_below(upper: &Dir, path: &Path) -> Result<bool> {
    for part in path.ancestors().filter(|part| !part.as_os_str().is_empty()) {
        let Some(dir) = upper.down(part)? else { continue };
        if is_opaque(&dir, c".")? {
            return Ok(true);
        }
    }
    Ok(false)
}
