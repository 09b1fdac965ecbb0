//! A base's database: where it is, and what it has, each package once.

use std::ffi::CStr;
use std::path::{Path, PathBuf};

use super::database_path;
use super::local::{Entry, Local};
use crate::error::Result;
use crate::packages::{Aliases, DATABASES, Database, Manager, Package, See, below_usr};
use crate::tree::Dir;

/// Configuration files below /usr, from which ostree and systemd make those in /etc.
const CONFIGURATION: [&str; 2] = ["etc/pacman.conf", "share/factory/etc/pacman.conf"];
const CONFIGURATION_LIMIT: u64 = 256 * 1024;

/// See the module.
#[derive(Debug)]
pub struct Base {
    local: Option<Local>,
    packages: Vec<Package>,
    aliases: Aliases,
    format: String,
}

impl Base {
    /// Opens the database of the base at `usr` in `place` (`DBPath`), below it. One that is not there is empty.
    pub fn open(usr: &Dir, place: &Path) -> Result<Self> {
        let aliases = Aliases::of(usr)?;
        let Some(local) = usr.down(&place.join("local"))? else {
            return Ok(Base { local: None, packages: Vec::new(), aliases, format: String::new() });
        };
        let format = format_of(usr, place)?.unwrap_or_default();
        let mut local = Local::read(local)?;
        // Of two versions of a package pacman uses the one that it comes across first. The later one is the likelier.
        local.entries.reverse();
        local.entries.dedup_by(|next, kept| next.desc.name == kept.desc.name);
        local.entries.reverse();
        let packages = local.entries.iter().map(Entry::package).collect();
        Ok(Base { local: Some(local), packages, aliases, format })
    }

    /// Where packages' paths really are.
    #[must_use]
    pub fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// The format that it says it has; empty if it says none.
    #[must_use]
    pub fn format(&self) -> &str {
        &self.format
    }

    /// The entry of a package.
    pub(super) fn entry(&self, number: usize) -> Option<&Entry> {
        self.local.as_ref()?.entries.get(number)
    }

    /// Its `local/`.
    pub(super) fn dir(&self) -> Option<&Dir> {
        self.local.as_ref().map(Local::dir)
    }

    /// The text of a package's `desc`.
    pub(super) fn desc_text(&self, directory: &CStr) -> Result<Option<String>> {
        self.local.as_ref().map_or(Ok(None), |local| local.desc_text(directory))
    }
}

impl Database for Base {
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

/// The format that the database in `place` says it has; `None` if it says none there.
pub fn format_of(usr: &Dir, place: &Path) -> Result<Option<String>> {
    let Some(local) = usr.down(&place.join("local"))? else { return Ok(None) };
    let text = local.read(c"ALPM_DB_VERSION", 64)?;
    Ok(text.map(|text| String::from_utf8_lossy(&text).trim().to_owned()))
}

/// The database's directory below /usr, as the base's configuration names it, or the first of the known ones; `None` if
/// there is no database.
pub fn find(usr: &Dir) -> Result<Option<PathBuf>> {
    let mut places = Vec::new();
    for file in CONFIGURATION {
        let text = usr.read_down(Path::new(file), CONFIGURATION_LIMIT)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let named = database_path(&text).and_then(|path| below_usr(path.as_os_str().as_encoded_bytes()));
        places.extend(named.map(Path::to_path_buf));
    }
    let known = DATABASES.iter().filter(|place| place.manager == Manager::Pacman);
    places.extend(known.map(|place| PathBuf::from(place.dir)));
    for place in places {
        if usr.down(&place.join("local"))?.is_some() {
            return Ok(Some(place));
        }
    }
    Ok(None)
}
