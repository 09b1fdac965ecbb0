//! `veneer use ID`: another layer of the booted base for the next boots.

use veneer::store::{LayerName, Trial};

use super::{open, this_boot};
use crate::args::Options;
use crate::failure::Failure;

pub(crate) fn use_layer(options: &Options) -> Result<String, Failure> {
    let word = options.word.as_deref().unwrap_or_default();
    let status = this_boot(options)?;
    let store = open(options)?;
    let contents = store.contents()?;
    let layers = &contents.layers;
    let name = LayerName::parse(word);
    let Some(chosen) = layers.iter().find(|layer| Some(&layer.name) == name.as_ref()) else {
        if let Some((name, why)) = contents.damaged.iter().find(|(damaged, _)| Some(damaged) == name.as_ref())
        {
            return Err(Failure::No(format!("layer {name} is damaged: {why}; it cannot be used")));
        }
        return Err(Failure::No(format!("there is no layer {word}; `veneer layers` lists them")));
    };
    if chosen.state.base.id.id != status.base.id {
        return Err(Failure::No(format!(
            "layer {} is bound to {}, and this boot runs on another base; boot that one, and it is used by itself",
            chosen.name,
            chosen.state.base.describe()
        )));
    }
    store.write_trial(&chosen.name, Trial { begun: 0, ..chosen.trial })?;
    // Of the healthy layers of a base the newest is used.
    let mut newer = Vec::new();
    for layer in layers.iter().filter(|layer| layer.name > chosen.name) {
        if layer.state.base.id.id == status.base.id {
            store.write_trial(&layer.name, Trial { begun: Trial::PUT_ASIDE, ..layer.trial })?;
            newer.push(layer.name.to_string());
        }
    }
    if options.json {
        return Ok(format!("{}\n", serde_json::json!({ "layer": chosen.name, "put_aside": newer })));
    }
    let aside = match newer.len() {
        0 => String::new(),
        _ => format!(
            "; put aside for it: {}, which `veneer use` or `veneer retry` brings back",
            newer.join(", ")
        ),
    };
    Ok(format!("the next boot uses layer {}{aside}\n", chosen.name))
}
