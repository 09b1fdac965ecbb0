//! What a rebase does to pacman's packages, put together from the three databases.

use std::path::Path;

use super::compose::{Composition, compose};
use super::local::Entry;
use super::needs::Set;
use super::told::{problems, unknown_format};
use super::write::Writer;
use super::{Base, Desc, FORMAT, Layer, format_of};
use crate::error::Result;
use crate::packages::version::compare_pacman;
use crate::packages::{
    Change, Content, Database, Decision, Extract, Files, Keys, Listed, Manager, Package, Rules, Sets, Trees,
    Verdict, judge, weight,
};
use crate::tree::{self, Dir, Kind};

/// See [`crate::packages::read_change`].
pub(in crate::packages) fn change(trees: &Trees<'_>) -> Result<Option<Change>> {
    let touched = trees.upper.down(trees.layer_dir)?.is_some();
    if !touched && trees.record.is_none() {
        return Ok(None);
    }
    let new = Base::open(trees.new, trees.new_dir)?;
    let stranded = |whose, format: &str| {
        let problem = unknown_format(whose, format);
        Change::stranded(trees.layer_dir.to_path_buf(), vec![problem])
    };
    if new.format() != FORMAT {
        return Ok(touched.then(|| stranded("the new base's", new.format())));
    }
    if let Some(format) = format_of(trees.upper, trees.layer_dir)?.filter(|format| format != FORMAT) {
        return Ok(Some(stranded("the layer's", &format)));
    }
    // The old base itself says more than what is recorded of it: where its files are.
    let at_hand = match trees.old {
        Some(old) => Some(Base::open(old, trees.layer_dir)?),
        None => None,
    };
    let old: Option<&dyn Database> = match (&at_hand, trees.record) {
        (Some(base), _) => Some(base),
        (None, Some(record)) => Some(record),
        (None, None) => None,
    };
    let aliases = match (&at_hand, trees.record) {
        (Some(base), _) => base.aliases(),
        (None, Some(record)) => record.aliases(),
        (None, None) => new.aliases(),
    };
    let layer = Layer::open(trees.upper, trees.layer_dir, old.map(Database::packages), aliases.clone())?;
    let locked =
        trees.upper.down(trees.layer_dir)?.map(|dir| dir.stat(c"db.lck")).transpose()?.flatten().is_some();
    let rules = Rules {
        order: &compare_pacman,
        weight: &|package| weight(Manager::Pacman, &package.name),
        in_layer: &|package| layer.has_own(package),
        hidden: &|package| layer.hides(package) && (!locked || is_removed(trees.upper, &new, package)),
    };
    let mut decisions = judge(old.map(Database::packages), layer.packages(), new.packages(), &rules);
    let mut set = set(&decisions, &layer, &new);
    if let Some(base) = &at_hand {
        adopt(&mut decisions, &mut set, base);
    }
    let keys = trees.record.filter(|_| at_hand.is_none()).map_or_else(Keys::random, Extract::keys);
    let files = Files::of(Sets { old, layer: &layer, new: &new }, &decisions, keys, trees.upper, trees.new)?;
    let composition = compose(&decisions, old.map(Database::packages), layer.packages(), new.packages());
    let mut problems = problems(&decisions, &layer, &new);
    problems.extend(set.problems(|name| {
        let packages = old.map_or(&[][..], Database::packages);
        packages.binary_search_by(|package| package.name.as_str().cmp(name)).is_ok()
    }));
    let writer = writer(trees, composition, &layer, &new, at_hand.as_ref())?;
    Ok(Some(Change::new(files, decisions, Box::new(writer), problems)))
}

/// See [`crate::packages::record`].
pub(in crate::packages) fn record(usr: &Dir, dir: &Path, record: &Dir, lists: bool) -> Result<()> {
    let base = Base::open(usr, dir)?;
    let aliases = base.aliases().clone();
    let content =
        Content { manager: Manager::Pacman, dir, aliases, database: &base, attachments: Vec::new() };
    Extract::write(record, Some(&content), lists)
}

