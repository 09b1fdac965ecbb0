//! What a rebase does to rpm's packages, put together from the three databases.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::compose::Composition;
use super::database::{Database as Headers, is_own_file};
use super::history::{self, Merged};
use super::list::List;
use super::needs::Needs;
use super::told::{foreign, no_database};
use crate::error::{Error, Result};
use crate::packages::sieve::Sieve;
use crate::packages::told::told;
use crate::packages::version::compare_rpm;
use crate::packages::{
    Aliases, Change, Content, Database, Extract, Files, Keys, Listed, Manager, Owner, Package, Rules, Sets,
    Trees, Verdict, below_usr, judge, weight,
};
use crate::tree::{Dir, Kind, split};

/// See [`crate::packages::read_change`].
pub(in crate::packages) fn change(trees: &Trees<'_>) -> Result<Option<Change>> {
    let stranded = |problem| Ok(Some(Change::stranded(trees.layer_dir.to_path_buf(), vec![problem])));
    let layer = match in_layer(trees) {
        Ok(layer) => layer,
        Err(Error::Foreign { path, what }) => return stranded(foreign("the layer's", &path, &what)),
        Err(error) => return Err(error),
    };
    if layer.is_none() && trees.record.is_none() && !has_leavings(trees)? {
        return Ok(None);
    }
    let new = match open(trees.new, trees.new_dir) {
        Ok(Some(new)) => new,
        Ok(None) | Err(Error::Foreign { .. }) if layer.is_none() => return Ok(None),
        Ok(None) => return stranded(no_database(trees.new_dir)),
        Err(Error::Foreign { path, what }) => return stranded(foreign("the new base's", &path, &what)),
        Err(error) => return Err(error),
    };
    // The old base itself says more than what is recorded of it: where its files are, and its headers.
    let at_hand = match trees.old {
        Some(old) => open(old, trees.layer_dir)?,
        None => None,
    };
    let old: Option<&dyn Database> = match (&at_hand, trees.record) {
        (Some(list), _) => Some(list),
        (None, Some(record)) => Some(record),
        (None, None) => None,
    };
    // If the layer has no database, it showed the old base's; if that is not known either, nobody changed anything.
    let shown = layer.as_ref().map(|list| list as &dyn Database).or(old).unwrap_or(&new);

    let touched = if old.is_none() { packages_in(trees.upper, shown, &new)? } else { HashSet::new() };
    let rules = Rules {
        order: &compare_rpm,
        weight: &|package| weight(Manager::Rpm, &package.name),
        in_layer: &|package| touched.contains(&key(package)),
        hidden: &|_| old.is_some(),
    };
    let mut decisions = judge(old.map(Database::packages), shown.packages(), new.packages(), &rules);
    let there = |path: &str| below_usr(path.as_bytes()).is_some_and(|path| is_there(trees.new, path));
    let needs = Needs {
        old: at_hand.as_ref(),
        layer: layer.as_ref(),
        new: &new,
        decisions: &decisions,
        is_file: &there,
        is_hidden: &|_| false,
    };
    for number in needs.wanted()? {
        decisions[number].verdict = Verdict::Adopt;
    }

    let keys = trees.record.filter(|_| at_hand.is_none()).map_or_else(Keys::random, Extract::keys);
    let files = Files::of(Sets { old, layer: shown, new: &new }, &decisions, keys, trees.upper, trees.new)?;
    let hidden: HashSet<&Path> = files.hides.iter().map(PathBuf::as_path).collect();
    let adopted: HashSet<&Path> = files.adopts.iter().map(PathBuf::as_path).collect();
    let is_hidden = |path: &str| below_usr(path.as_bytes()).is_some_and(|path| hidden.contains(path));
    let is_file = |path: &str| {
        below_usr(path.as_bytes()).is_some_and(|path| {
            matches!(files.owner(path), Owner::Kept | Owner::Overriding)
                || adopted.contains(path)
                || (is_there(trees.new, path) && !hidden.contains(path))
        })
    };
    let needs = Needs {
        old: at_hand.as_ref(),
        layer: layer.as_ref(),
        new: &new,
        decisions: &decisions,
        is_file: &is_file,
        is_hidden: &is_hidden,
    };
    let mut problems: Vec<_> = decisions.iter().filter_map(|one| told(&one.name, one, shown, &new)).collect();
    problems.extend(needs.problems()?);
    let (merged, more) = Merged::of(trees, &decisions, shown, &new)?;
    problems.extend(more);

    let (without, from_layer, from_old) = Composition::plan(&decisions);
    let with = [(layer, from_layer), (at_hand, from_old)];
    let with = with.into_iter().filter_map(|(list, numbers)| {
        let list = list?;
        let places = numbers.iter().filter_map(|number| list.places(*number).first().copied()).collect();
        Some((list, places))
    });
    let composition = Composition {
        layer_dir: trees.layer_dir.to_path_buf(),
        new_dir: trees.new_dir.to_path_buf(),
        with: with.collect(),
        new,
        without,
        history: merged,
    };
    Ok(Some(Change::new(files, decisions, Box::new(composition), problems)))
}

