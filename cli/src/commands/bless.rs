//! `veneer bless`: this boot came up well, so its layer is no longer on trial.

use super::{answer, open, this_boot};
use crate::args::Options;
use crate::failure::Failure;

pub(crate) fn bless(options: &Options) -> Result<String, Failure> {
    let Some(layer) = this_boot(options)?.layer else {
        if options.json {
            return Ok(answer(None));
        }
        return Ok("this boot has no layer: there is nothing to bless\n".into());
    };
    let store = open(options)?;
    let trial = store.read_trial(&layer.id)?;
    // What the user put aside while it ran stays so.
    if trial.begun > 0 && !trial.is_put_aside() {
        store.write_trial(&layer.id, veneer::store::Trial { begun: 0, ..trial })?;
    }
    if options.json {
        return Ok(answer(Some(&layer.id)));
    }
    Ok(format!("layer {} is good\n", layer.id))
}
