//! Carries out a plan, step by step. Whatever fails, nothing is left mounted and nothing of the user's is touched.

use std::time::Duration;

use crate::base::take_apart;
use crate::error::{At as _, Error, Result};
use crate::intent::{Intent, Mode};
use crate::mount::{Assembled, Bind, Layers, Parts, extension_fits};
use crate::observe::{Machine, Places, refuse};
use crate::paths;
use crate::plan::{Plan, Step};
use crate::probe;
use crate::rebase::{self, Policy};
use crate::report::{Problem, Progress, StatusLower};
use crate::store::{Action, LayerName, LayerState, Store, Trial};
use crate::tree::{Dir, sum_of};
use crate::verdict::{Reason, Refusal};

/// What came of a plan.
#[derive(Debug, Default)]
pub struct Done {
    /// What the user should know of the layer that is now mounted.
    pub problems: Vec<Problem>,
    /// What the layer stands on, if the base is an overlay itself.
    pub lower: Option<StatusLower>,
    /// How long the parts of a rebase took, in order; none without one.
    pub parts: Vec<(&'static str, Duration)>,
}

/// Carries out `plan`; `old` is the base that a rebase goes away from, if it is at hand.
pub fn apply(
    plan: &Plan,
    store: &Store,
    machine: &Machine,
    places: &Places,
    intent: &Intent,
    old: Option<&Dir>,
) -> std::result::Result<Done, Refusal> {
    let mut work = Work {
        store,
        machine,
        places,
        intent,
        old,
        done: Done::default(),
        ahead: None,
        base: None,
        parts: None,
    };
    for step in &plan.steps {
        if let Err(error) = work.step(step) {
            work.clean_up(plan);
            return Err(refusal(step, &error));
        }
    }
    // The layer is what everybody sees now; without its base beside it the running system's tools would be blind.
    let is_mounted = work.base.is_some();
    if let Some(base) = work.base.take() {
        base.keep();
    }
    // What a rebase leaves to do and to tell: a layer that was never derived has none of it.
    let is_derived = plan.parent.is_some();
    if let Err(error) = work.ask_for_refresh(&plan.layer, is_mounted && is_derived) {
        // Caches that are a little old are no reason to boot without the layer.
        log::warn!("{error}");
    }
    if is_mounted && work.is_guarded() {
        // Without it package managers find /usr read-only: no reason to boot without the layer either.
        work.mark(paths::GUARDED).unwrap_or_else(|error| log::error!("{error}"));
    }
    if plan.action == Action::Used && is_derived {
        match store.problems(&plan.layer) {
            Ok(problems) => work.done.problems = problems,
            // No reason to boot without the layer: they are words about it.
            Err(error) => log::warn!("{error}"),
        }
    }
    Ok(work.done)
}

/// How long a boot waits for a rebase. Below TimeoutStartSec= of veneer-assemble.service, so that the reason is told.
const REBASE_LIMIT: Duration = Duration::from_secs(240);

struct Work<'a> {
    store: &'a Store,
    machine: &'a Machine,
    places: &'a Places,
    intent: &'a Intent,
    /// The base that a rebase goes away from, if it is at hand.
    old: Option<&'a Dir>,
    done: Done,
    /// What the source of a rebase ahead of the boot was when it began.
    ahead: Option<String>,
    /// Taken away again unless the layer gets mounted.
    base: Option<Bind>,
    /// Of a base that is an overlay itself what it is made of.
    parts: Option<Parts>,
}