/// The new set, as far as it is known before anything is adopted.
fn set<'a>(decisions: &[Decision], layer: &'a Layer, new: &'a Base) -> Set<'a> {
    let mut set = Set { kept: Vec::new(), present: Vec::new(), absent: Vec::new() };
    for decision in decisions {
        let theirs = decision.layer.and_then(|number| layer.entry(number)).map(|entry| &entry.desc);
        let ours = decision.new.and_then(|number| new.entry(number)).map(|entry| &entry.desc);
        match decision.verdict {
            Verdict::Keep { .. } | Verdict::Override => {
                set.kept.extend(theirs);
                set.absent.extend(ours);
            }
            Verdict::Removed => set.absent.extend(ours),
            _ => set.present.extend(ours),
        }
    }
    set
}

/// Takes from the old base what packages need that stay.
fn adopt<'a>(decisions: &mut [Decision], set: &mut Set<'a>, old: &'a Base) {
    let dropped: Vec<(usize, &Desc)> = decisions
        .iter()
        .enumerate()
        .filter(|(_, decision)| decision.verdict == Verdict::Dropped)
        .filter_map(|(at, decision)| Some((at, &old.entry(decision.old?)?.desc)))
        .collect();
    let descs: Vec<&Desc> = dropped.iter().map(|(_, desc)| *desc).collect();
    for number in set.adopted(&descs) {
        decisions[dropped[number].0].verdict = Verdict::Adopt;
        set.kept.push(descs[number]);
    }
}

/// Of a transaction that was cut off it is not clear whether a package whose description is gone was to be removed or to be
/// upgraded: true if the layer hides files of it, or there are none to hide.
fn is_removed(upper: &Dir, new: &Base, package: &Package) -> bool {
    let Ok(number) = new.packages().binary_search_by(|ours| ours.key().cmp(&package.key())) else {
        return true;
    };
    let (mut some, mut hidden) = (false, false);
    let read = new.each_file(number, &mut |path, _| {
        if let Listed::Path(path) = path {
            some = true;
            // What cannot be looked at is not hidden for sure.
            hidden = hidden || is_hidden(upper, path).unwrap_or(false);
        }
    });
    read.is_ok() && (hidden || !some)
}

/// True if a whiteout is at a path of the layer, or above it.
fn is_hidden(upper: &Dir, path: &Path) -> Result<bool> {
    for part in path.ancestors().filter(|part| !part.as_os_str().is_empty()) {
        let Some((parent, name)) = tree::split(part) else { continue };
        let Some(dir) = upper.down(parent)? else { continue };
        if let Some(stat) = dir.stat(&name)? {
            return Ok(Kind::of(&stat) == Kind::Whiteout);
        }
    }
    Ok(false)
}

fn writer(
    trees: &Trees<'_>,
    composition: Composition,
    layer: &Layer,
    new: &Base,
    old: Option<&Base>,
) -> Result<Writer> {
    let Composition { copied, adopted, hidden, marked } = composition;
    let directories = |entry: &Entry| entry.directory.clone();
    let ours = |number: &usize| new.entry(*number).map(|entry| entry.directory.clone());
    let mut texts = Vec::new();
    for (number, wanted) in marked {
        let Some(directory) = ours(&number) else { continue };
        if let Some(text) = new.desc_text(&directory)? {
            texts.push((directory, super::with_reason(&text, wanted)));
        }
    }
    Ok(Writer {
        old_place: trees.layer_dir.to_path_buf(),
        place: trees.new_dir.to_path_buf(),
        layer: layer.dir().map(Dir::again).transpose()?,
        copied: copied.iter().filter_map(|number| layer.entry(*number)).map(directories).collect(),
        old: old.and_then(Base::dir).map(Dir::again).transpose()?,
        adopted: adopted.iter().filter_map(|number| old?.entry(*number)).map(directories).collect(),
        hidden: hidden.iter().filter_map(ours).collect(),
        marked: texts,
    })
}
