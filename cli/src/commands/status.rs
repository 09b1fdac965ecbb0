//! `veneer status`: what this boot runs on, why, and what to do about it. Problems first.

use std::fmt::Write as _;

use veneer::report::{Outcome, Status};

use super::{count, this_boot};
use crate::args::Options;
use crate::failure::Failure;

/// More problems than this do not fit a screen; `--json` has them all.
const SHOWN: usize = 12;

pub(crate) fn status(options: &Options) -> Result<String, Failure> {
    let status = this_boot(options)?;
    if options.json {
        return Ok(format!("{}\n", serde_json::to_string(&status)?));
    }
    Ok(describe(&status))
}

fn describe(status: &Status) -> String {
    let mut lines = Vec::new();
    if !status.problems.is_empty() {
        lines.push(format!(
            "{} to know of this layer on this base:",
            count(status.problems.len(), "thing", "things")
        ));
        for problem in status.problems.iter().take(SHOWN) {
            let about = problem.path.as_ref().or(problem.package.as_ref()).map_or("", |about| about.as_str());
            lines.push(format!("  {about}: {}", problem.message));
        }
        if status.problems.len() > SHOWN {
            lines.push(format!("  and {} more: `veneer status --json`", status.problems.len() - SHOWN));
        }
        lines.push(String::new());
    }
    match status.outcome {
        Outcome::Layer => lines.push(format!("Running with a layer: {}.", status.message)),
        Outcome::Pristine => {
            lines.push(format!("Running pristine ({}): {}.", status.reason.code(), status.message));
        }
    }
    let base = &status.base;
    if let Some(source) = base.source {
        lines.push(format!("Base: {} {}, id {} by {}", base.os, base.version, base.id, source.word()));
    }
    if let Some(layer) = &status.layer {
        let from = layer.parent.as_ref().map(|parent| format!(", derived from {parent}")).unwrap_or_default();
        lines.push(format!("Layer: {}{from}", layer.id));
    }
    let mut text = String::new();
    for line in lines {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{line}");
    }
    text
}
