//! `veneer rebase --base DIR`: what the initramfs would do with the layer at the next boot, done or only told now.

use std::io::Write as _;

use veneer::apply::apply;
use veneer::observe::outrun;
use veneer::plan::plan_rebase;
use veneer::rebase::judge_all;
use veneer::store::{Layer, LayerName};
use veneer::tree::Dir;

use super::foretold::Entry;
use super::open;
use super::other::{Other, look_at_layer};
use crate::args::Options;
use crate::base::Identity;
use crate::failure::Failure;
use crate::output::done;
use crate::terminal::Out;

pub(crate) fn rebase(options: &Options) -> Result<String, Failure> {
    let other = Other::find(options)?;
    let source = Other::source(options)?;
    other.refuse_incompatible(&source, options.force)?;
    let old = Other::old_base(options, &source);
    if options.dry_run {
        return dry_run(options, &other, &source.name, old.as_ref());
    }
    if other.identity == Identity::AtBoot && !options.force {
        return Err(Failure::No(
            "this system tells its bases apart by what only a boot shows: the boot derives the layer, and `veneer check` \
             says beforehand what becomes of it"
                .into(),
        ));
    }
    let store = open(options)?;
    let contents = store.contents()?;
    let outrun = outrun(&options.store, &contents, &other.machine.base);
    let is_ready =
        |layer: &&Layer| layer.state.base.id == other.machine.base.id && !outrun.contains(&layer.name);
    if let Some(there) = contents.layers.iter().find(is_ready) {
        return Err(Failure::No(format!("layer {} is bound to that base already", there.name)));
    }
    let plan = plan_rebase(&source.name, &contents, &other.machine.base, &other.usr_path, &other.places);
    let applied = apply(&plan, &store, &other.machine, &other.places, &other.intent, old.as_ref())
        .map_err(|refusal| Failure::Missing(format!("{} ({})", refusal.message, refusal.reason.code())))?;
    if options.json {
        let all = serde_json::json!({
            "layer": plan.layer, "base": other.machine.base, "problems": applied.problems,
        });
        return Ok(format!("{all}\n"));
    }
    let words = match applied.problems.len() {
        0 => String::new(),
        1 => "; there is one thing to know, see `veneer check`".to_owned(),
        more => format!("; there are {more} things to know, see `veneer check`"),
    };
    Ok(format!("layer {} for {} is ready{words}\n", plan.layer, other.machine.base.describe()))
}

/// A line for each entry of the layer, as it is judged.
fn dry_run(options: &Options, other: &Other, name: &LayerName, old: Option<&Dir>) -> Result<String, Failure> {
    let source = look_at_layer(options, name)?;
    let mut out = Out::new();
    let mut failed = None;
    judge_all(&source, &other.machine.usr, old, &other.policy, |path, judgement| {
        let entry = Entry::new(path, judgement);
        let written = if options.json {
            serde_json::to_writer(&mut out, &entry).map_err(std::io::Error::from).and_then(|()| writeln!(out))
        } else {
            writeln!(out, "{:16} {}  ({})", entry.verdict, entry.path, entry.why)
        };
        // A reader that went away is no reason to go on, and none to complain of the layer.
        failed = failed.take().or(written.err());
        Ok(())
    })?;
    done(failed.or(out.flush().err()).map_or(Ok(()), Err)).map(|()| String::new())
}
