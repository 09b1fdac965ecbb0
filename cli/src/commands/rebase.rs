//! `veneer rebase --base DIR`: what the initramfs would do with the layer at the next boot, done or only told now.

use std::io::Write as _;

use veneer::apply::apply;
use veneer::plan::plan_rebase;
use veneer::rebase::judge_all;
use veneer::report::display_path;
use veneer::store::LayerName;
use veneer::tree::Dir;

use super::open;
use super::other::{Other, look_at_layer};
use crate::args::Options;
use crate::failure::Failure;

pub(crate) fn rebase(options: &Options) -> Result<String, Failure> {
    let other = Other::find(options)?;
    let source = Other::source(options)?;
    other.refuse_incompatible(&source, options.force)?;
    let old = Other::old_base(options, &source);
    if options.dry_run {
        return dry_run(options, &other, &source.name, old.as_ref());
    }
    let store = open(options)?;
    let contents = store.contents()?;
    if let Some(there) = contents.layers.iter().find(|layer| layer.state.base.id == other.machine.base.id) {
        return Err(Failure::No(format!("layer {} is bound to that base already", there.name)));
    }
    let plan = plan_rebase(&source.name, &contents, &other.machine.base, &other.usr_path, &other.places);
    let done = apply(&plan, &store, &other.machine, &other.places, &other.intent, old.as_ref())
        .map_err(|refusal| Failure::Missing(format!("{} ({})", refusal.message, refusal.reason.code())))?;
    let words = match done.problems.len() {
        0 => String::new(),
        1 => "; there is one thing to know, see `veneer check`".to_owned(),
        more => format!("; there are {more} things to know, see `veneer check`"),
    };
    Ok(format!("layer {} for {} is ready{words}\n", plan.layer, other.machine.base.describe()))
}

/// A line for each entry of the layer, as it is judged.
fn dry_run(options: &Options, other: &Other, name: &LayerName, old: Option<&Dir>) -> Result<String, Failure> {
    let source = look_at_layer(options, name)?;
    let mut out = std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout().lock());
    let mut failed = None;
    judge_all(&source, &other.machine.usr, old, &other.policy, |path, judgement| {
        let path = display_path(&std::path::Path::new("/usr").join(path));
        let (verdict, why) = (judgement.verdict.word(), judgement.reason.text());
        let written = if options.json {
            let line = serde_json::json!({ "path": path, "verdict": verdict, "why": why });
            writeln!(out, "{line}")
        } else {
            writeln!(out, "{verdict:16} {path}  ({why})")
        };
        // A reader that went away is no reason to go on, and none to complain of the layer.
        failed = failed.take().or(written.err());
        Ok(())
    })?;
    match failed.or(out.flush().err()) {
        Some(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(String::new()),
    }
}
