//! The steps that carry out a verdict, as values: what `--dry-run` prints is what is done.

use std::ffi::CString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::base::Base;
use crate::mount::Layers;
use crate::observe::Places;
use crate::store::{Action, Contents, LayerName, Trial};
use crate::verdict::{Refusal, Verdict, name_after};

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Remove what an earlier run left unfinished.
    RemoveLeftover(CString),
    /// Make the empty layer.
    Bind(LayerName),
    /// Derive the content of `to` from `from`.
    Derive {
        /// The layer of the other base; only read.
        from: LayerName,
        /// The layer in the making.
        to: LayerName,
        /// Ahead of the boot that it is for: `from` may change until then, so that what it is like now is noted.
        ahead: bool,
    },
    /// Bind the bare base, read-only, where the overlay and the running system look for it.
    ShowBase {
        /// The bare /usr.
        source: PathBuf,
        /// The path beside the store.
        target: PathBuf,
    },
    /// Mount the layer in the making, out of sight, and check that the system could start from it.
    Try(Layers),
    /// Make the layer real, with one rename.
    Finish {
        /// The layer.
        name: LayerName,
        /// The layer that it was derived from.
        parent: Option<LayerName>,
    },
    /// Count this boot, before it can go wrong.
    Count {
        /// The layer.
        name: LayerName,
        /// The count to write.
        trial: Trial,
    },
    /// Mount the layer, check that the system can start from it, and only then let everybody see it.
    Mount {
        /// The layer.
        name: LayerName,
        /// What is mounted.
        layers: Layers,
        /// Where.
        target: PathBuf,
    },
}

/// The steps for a boot with a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The layer that the boot will have.
    pub layer: LayerName,
    /// The layer that it was derived from.
    pub parent: Option<LayerName>,
    /// How it comes to be mounted.
    pub action: Action,
    /// In this order; the first that fails ends it, with the boot pristine.
    pub steps: Vec<Step>,
}

impl Plan {
    /// True if there is more to do than to mount what is there. How much that is, nobody knows before it is done.
    #[must_use]
    pub fn takes_long(&self) -> bool {
        let is_long =
            |step: &Step| matches!(step, Step::RemoveLeftover(_) | Step::Bind(_) | Step::Derive { .. });
        self.steps.iter().any(is_long)
    }
}

/// Plans a verdict; a refusal stays one.
pub fn plan(verdict: Verdict, contents: &Contents, places: &Places) -> Result<Plan, Refusal> {
    let find = |name: &LayerName| contents.layers.iter().find(|layer| layer.name == *name);
    let (layer, action, parent) = match verdict {
        Verdict::Pristine(refusal) => return Err(refusal),
        Verdict::Use(name) => {
            let parent = find(&name).and_then(|layer| layer.state.parent.clone());
            (name, Action::Used, parent)
        }
        Verdict::Bind(name) => (name, Action::Bound, None),
        Verdict::Rebase { from, to } => (to, Action::Rebased, Some(from)),
    };
    let at = |name: &str| {
        let dir = places.store.join("veneer/layers").join(name);
        Layers { lower: places.base(), upper: dir.join("upper"), work: dir.join("work") }
    };
    let show = Step::ShowBase { source: places.usr(), target: places.base() };
    let finish = Step::Finish { name: layer.clone(), parent: parent.clone() };
    let before = find(&layer).map(|layer| layer.trial).unwrap_or_default();
    let used = last_use(contents).saturating_add(1);
    let trial = Trial { begun: before.begun.saturating_add(1), used };
    let count = Step::Count { name: layer.clone(), trial };
    let mount = Step::Mount { name: layer.clone(), layers: at(&layer.to_string()), target: places.usr() };

    let mut steps: Vec<Step> = contents.leftovers.iter().cloned().map(Step::RemoveLeftover).collect();
    match (action, &parent) {
        (Action::Bound, _) => steps.extend([Step::Bind(layer.clone()), finish, count, show]),
        (Action::Rebased, Some(from)) => {
            let tmp = at(&format!("{layer}.tmp"));
            let derive = Step::Derive { from: from.clone(), to: layer.clone(), ahead: false };
            steps.extend([derive, show, Step::Try(tmp), finish, count]);
        }
        _ => steps.extend([count, show]),
    }
    steps.push(mount);
    Ok(Plan { layer, parent, action, steps })
}

/// The steps of a rebase ahead of the boot, with the system running: the layer is made for the base whose /usr is at
/// `usr`, and not mounted.
#[must_use]
pub fn plan_rebase(from: &LayerName, contents: &Contents, base: &Base, usr: &Path, places: &Places) -> Plan {
    let layer = name_after(&contents.layers, &contents.damaged, base);
    let dir = places.store.join(format!("veneer/layers/{layer}.tmp"));
    let tmp = Layers { lower: usr.to_path_buf(), upper: dir.join("upper"), work: dir.join("work") };
    let leftovers = contents.leftovers.iter().cloned().map(Step::RemoveLeftover);
    let steps = [
        Step::Derive { from: from.clone(), to: layer.clone(), ahead: true },
        Step::Try(tmp),
        Step::Finish { name: layer.clone(), parent: Some(from.clone()) },
    ];
    Plan {
        layer,
        parent: Some(from.clone()),
        action: Action::Rebased,
        steps: leftovers.chain(steps).collect(),
    }
}

/// The steps that make an empty layer for `base` with the system running. It is the newest of that base, so that the next
/// boot has it, and counts as the one that was used last, so that the next base's is derived from it.
#[must_use]
pub fn plan_fresh(contents: &Contents, base: &Base) -> Plan {
    let layer = name_after(&contents.layers, &contents.damaged, base);
    let leftovers = contents.leftovers.iter().cloned().map(Step::RemoveLeftover);
    let used = last_use(contents).saturating_add(1);
    let steps = [
        Step::Bind(layer.clone()),
        Step::Finish { name: layer.clone(), parent: None },
        Step::Count { name: layer.clone(), trial: Trial { begun: 0, used } },
    ];
    Plan { layer, parent: None, action: Action::Bound, steps: leftovers.chain(steps).collect() }
}

/// The place of the layer that was used last.
fn last_use(contents: &Contents) -> u64 {
    contents.layers.iter().map(|layer| layer.trial.used).max().unwrap_or(0)
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::RemoveLeftover(name) => write!(f, "remove the unfinished {}", name.to_string_lossy()),
            Step::Bind(name) => write!(f, "make the empty layer {name}"),
            Step::Derive { from, to, .. } => write!(f, "derive layer {to} from {from}"),
            Step::ShowBase { source, target } => {
                write!(f, "bind {} read-only to {}", source.display(), target.display())
            }
            Step::Try(layers) => write!(f, "try {} out of sight", layers.upper.display()),
            Step::Finish { name, .. } => write!(f, "make {name} real"),
            Step::Count { name, trial } => {
                write!(f, "count boot {} on trial of layer {name}", trial.begun)
            }
            Step::Mount { layers, target, .. } => {
                write!(f, "mount {} over {}, if its probe succeeds", layers.upper.display(), target.display())
            }
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}
