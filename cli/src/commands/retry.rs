//! `veneer retry`: layers of this base that were set aside may be tried again.

use veneer::store::Trial;

use super::{open, this_boot};
use crate::args::Options;
use crate::failure::Failure;

pub(crate) fn retry(options: &Options) -> Result<String, Failure> {
    let status = this_boot(options)?;
    let store = open(options)?;
    let mut done = Vec::new();
    for layer in store.contents()?.layers {
        // The layer that this boot runs on is on trial now, not set aside.
        let running = status.layer.as_ref().is_some_and(|running| running.id == layer.name);
        if !running && layer.trial.begun > 0 && layer.state.base.id.id == status.base.id {
            store.write_trial(&layer.name, Trial { begun: 0, ..layer.trial })?;
            done.push(layer.name.to_string());
        }
    }
    if done.is_empty() {
        return Err(Failure::No("no layer of this base was set aside".into()));
    }
    if options.json {
        return Ok(format!("{}\n", serde_json::json!({ "layers": done })));
    }
    Ok(format!("the next boot may use {} again\n", done.join(", ")))
}
