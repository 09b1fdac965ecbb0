//! What a rebase of a layer onto a base would do: the lists that `veneer check` shows, made by the engine that does it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;
use veneer::rebase::judge::{Judgement, Verdict};
use veneer::rebase::{judge_all, problem};
use veneer::report::{Problem, ProblemKind, display_path};
use veneer::tree::Dir;

use super::other::Other;
use crate::failure::Failure;
use crate::terminal::{Unit, tell};

/// A verdict as lists have it: a line of the file `verdicts` that a rebase leaves in the layer.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) verdict: &'static str,
    pub(crate) why: &'static str,
}

impl Entry {
    pub(crate) fn new(path: &Path, judgement: Judgement) -> Self {
        let path = display_path(&Path::new("/usr").join(path));
        Entry { path, verdict: judgement.verdict.word(), why: judgement.reason.text() }
    }
}

/// What there is to say beforehand.
#[derive(Debug, Default)]
pub(crate) struct Foretold {
    /// How many entries get each verdict.
    pub(crate) counts: BTreeMap<&'static str, usize>,
    /// What needs a look: packages first, since they explain what becomes of files, then paths in order.
    pub(crate) problems: Vec<Problem>,
    /// Every entry of which more is to be said than that it stays, if that was wanted.
    pub(crate) entries: Vec<Entry>,
    /// Those of the paths that were asked for that go along to the new layer.
    pub(crate) stays: BTreeSet<PathBuf>,
}

impl Foretold {
    /// Judges the layer for the base; `old` is the base that it runs on, where that can be looked at when it is done.
    pub(crate) fn of(
        layer: &Dir,
        other: &Other,
        old: Option<&Dir>,
        with_entries: bool,
        asked: &BTreeSet<PathBuf>,
    ) -> Result<Self, Failure> {
        let (mut told, mut seen) = (Foretold::default(), 0);
        let of_packages = judge_all(layer, &other.machine.usr, old, &other.policy, |path, judgement| {
            seen += 1;
            tell("judging the layer", seen, 0, Unit::Things("entries"));
            *told.counts.entry(judgement.verdict.word()).or_default() += 1;
            told.problems.extend(problem(path, judgement));
            if with_entries && !judgement.is_plain() {
                told.entries.push(Entry::new(path, judgement));
            }
            if matches!(judgement.verdict, Verdict::Keep | Verdict::KeepMerged) && asked.contains(path) {
                told.stays.insert(path.to_path_buf());
            }
            Ok(())
        })?;
        told.problems.sort_by(|a, b| a.path.cmp(&b.path));
        told.problems.splice(0..0, of_packages);
        told.entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(told)
    }

    /// True if a package would miss something that the old base has.
    pub(crate) fn misses_something(&self) -> bool {
        self.problems.iter().any(|problem| problem.kind == ProblemKind::Dependency)
    }
}
