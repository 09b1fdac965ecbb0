//! `veneer gc`: removes layers that nothing needs, and what was left unfinished, after saying what.

use std::fmt::Write as _;

use serde_json::json;
use veneer::intent::{Cmdline, Intent};
use veneer::rebase::size_of;
use veneer::verdict::{Needs, useless};

use super::ask::ask;
use super::{count, open, this_boot};
use crate::args::Options;
use crate::failure::Failure;
use crate::terminal::{Unit, tell};

pub(crate) fn gc(options: &Options) -> Result<String, Failure> {
    let status = this_boot(options)?;
    let store = open(options)?;
    let contents = store.contents()?;
    let (intent, _) = Intent::gather(&options.root, &Cmdline::parse(b""));
    let running = status.layer.as_ref().map(|layer| &layer.id);
    let needs = Needs { booted: &status.base.id, running, keep: intent.keep, trials: intent.trials };
    // An unreadable layer may be the newest of its base, or what was used last.
    if let Some((name, why)) = contents.damaged.first() {
        return Err(Failure::No(format!(
            "layer {name} is damaged: {why}; what the others are needed for cannot be told; move its directory away first"
        )));
    }
    let going = useless(&contents.layers, &needs);
    let mut text = String::new();
    let directories = Unit::Things("directories");
    for (number, (layer, why)) in (0..).zip(&going) {
        tell("measuring layers", number, going.len() as u64, directories);
        let mib = size_of(&store.open_layer(&layer.name)?)? >> 20;
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "{}  for {}, {mib} MiB: {}", layer.name, layer.state.base.describe(), why.text());
    }
    for name in &contents.leftovers {
        // As above.
        let _ = writeln!(text, "{}  was left unfinished", name.to_string_lossy());
    }
    let all = going.len() + contents.leftovers.len();
    if all > 0 && !options.dry_run {
        ask(options, &text, &format!("Remove {}, for good?", count(all, "directory", "directories")))?;
        for (number, (layer, _)) in (0..).zip(&going) {
            tell("removing layers", number, going.len() as u64, directories);
            store.remove_layer(&layer.name)?;
        }
        for name in &contents.leftovers {
            store.layers().remove_tree(name)?;
        }
    }
    if options.json {
        let layers: Vec<_> =
            going.iter().map(|(layer, why)| json!({ "id": layer.name, "why": why.text() })).collect();
        let leftovers: Vec<_> = contents.leftovers.iter().map(|name| name.to_string_lossy()).collect();
        let all = json!({ "layers": layers, "leftovers": leftovers, "removed": !options.dry_run });
        return Ok(format!("{all}\n"));
    }
    Ok(match all {
        0 => "there is nothing that nobody needs\n".into(),
        _ if options.dry_run => text,
        _ => format!("{text}{} removed\n", count(all, "directory", "directories")),
    })
}
