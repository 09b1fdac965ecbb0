//! `veneer layers`: what is in the store.

use std::fmt::Write as _;

use veneer::store::{Store, Trial};

use super::no_store;
use crate::args::Options;
use crate::failure::Failure;

pub(crate) fn layers(options: &Options) -> Result<String, Failure> {
    let contents =
        Store::look(&options.store, options.store_is_mount).map_err(|absent| no_store(options, absent))?;
    if options.json {
        let rows = contents.layers.iter().map(|layer| {
            serde_json::json!({
                "id": layer.name, "store": contents.id, "base": layer.state.base, "parent": layer.state.parent,
                "created": layer.state.created, "put_aside": layer.trial.is_put_aside(),
                "unblessed_boots": if layer.trial.is_put_aside() { 0 } else { layer.trial.begun },
            })
        });
        let damaged =
            contents.damaged.iter().map(|(name, why)| serde_json::json!({ "id": name, "damaged": why }));
        let all: Vec<_> = rows.chain(damaged).collect();
        return Ok(format!("{}\n", serde_json::to_string(&all)?));
    }
    let mut text = String::new();
    for layer in &contents.layers {
        let from = layer.state.parent.as_ref().map(|parent| format!(", from {parent}")).unwrap_or_default();
        let trial = match layer.trial.begun {
            0 => String::new(),
            Trial::PUT_ASIDE => ", put aside".to_owned(),
            boots => format!(", {boots} unblessed boot{}", if boots == 1 { "" } else { "s" }),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}  for {}{from}{trial}", layer.name, layer.state.base.describe());
    }
    for (name, why) in &contents.damaged {
        // As above.
        let _ = writeln!(text, "{name}  damaged: {why}");
    }
    if text.is_empty() {
        text.push_str("there are no layers yet\n");
    }
    Ok(text)
}