impl Work<'_> {
    fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::RemoveLeftover(name) => {
                log::warn!(
                    "removing {}, which was left unfinished",
                    self.store.layers().path_of(name).display()
                );
                if let Err(error) = self.store.layers().remove_tree(name) {
                    // It takes room and is in nobody's way: no reason to boot without the layer.
                    log::warn!("{error}");
                }
                Ok(())
            }
            Step::Bind(name) => self.bind(name),
            Step::Derive { from, to, ahead } => self.derive(from, to, *ahead),
            Step::ShowBase { source, target } => {
                self.base = Some(Bind::read_only(source, target)?);
                self.take_apart();
                Ok(())
            }
            Step::Try(layers) => self.assemble(layers).map(drop),
            Step::Finish { name, parent } => {
                let state = LayerState::new(self.machine.base.clone(), parent.clone(), self.ahead.take());
                self.store.finish_layer(name, &state, &self.done.problems)
            }
            Step::Count { name, trial } => self.store.write_trial(name, *trial),
            Step::Mount { name, layers, target } => {
                let overlay = self.assemble_or_mend(name, layers);
                let mounted = overlay.and_then(|overlay| overlay.attach(target, self.is_guarded()));
                if mounted.is_err() {
                    self.uncount(name);
                }
                let form = mounted?;
                if self.machine.is_overlay() {
                    let extension_fits = extension_fits(&layers.lower, target);
                    self.done.lower = Some(StatusLower { form, extension_fits });
                }
                Ok(())
            }
        }
    }

    fn bind(&self, name: &LayerName) -> Result<()> {
        self.store.check_room(0)?;
        let layer = self.store.start_layer(name)?;
        rebase::take_root_attributes(&layer, &self.machine.usr)?;
        rebase::keep_record(&layer, &self.machine.usr)
    }

    fn derive(&mut self, from: &LayerName, to: &LayerName, ahead: bool) -> Result<()> {
        let source = self.store.open_layer(from)?;
        let upper = source.sub(c"upper")?;
        if ahead {
            self.ahead = Some(sum_of(&upper)?);
        }
        self.store.check_room(0)?;
        let target = self.store.start_layer(to)?;
        let size = rebase::size_of(&upper)?;
        if !rebase::can_reflink(&target)? {
            self.store.check_room(size)?;
        }
        let mut progress = Progress::start(format!("deriving layer {to} from {from}"), size, REBASE_LIMIT);
        let policy = Policy::new(&self.intent.protected);
        self.done.problems =
            rebase::derive(&source, &target, &self.machine.usr, self.old, &policy, &mut progress)?;
        self.done.parts = progress.finish();
        Ok(())
    }

    /// Looks for what a base is made of that is an overlay itself.
    fn take_apart(&mut self) {
        if self.machine.is_overlay() {
            match take_apart(self.places, self.machine) {
                Ok(parts) => self.parts = Some(parts),
                Err(error) => tell_stacked(&error),
            }
        }
    }

    /// An overlay that has passed its probe and that nobody sees yet.
    fn assemble(&self, layers: &Layers) -> Result<Assembled> {
        if self.parts.is_some() {
            match self.assemble_on(self.parts.as_ref(), layers) {
                Ok(assembled) => return Ok(assembled),
                Err(error) => tell_stacked(&error),
            }
        }
        self.assemble_on(None, layers)
    }

    fn assemble_on(&self, parts: Option<&Parts>, layers: &Layers) -> Result<Assembled> {
        let staging = self.places.staging();
        let mut assembled = Assembled::new(layers, parts, &staging)?;
        assembled.check_writable()?;
        probe::probe(&self.places.sysroot, &self.machine.usr, assembled.root())?;
        Ok(assembled)
    }

    /// As [`Work::assemble`], with a fresh work directory if the kernel cannot use the one that is there. Nothing of the
    /// user's is ever in it: overlayfs keeps half-made copies there, and a power cut may leave what it cannot clear.
    fn assemble_or_mend(&self, name: &LayerName, layers: &Layers) -> Result<Assembled> {
        let first = self.assemble(layers);
        let stuck = matches!(&first, Err(Error::ReadOnly { .. } | Error::Mount { .. }));
        if !stuck {
            return first;
        }
        let layer = self.store.open_layer(name)?;
        if layer.sub(c"work")?.is_fresh()? {
            return first;
        }
        log::warn!("layer {name}: trying once more with a fresh work directory");
        layer.remove_tree(c"work")?;
        layer.make_sub(c"work", 0o700)?;
        self.assemble(layers)
    }

    /// Takes this boot off the count: a layer that was never mounted did not fail, and the reason that kept it from
    /// being mounted is the one to tell, at the next boot too.
    fn uncount(&self, name: &LayerName) {
        let undo = || {
            let trial = self.store.read_trial(name)?;
            self.store.write_trial(name, Trial { begun: trial.begun.saturating_sub(1), ..trial })
        };
        if let Err(error) = undo() {
            log::warn!("{error}");
        }
    }

    fn is_guarded(&self) -> bool {
        self.intent.mode == Mode::Guarded
    }

    /// Tells the running system that caches are to be made again, at the first boot of a layer that was derived.
    fn ask_for_refresh(&self, name: &LayerName, is_mounted: bool) -> Result<()> {
        // A layer that is only made for the next boot is none of this one's.
        if is_mounted && self.store.in_layer(name, |dir| dir.stat(rebase::REFRESH))?.is_some() {
            self.mark(rebase::REFRESH_RUNTIME)?;
        }
        Ok(())
    }

    /// Leaves an empty file for the running system.
    fn mark(&self, name: &str) -> Result<()> {
        fs_err::create_dir_all(&self.places.runtime).writing(&self.places.runtime)?;
        let mark = self.places.runtime.join(name);
        fs_err::write(&mark, "").writing(&mark)
    }

    /// A layer in the making that failed is of no use to anybody, and takes room.
    fn clean_up(&self, plan: &Plan) {
        if let Err(error) = self.store.layers().remove_tree(&plan.layer.tmp_file_name()) {
            log::warn!("{error}");
        }
    }
}

fn tell_stacked(error: &Error) {
    log::info!("the base is an overlay, and the layer upon it the last that the kernel allows: {error}");
}

fn refusal(step: &Step, error: &Error) -> Refusal {
    let from_store = refuse(error);
    let reason = match (step, error) {
        (_, Error::Probe { .. } | Error::ReadOnly { .. }) => Reason::ProbeFailed,
        (_, _) if from_store.reason == Reason::NoSpace => return from_store,
        (Step::Derive { .. }, _) => Reason::RebaseFailed,
        (Step::ShowBase { .. } | Step::Try(_) | Step::Mount { .. }, _) => Reason::MountFailed,
        (Step::RemoveLeftover(_) | Step::Bind(_) | Step::Finish { .. } | Step::Count { .. }, _) => {
            return from_store;
        }
    };
    Refusal::new(reason, format!("{error}; {}", reason.remedy()))
}
