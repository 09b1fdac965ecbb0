//! What the user is told of a rebase: the problems, and the file `verdicts` of the new layer, which has a line of JSON for
//! each verdict that is more than "yours stays" and "the base's is used".

use std::ffi::{CStr, OsStr};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde::Serialize;

use super::judge::{Judgement, Verdict};
use super::{PROBLEM_LIMIT, shown};
use crate::error::{At as _, Result};
use crate::order;
use crate::report::{Problem, ProblemKind, display_path};
use crate::tree::Dir;

/// Its name in the layer.
const FILE: &CStr = c"verdicts";

/// Bytes of it; what comes after is not written.
const LIMIT: usize = 16 * 1024 * 1024;

/// Collects what there is to tell.
pub(super) struct Told<'a> {
    layer: &'a Dir,
    problems: Vec<Problem>,
    /// How many there are beyond those.
    more: usize,
    file: Option<BufWriter<File>>,
    written: usize,
}

#[derive(Serialize)]
struct Line<'a> {
    path: String,
    verdict: &'a str,
    why: &'a str,
}

impl<'a> Told<'a> {
    pub(super) fn of(layer: &'a Dir) -> Self {
        Told { layer, problems: Vec::new(), more: 0, file: None, written: 0 }
    }

    /// Takes note of a verdict on the path below /usr.
    pub(super) fn note(&mut self, path: &Path, judgement: Judgement) -> Result<()> {
        if let Some(problem) = problem(path, judgement) {
            self.problem(problem);
        }
        if judgement.is_plain() || self.written > LIMIT {
            return Ok(());
        }
        let (verdict, why) = (judgement.verdict.word(), judgement.reason.text());
        let line = Line { path: display_path(&shown(path)), verdict, why };
        let line = serde_json::to_string(&line).map_err(std::io::Error::other).writing(self.layer.path())?;
        self.written += line.len() + 1;
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(BufWriter::new(self.layer.create(FILE, 0o600)?)),
        };
        writeln!(file, "{line}").writing(self.layer.path_of(FILE))
    }

    fn problem(&mut self, problem: Problem) {
        if self.problems.len() >= PROBLEM_LIMIT {
            self.more += 1;
            return;
        }
        self.problems.push(problem);
    }

    /// The problems, by path, since directories are judged in no fixed order.
    pub(super) fn finish(self) -> Result<Vec<Problem>> {
        if let Some(mut file) = self.file {
            file.flush().writing(self.layer.path_of(FILE))?;
        }
        let mut problems = self.problems;
        order::sort_by(&mut problems, |a, b| a.path.cmp(&b.path));
        if self.more > 0 {
            let message = format!(
                "{} more entries need a word; the layer's files `verdicts` and `quarantine/list` name all of them",
                self.more
            );
            problems.push(Problem::of_layer(ProblemKind::Limited, message));
        }
        Ok(problems)
    }
}

/// What the user is told of the verdict on a path below /usr, if anything.
#[must_use]
pub fn problem(path: &Path, judgement: Judgement) -> Option<Problem> {
    let why = judgement.reason.text();
    let message = match judgement.verdict {
        Verdict::Quarantine => format!("{why}: yours is kept in the layer's quarantine"),
        _ => why.to_owned(),
    };
    Some(Problem::of_path(judgement.problem()?, &shown(path), message))
}

/// A name as a part of a path.
pub(super) fn os_str(name: &CStr) -> &OsStr {
    OsStr::from_bytes(name.to_bytes())
}
