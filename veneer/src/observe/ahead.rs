//! Layers that were derived ahead of a boot, against what they were derived from, as that is now.

use std::path::Path;

use crate::base::Base;
use crate::error::Result;
use crate::store::{Contents, LayerName, Trial};
use crate::tree::{Dir, sum_of};

/// The layers of `base` that were derived ahead of a boot, and that another one would be derived instead of now: of a layer
/// that was changed since, or that is not the one used last any more. One that was booted is the user's own, whatever became
/// of its parent. One whose parent is gone, or cannot be looked at, stays: there is nothing to derive another from.
#[must_use]
pub fn outrun(store: &Path, contents: &Contents, base: &Base) -> Vec<LayerName> {
    let mut outrun = Vec::new();
    for layer in &contents.layers {
        let is_ahead = layer.trial == Trial::default() && layer.state.base.id == base.id;
        let (true, Some(noted), Some(parent)) = (is_ahead, &layer.state.ahead, &layer.state.parent) else {
            continue;
        };
        match upper(store, parent).and_then(|upper| sum_of(&upper)) {
            Ok(sum) if sum == *noted && contents.last_used().is_some_and(|last| last.name == *parent) => {}
            Ok(_) => {
                log::info!(
                    "layer {} was derived ahead of this boot from one that has changed since",
                    layer.name
                );
                outrun.push(layer.name.clone());
            }
            Err(error) => log::warn!("{error}"),
        }
    }
    outrun
}

fn upper(store: &Path, layer: &LayerName) -> Result<Dir> {
    Dir::open(store)?.sub(c"veneer")?.sub(c"layers")?.sub(&layer.file_name())?.sub(c"upper")
}
