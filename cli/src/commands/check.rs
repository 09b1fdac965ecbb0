//! `veneer check --base DIR`: what a reboot into that base would do to the layer, said beforehand.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use veneer::rebase::judge_all;
use veneer::report::Problem;

use super::count;
use super::other::{Other, look_at_layer};
use crate::args::Options;
use crate::failure::Failure;

/// More than this does not fit a screen; `--json` and `veneer rebase --dry-run` have them all.
const SHOWN: usize = 40;

pub(crate) fn check(options: &Options) -> Result<String, Failure> {
    let other = Other::find(options)?;
    let source = Other::source(options)?;
    other.refuse_incompatible(&source, options.force)?;
    let layer = look_at_layer(options, &source.name)?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut listed = Vec::new();
    let old = Other::old_base(options, &source);
    let of_packages =
        judge_all(&layer, &other.machine.usr, old.as_ref(), &other.policy, |path, judgement| {
            *counts.entry(judgement.verdict.word()).or_default() += 1;
            if let Some(kind) = judgement.problem() {
                let path = Path::new("/usr").join(path);
                listed.push(Problem::of_path(kind, &path, judgement.reason.text().to_owned()));
            }
            Ok(())
        })?;
    listed.sort_by(|a, b| a.path.cmp(&b.path));
    // What becomes of packages explains what becomes of files.
    listed.splice(0..0, of_packages);
    let base = &other.machine.base;
    let text = if options.json {
        let all =
            serde_json::json!({ "layer": source.name, "base": base, "verdicts": counts, "problems": listed });
        format!("{all}\n")
    } else {
        let mut text = format!("Layer {} on {}:\n", source.name, base.describe());
        for problem in listed.iter().take(SHOWN) {
            let about = problem.path.as_ref().or(problem.package.as_ref()).map_or("", String::as_str);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {about}: {}", problem.message);
        }
        if listed.len() > SHOWN {
            // As above.
            let _ = writeln!(text, "  and {} more: `veneer check --json`", listed.len() - SHOWN);
        }
        let words: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        // As above.
        let _ =
            writeln!(text, "Entries: {}.", if words.is_empty() { "none".into() } else { words.join(", ") });
        text
    };
    if listed.is_empty() {
        return Ok(text);
    }
    print!("{text}");
    Err(Failure::No(format!(
        "{} to look at before the reboot; nothing was changed",
        count(listed.len(), "thing", "things")
    )))
}
