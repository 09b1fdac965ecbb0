//! Which trees a rebase of packages looks at, and which package manager it is about: that of the new base, or of the old
//! one if the new one has none. A database that only the layer has was brought by something that the user installed.

use std::path::{Path, PathBuf};

use super::{Change, DATABASES, Extract, Manager, dpkg, pacman, rpm};
use crate::error::{Error, Result};
use crate::report::{Problem, ProblemKind};
use crate::tree::Dir;

/// What a package manager's part has to work with.
pub struct Trees<'a> {
    /// The layer's upper directory: of the database only what the layer changed.
    pub upper: &'a Dir,
    /// The database's directory in the layer, below /usr: the old base's.
    pub layer_dir: &'a Path,
    /// What is recorded of the old base; `None` if nothing is.
    pub record: Option<&'a Extract>,
    /// The new base's /usr.
    pub new: &'a Dir,
    /// The database's directory in the new base.
    pub new_dir: &'a Path,
    /// The old base's /usr, if it is at hand.
    pub old: Option<&'a Dir>,
}

/// Works out what a rebase of `upper` (with the record of its base) to the base at `new` does to packages; `old` is the
/// base that the layer was made on, where it is at hand. `None` if there is nothing to say: no database, or one that the
/// layer did not touch and of which nothing is recorded.
pub fn read_change(
    upper: &Dir,
    record: Option<&Dir>,
    new: &Dir,
    old: Option<&Dir>,
) -> Result<Option<Change>> {
    let mut problems = Vec::new();
    let extract = match record.map(Extract::open) {
        Some(Err(Error::Damaged { path, what })) => {
            // A layer without a record is judged with care; one with a lie in it would not be.
            let message = format!(
                "what was recorded of the old base is lost ({} is damaged: {what}): where that cannot be told, the new \
                 base's is used and yours is in the layer's quarantine",
                path.display()
            );
            problems.push(Problem::of_layer(ProblemKind::Limited, message));
            None
        }
        Some(other) => other?,
        None => None,
    };
    let recorded =
        extract.as_ref().and_then(|extract| Some((extract.manager()?, extract.dir().to_path_buf())));
    let Some((manager, new_dir)) = find(new)? else {
        // The base that the layer was made on has none either: what looks like a database is the user's own.
        let none_before = extract.is_some() && recorded.is_none();
        let dir = match recorded {
            Some((_, dir)) => Some(dir).filter(|dir| upper.down(dir).is_ok_and(|found| found.is_some())),
            None if none_before => None,
            None => find(upper)?.map(|(_, dir)| dir),
        };
        return Ok(dir.map(|dir| Change::stranded(dir, problems)));
    };
    let layer_dir = match recorded.filter(|(recorded, _)| *recorded == manager) {
        Some((_, dir)) => dir,
        None => of_manager(upper, manager)?.unwrap_or_else(|| new_dir.clone()),
    };
    let trees = Trees {
        upper,
        layer_dir: &layer_dir,
        record: extract.as_ref().filter(|extract| extract.manager() == Some(manager)),
        new,
        new_dir: &new_dir,
        old,
    };
    // Each manager's part has a function of this name and form.
    let change: Option<Change> = match manager {
        Manager::Dpkg => dpkg::change(&trees)?,
        Manager::Rpm => rpm::change(&trees)?,
        Manager::Pacman => pacman::change(&trees)?,
    };
    Ok(change.map(|change| change.with_problems(problems)))
}

/// Records what judging will need of the base at `usr`: its packages, and what they list. Replaces a record that is there;
/// for the running system, since it reads all of the database.
pub fn record(usr: &Dir, record: &Dir) -> Result<()> {
    write_record(usr, record, true)
}

/// As [`record()`], without what the packages list: little work, for while a boot waits.
pub fn record_packages(usr: &Dir, record: &Dir) -> Result<()> {
    write_record(usr, record, false)
}

fn write_record(usr: &Dir, record: &Dir, lists: bool) -> Result<()> {
    let written = match find(usr)? {
        // Likewise.
        Some((Manager::Dpkg, dir)) => dpkg::record(usr, &dir, record, lists),
        Some((Manager::Rpm, dir)) => rpm::record(usr, &dir, record, lists),
        Some((Manager::Pacman, dir)) => pacman::record(usr, &dir, record, lists),
        None => Extract::write(record, None, lists),
    };
    match written {
        // The base's database is not what its package manager would read: no reason to boot without a layer. The next
        // rebase will do without.
        Err(Error::Damaged { path, what }) => {
            log::warn!("the base's packages are not recorded: {} is damaged: {what}", path.display());
            Extract::remove(record)
        }
        other => other,
    }
}

/// The first database that a tree has: whose it is, and its directory below /usr.
pub fn find(usr: &Dir) -> Result<Option<(Manager, PathBuf)>> {
    for place in DATABASES.iter().filter(|place| place.manager != Manager::Pacman) {
        if usr.down(Path::new(place.dir))?.is_some() {
            return Ok(Some((place.manager, place.dir.into())));
        }
    }
    // The only one whose place is a setting that people change.
    Ok(pacman::find(usr)?.map(|dir| (Manager::Pacman, dir)))
}

/// The first directory of this package manager's that a layer has.
fn of_manager(upper: &Dir, manager: Manager) -> Result<Option<PathBuf>> {
    for place in DATABASES.iter().filter(|place| place.manager == manager) {
        if upper.down(Path::new(place.dir))?.is_some() {
            return Ok(Some(place.dir.into()));
        }
    }
    Ok(None)
}