/// See [`crate::packages::record`].
pub(in crate::packages) fn record(usr: &Dir, dir: &Path, record: &Dir, lists: bool) -> Result<()> {
    // A layer has one base, and that does not change: after the first time a transaction's hook has nothing to wait for.
    match Extract::open(record) {
        Ok(Some(there)) if lists && there.manager() == Some(Manager::Rpm) && there.has_lists() => {
            return Ok(());
        }
        Ok(_) | Err(Error::Damaged { .. }) => {}
        Err(error) => return Err(error),
    }
    let list = match open(usr, dir) {
        Err(Error::Foreign { path, what }) => {
            log::warn!("{}: {what}: nothing is recorded of the base's packages", path.display());
            None
        }
        other => other?,
    };
    let Some(list) = list else { return Extract::write(record, None, lists) };
    let attachments = history::attachments(usr)?;
    let aliases = Aliases::of(usr)?;
    let content = Content { manager: Manager::Rpm, dir, aliases, database: &list, attachments };
    Extract::write(record, Some(&content), lists)
}

/// What the database of the tree at `usr`, in `dir` below it, lists.
pub(in crate::packages) fn packages(usr: &Dir, dir: &Path) -> Result<Vec<Package>> {
    Ok(open(usr, dir)?.map_or_else(Vec::new, |list| list.packages().to_vec()))
}

/// A base's database.
fn open(usr: &Dir, place: &Path) -> Result<Option<List>> {
    let Some(dir) = usr.down(place)? else { return Ok(None) };
    let Some(headers) = Headers::open(&dir)? else { return Ok(None) };
    List::read(headers, Aliases::of(usr)?).map(Some)
}

/// What the layer showed, if it touched the database: that is then all in the layer, since it is one file.
fn in_layer(trees: &Trees<'_>) -> Result<Option<List>> {
    let Some(dir) = trees.upper.down(trees.layer_dir)? else { return Ok(None) };
    let Some(headers) = Headers::open(&dir)? else { return Ok(None) };
    let aliases = match (trees.old, trees.record) {
        (Some(old), _) => Aliases::of(old)?,
        (None, Some(record)) => record.aliases().clone(),
        (None, None) => Aliases::of(trees.new)?,
    };
    List::read(headers, aliases).map(Some)
}

/// True if the layer has something that rpm made beside the old base's database: readers make logs and locks.
fn has_leavings(trees: &Trees<'_>) -> Result<bool> {
    match trees.upper.down(trees.layer_dir)? {
        Some(dir) => Ok(dir.names()?.iter().any(|name| is_own_file(name))),
        None => Ok(false),
    }
}

fn key(package: &Package) -> (String, String) {
    (package.name.clone(), package.arch.clone())
}

/// Packages that the layer has files of, of those that are not the new base's as they are.
fn packages_in(upper: &Dir, layer: &dyn Database, new: &List) -> Result<HashSet<(String, String)>> {
    let keys = Keys::random();
    // A base's packages list hundreds of thousands of paths, and the layer has few of them.
    let sieve = Sieve::of(upper, keys)?;
    let mut found = HashSet::new();
    for (number, package) in layer.packages().iter().enumerate() {
        let ours = new.packages().binary_search_by(|ours| ours.key().cmp(&package.key()));
        if ours.is_ok_and(|ours| new.packages()[ours].is_same_build(package)) {
            continue;
        }
        let mut has = false;
        layer.each_file(number, &mut |path, _| {
            has = has || matches!(path, Listed::Path(path) if sieve.may_have(keys.of(path)) && is_file(upper, path));
        })?;
        if has {
            found.insert(key(package));
        }
    }
    Ok(found)
}

fn entry_kind(usr: &Dir, path: &Path) -> Option<Kind> {
    let (parent, name) = split(path)?;
    // What cannot be looked up is not there.
    let dir = usr.down(parent).ok().flatten()?;
    dir.stat(&name).ok().flatten().map(|stat| Kind::of(&stat))
}

/// True for anything but directories, which everybody has, and what hides.
fn is_file(upper: &Dir, path: &Path) -> bool {
    entry_kind(upper, path).is_some_and(|kind| !matches!(kind, Kind::Directory | Kind::Whiteout))
}

fn is_there(usr: &Dir, path: &Path) -> bool {
    entry_kind(usr, path).is_some()
}
