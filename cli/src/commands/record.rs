//! `veneer record`: writes down what the running layer's base has where the layer shadows it, while it can be looked at.

use veneer::mount;
use veneer::observe::base_beside;
use veneer::packages;
use veneer::record::update;
use veneer::tree::Dir;

use super::{answer, open, this_boot};
use crate::args::Options;
use crate::failure::Failure;
use crate::labels;
use crate::terminal::{Unit, tell};

pub(crate) fn record(options: &Options) -> Result<String, Failure> {
    let Some(layer) = this_boot(options)?.layer else {
        if options.json {
            return Ok(answer(None));
        }
        return Ok("this boot has no layer: there is nothing to record\n".into());
    };
    tell(&format!("recording the base of layer {}", layer.id), 0, 0, Unit::Things("entries"));
    let store = open(options)?;
    let dir = store.open_layer(&layer.id)?;
    let base = running_base(options)?;
    // A package manager that ended a moment ago has most of its work in memory.
    dir.sync_filesystem()?;
    // Before anything is made: what is made in a directory with a label has one.
    let labelled = labels::label(&options.root, &base).and_then(|label| match label {
        Some(label) => labels::give(&label, &store),
        None => Ok(()),
    });
    if let Err(error) = labelled {
        log::warn!("{error}; what has no SELinux label goes without, and the record is written all the same");
    }
    let record = dir.ensure_sub(c"record", 0o700)?;
    // A base never changes: what was recorded of all its packages stays true.
    let is_whole =
        packages::Extract::open(&record).is_ok_and(|found| found.is_some_and(|found| found.has_lists()));
    if !is_whole {
        packages::record(&base, &record)?;
    }
    update(&record, &dir.sub(c"upper")?, &base, true)?;
    if options.json {
        return Ok(answer(Some(&layer.id)));
    }
    Ok(format!("the record of layer {} is up to date\n", layer.id))
}

/// The running layer's base. Where it is not mounted there is an empty directory: nothing may be taken from that.
pub(crate) fn running_base(options: &Options) -> Result<Dir, Failure> {
    let path = base_beside(&options.store);
    let missing =
        || Failure::Missing(format!("the running layer's base is not mounted at {}", path.display()));
    // Links on the way are no part of a mount's own path.
    let real = std::fs::canonicalize(&path).map_err(|_| missing())?;
    let dir = Dir::open(&path)?;
    let mount = mount::site(&dir)?.mount;
    if mount.is_some_and(|row| row.target == real) { Ok(dir) } else { Err(missing()) }
}
