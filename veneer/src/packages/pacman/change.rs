//! What a rebase does to pacman's packages, put together from the three databases.

use std::path::Path;

use super::compose::{Composition, compose};
use super::write::Writer;
use super::{Base, FORMAT, Layer, format_of};
use crate::error::Result;
use crate::packages::version::compare_pacman;
use crate::packages::{
    Change, Content, Database, Decision, Extract, Files, Keys, Manager, Rules, Sets, Trees, Verdict,
    is_critical, judge,
};
use crate::report::{Problem, ProblemKind};
use crate::tree::Dir;

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
    let rules = Rules {
        order: &compare_pacman,
        critical: &|package| is_critical(Manager::Pacman, &package.name),
        in_layer: &|package| layer.has_own(package),
        hidden: &|package| layer.hides(package),
    };
    let decisions = judge(old.map(Database::packages), layer.packages(), new.packages(), &rules);
    let keys = trees.record.filter(|_| at_hand.is_none()).map_or_else(Keys::random, Extract::keys);
    let files = Files::of(Sets { old, layer: &layer, new: &new }, &decisions, keys, trees.upper, trees.new)?;
    let composition = compose(&decisions, old.map(Database::packages), layer.packages(), new.packages());
    let problems = problems(&decisions, &layer, &new);
    let writer = writer(trees, composition, &layer, &new)?;
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

fn writer(trees: &Trees<'_>, composition: Composition, layer: &Layer, new: &Base) -> Result<Writer> {
    let Composition { copied, hidden, marked } = composition;
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
        copied: copied.iter().filter_map(|n| layer.entry(*n)).map(|entry| entry.directory.clone()).collect(),
        hidden: hidden.iter().filter_map(ours).collect(),
        marked: texts,
    })
}

fn unknown_format(whose: &str, format: &str) -> Problem {
    let said =
        if format.is_empty() { "does not say its format".into() } else { format!("has format {format}") };
    let message = format!(
        "{whose} database of packages {said}, and Veneer knows format {FORMAT}: the layer's database is set aside, so that \
         pacman knows nothing of packages of yours; their files stay"
    );
    Problem { kind: ProblemKind::Limited, package: None, path: None, message }
}

/// What the user should know.
fn problems(decisions: &[Decision], layer: &Layer, new: &Base) -> Vec<Problem> {
    let mut problems = Vec::new();
    for decision in decisions {
        let name = decision.name.as_str();
        let version = |database: &dyn Database, number: Option<usize>| {
            number
                .and_then(|number| database.packages().get(number))
                .map_or("", |p| p.version.as_str())
                .to_owned()
        };
        let (theirs, ours) = (version(layer, decision.layer), version(new, decision.new));
        let (kind, message) = match decision.verdict {
            Verdict::HandBack if decision.downgraded => (
                ProblemKind::HandedBack,
                format!(
                    "version {theirs} gave way to {ours}, the new base's: the system is made of this package"
                ),
            ),
            Verdict::Returned => {
                (ProblemKind::Returned, format!("was removed and is there again, as the new base's {ours}"))
            }
            _ => continue,
        };
        problems.push(Problem::of_package(kind, name, message));
    }
    for directory in layer.cut_off() {
        let directory = directory.to_string_lossy();
        let name = super::split(&directory).map_or(&*directory, |(name, _)| name);
        let message = format!(
            "the installation of {directory} had been cut off: what it had written is still there and belongs to no package; \
             `pacman -S --overwrite '*' {name}` completes it"
        );
        problems.push(Problem::of_package(ProblemKind::Limited, name, message));
    }
    problems
}
