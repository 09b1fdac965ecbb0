//! `veneer check --base BASE`: what a reboot into that base would do to the layer, said beforehand.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::count;
use super::foretold::{Entry, Foretold};
use super::other::{Other, look_at_layer};
use crate::args::Options;
use crate::base::Identity;
use crate::failure::Failure;
use crate::output::print;
use crate::warnings::{self, Warning, warnings};

/// More than this does not fit a screen; `--json` and `--verbose` have them all.
const SHOWN: usize = 40;

pub(crate) fn check(options: &Options) -> Result<String, Failure> {
    let other = Other::find(options)?;
    let source = Other::source(options)?;
    other.refuse_incompatible(&source, options.force)?;
    let layer = look_at_layer(options, &source.name)?;
    let old = Other::old_base(options, &source);
    let walked = warnings::Layer::walk(&layer.sub(c"upper")?, &other.machine.usr, &other.policy)?;
    let privileged = walked.entries.into_iter().filter(|entry| entry.privilege.is_some());
    let mut privileged: Vec<_> = privileged.collect();
    let asked: BTreeSet<_> = privileged.iter().map(|entry| entry.path.clone()).collect();
    // The initramfs has the new base alone to look at.
    let told = Foretold::of(&layer, &other, None, options.verbose, &asked)?;
    privileged.retain(|entry| told.stays.contains(&entry.path));
    // At a protected path the base's own is used, and that is a problem if it is anything.
    for entry in &mut privileged {
        entry.protected = None;
    }
    let warnings = warnings(&[], &warnings::with_owners(&options.root, privileged));
    let now = match &old {
        Some(old) if told.misses_something() => {
            let with_old = Foretold::of(&layer, &other, Some(old), false, &BTreeSet::new())?;
            Some(with_old.problems.len()).filter(|left| *left < told.problems.len())
        }
        _ => None,
    };
    let base = &other.machine.base;
    let text = if options.json {
        let mut all = serde_json::json!({
            "layer": source.name, "base": base, "identity_is_final": other.identity == Identity::Final,
            "verdicts": told.counts, "problems": told.problems, "warnings": warnings,
            "problems_if_done_now": now.unwrap_or(told.problems.len()),
        });
        if options.verbose {
            all["entries"] = serde_json::to_value(&told.entries)?;
        }
        format!("{all}\n")
    } else {
        let mut text = format!("Layer {} on {}:\n", source.name, base.describe());
        text.push_str(&describe(&told, &warnings, options.verbose));
        if other.identity == Identity::AtBoot {
            text.push_str("The id of that base is told at boot only; what becomes of the layer does not depend on it.\n");
        }
        if let Some(left) = now {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "`veneer rebase` with this base, now while the old one is at hand, leaves {left} of these."
            );
        }
        text
    };
    if told.problems.is_empty() {
        return Ok(text);
    }
    print(&text)?;
    Err(Failure::No(format!(
        "{} to look at before the reboot; nothing was changed",
        count(told.problems.len(), "thing", "things")
    )))
}

fn describe(told: &Foretold, warnings: &[Warning], verbose: bool) -> String {
    let mut text = String::new();
    let warned = warnings.iter().map(|warning| (&warning.path, &warning.package, &warning.message));
    let problems = told.problems.iter().map(|problem| (&problem.path, &problem.package, &problem.message));
    let shown = if verbose { usize::MAX } else { SHOWN };
    for (path, package, message) in warned.chain(problems).take(shown) {
        let about = path.as_ref().or(package.as_ref()).map_or("the layer", String::as_str);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {about}: {message}");
    }
    if let Some(more) = (told.problems.len() + warnings.len()).checked_sub(shown).filter(|more| *more > 0) {
        // As above.
        let _ = writeln!(text, "  and {more} more: `veneer check --verbose`");
    }
    let words: Vec<String> = told.counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    // As above.
    let _ = writeln!(text, "Entries: {}.", if words.is_empty() { "none".into() } else { words.join(", ") });
    for Entry { path, verdict, why } in &told.entries {
        // As above.
        let _ = writeln!(text, "{verdict:16} {path}  ({why})");
    }
    text
}
