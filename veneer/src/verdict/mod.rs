//! What is to happen at this boot. Pure: what was observed goes in, a verdict comes out, so that every verdict is a
//! table test.

mod compatible;
mod garbage;
mod reason;
mod trust;

pub use compatible::difference;
pub use garbage::{Needs, Useless, useless};
pub use reason::Reason;
pub use trust::{judge_encryption, judge_id};

use crate::base::Base;
use crate::intent::{Intent, Mode};
use crate::report::one_line;
use crate::store::{Layer, LayerName, last_used};

/// Far above any sentence of Veneer's own, in bytes.
const MESSAGE_LIMIT: usize = 4096;

/// Why there is no layer, as code and as a sentence that ends with what the user can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable word.
    pub reason: Reason,
    /// For people.
    pub message: String,
}

impl Refusal {
    /// A refusal with this sentence. It is shown on the console and at login, and what it quotes may come from a store
    /// that was in other hands: control characters are taken out.
    #[must_use]
    pub fn new(reason: Reason, message: impl AsRef<str>) -> Self {
        Refusal { reason, message: one_line(message.as_ref(), MESSAGE_LIMIT) }
    }
}

/// What judging looks at.
#[derive(Debug)]
pub struct Facts<'a> {
    /// What the user asked for.
    pub intent: &'a Intent,
    /// The booted base.
    pub base: &'a Base,
    /// The store's layers, oldest first.
    pub layers: &'a [Layer],
    /// Layers that could not be read, with the reason.
    pub damaged: &'a [(LayerName, String)],
    /// Layers that were derived ahead of a boot that never came, and are not what would be derived now.
    pub outrun: &'a [LayerName],
}

/// What is to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Mount this layer, which is bound to the booted base.
    Use(LayerName),
    /// Make an empty layer of this name and mount it.
    Bind(LayerName),
    /// Derive `to` from `from`, and mount it.
    Rebase {
        /// The layer that was used last.
        from: LayerName,
        /// The layer for the booted base.
        to: LayerName,
    },
    /// Boot the bare base.
    Pristine(Refusal),
}

/// The refusal that needs no look at anything but the user's words.
#[must_use]
pub fn judge_intent(intent: &Intent) -> Option<Refusal> {
    if !intent.enabled {
        let message = "turned off by rd.veneer=0 or enabled=no; boot without that word to turn it on";
        return Some(Refusal::new(Reason::Disabled, message));
    }
    if intent.mode == Mode::Pristine {
        let message =
            "a pristine boot was asked for (rd.veneer.mode=pristine or mode=pristine); the layer is kept";
        return Some(Refusal::new(Reason::Disabled, message));
    }
    trust::judge_trust(&intent.trust)
}

/// Judges. The newest healthy layer of the booted base; else one derived from the layer that was used last; else an
/// empty one.
#[must_use]
pub fn judge(facts: &Facts<'_>) -> Verdict {
    if let Some(refusal) = judge_intent(facts.intent) {
        return Verdict::Pristine(refusal);
    }
    if let Some(wanted) = &facts.intent.layer {
        return judge_wanted(facts, wanted);
    }
    let of_base =
        |layer: &&Layer| layer.state.base.id == facts.base.id && !facts.outrun.contains(&layer.name);
    let healthy = |layer: &&Layer| layer.trial.begun < facts.intent.trials;
    if let Some(layer) = facts.layers.iter().rev().filter(of_base).find(healthy) {
        return Verdict::Use(layer.name.clone());
    }
    // Of one that the user put away there is nothing to say.
    let failed = |layer: &&Layer| of_base(layer) && !layer.trial.is_put_aside();
    let newest = facts.layers.iter().rev();
    if let Some(layer) = newest.clone().find(failed).or_else(|| newest.clone().find(of_base)) {
        let message = format!(
            "layer {} was booted {} times and never came up well; it is set aside, nothing is lost; \
             `veneer retry` gives it another try",
            layer.name, layer.trial.begun
        );
        return Verdict::Pristine(Refusal::new(Reason::TrialFailed, message));
    }
    // Which layer was used last cannot be told while one of them is unreadable: better none than the wrong one.
    if let Some((name, why)) = facts.damaged.first() {
        let message = format!(
            "layer {name} is damaged: {why}; nothing was changed; boot with rd.veneer.layer=ID to use another layer, \
             or move its directory away"
        );
        return Verdict::Pristine(Refusal::new(Reason::StoreCorrupt, message));
    }
    let next = next_name(facts);
    match last_used(facts.layers) {
        None => Verdict::Bind(next),
        Some(last) => rebase(facts, last, next),
    }
}

fn rebase(facts: &Facts<'_>, last: &Layer, next: LayerName) -> Verdict {
    match compatible::difference(&last.state.base, facts.base, facts.intent.versions) {
        None => Verdict::Rebase { from: last.name.clone(), to: next },
        Some(difference) => {
            let message = format!(
                "layer {} was made for {}, booted is {}: {difference}; nothing was changed; \
                 `veneer rebase --base / --force` carries it over all the same",
                last.name,
                last.state.base.describe(),
                facts.base.describe()
            );
            Verdict::Pristine(Refusal::new(Reason::Incompatible, message))
        }
    }
}

/// The user named a layer: that one or none. Naming it is also saying that it may be tried again.
fn judge_wanted(facts: &Facts<'_>, wanted: &str) -> Verdict {
    let refuse = |reason, why: String| {
        let message = format!("{why}; boot without rd.veneer.layer= to let Veneer choose");
        Verdict::Pristine(Refusal::new(reason, message))
    };
    if let Some((name, why)) = facts.damaged.iter().find(|(name, _)| name.to_string() == wanted) {
        return refuse(Reason::StoreCorrupt, format!("layer {name} is damaged: {why}"));
    }
    match facts.layers.iter().find(|layer| layer.name.to_string() == wanted) {
        None => {
            let names: Vec<String> = facts.layers.iter().map(|layer| layer.name.to_string()).collect();
            let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            refuse(
                Reason::Incompatible,
                format!("there is no layer {wanted} in the store (there is: {there})"),
            )
        }
        Some(layer) if layer.state.base.id == facts.base.id => Verdict::Use(layer.name.clone()),
        Some(layer) => {
            let (theirs, ours) = (layer.state.base.describe(), facts.base.describe());
            refuse(Reason::Incompatible, format!("layer {wanted} is bound to {theirs}, booted is {ours}"))
        }
    }
}

/// Numbers are never used twice while any layer has them, readable or not.
fn next_name(facts: &Facts<'_>) -> LayerName {
    name_after(facts.layers, facts.damaged, facts.base)
}

/// The name of a new layer for `base` beside these.
#[must_use]
pub fn name_after(layers: &[Layer], damaged: &[(LayerName, String)], base: &Base) -> LayerName {
    let readable = layers.iter().map(|layer| layer.name.number());
    let damaged = damaged.iter().map(|(name, _)| name.number());
    let highest = readable.chain(damaged).max().unwrap_or(0);
    LayerName::new(highest.saturating_add(1), base.id.short())
}

#[cfg(test)]
mod tests;
