//! Says what this boot did: status.json, the kernel's log, the journal.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use veneer::apply::Done;
use veneer::base::Base;
use veneer::observe::Places;
use veneer::plan::Plan;
use veneer::report::{self, Outcome, Status, StatusBase, StatusLayer};
use veneer::store::Action;
use veneer::verdict::{Reason, Refusal};

/// How long the parts took.
#[derive(Clone)]
pub(crate) struct Timings {
    started: Instant,
    last: Instant,
    laps: BTreeMap<String, u64>,
}

impl Timings {
    /// Begins with the part "intent", which ran from `started` until now.
    pub(crate) fn since(started: Instant) -> Self {
        let mut timings = Timings { started, last: started, laps: BTreeMap::new() };
        timings.lap("intent");
        timings
    }

    /// Ends a part.
    pub(crate) fn lap(&mut self, part: &str) {
        let now = Instant::now();
        self.laps.insert(part.into(), micros(now - self.last));
        self.last = now;
    }

    /// Adds parts of a part, by names such as `rebase-files`.
    pub(crate) fn add_parts(&mut self, of: &str, parts: &[(&'static str, Duration)]) {
        for (name, took) in parts {
            self.laps.insert(format!("{of}-{name}"), micros(*took));
        }
    }

    fn finish(mut self) -> BTreeMap<String, u64> {
        self.laps.insert("total".into(), micros(self.started.elapsed()));
        self.laps
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Writes what is true if this program never comes to its end: systemd stops it when its time is over, and the kernel
/// may, when memory is. The boot goes on in either case, and somebody will ask. [`tell`] writes over it.
pub(crate) fn foretell(places: &Places, base: &Base, plan: &Plan, timings: &Timings) {
    let (reason, what) = match (plan.action, &plan.parent) {
        (Action::Rebased, Some(parent)) => {
            (Reason::RebaseFailed, format!("derive layer {} from {parent}", plan.layer))
        }
        _ => (Reason::Internal, format!("make layer {} ready", plan.layer)),
    };
    let message = format!(
        "veneer-assemble was to {what}, and was stopped before the end (it took too long, or died); nothing of yours was \
         changed, and the next boot tries again; `journalctl -b -u veneer-assemble.service` has more"
    );
    let timings = timings.clone();
    let status = status(Outcome::Pristine, reason, message, base.into(), timings);
    let written = status.write(&places.runtime).and_then(|is_new| status.write_motd(&places.runtime, is_new));
    if let Err(error) = written {
        log::warn!("{error}");
    }
}

/// Tells everybody who may ask.
pub(crate) fn tell(
    places: &Places,
    base: Option<&Base>,
    result: Result<(Plan, Done), Refusal>,
    timings: Timings,
) {
    let name = base.map(Base::name).unwrap_or_default();
    let base = base.map(StatusBase::from).unwrap_or_default();
    let status = match result {
        Ok((plan, done)) => {
            let message = success(&plan, &name, done.problems.len());
            log::info!("{message}");
            let layer = StatusLayer { id: plan.layer, parent: plan.parent, action: plan.action };
            let status = status(Outcome::Layer, Reason::Ok, message, base, timings);
            Status { layer: Some(layer), lower: done.lower, problems: done.problems, ..status }
        }
        Err(refusal) => {
            let reason = refusal.reason;
            if reason == Reason::Disabled {
                log::info!("pristine: {}", refusal.message);
            } else {
                log::warn!("pristine ({}): {}", reason.code(), refusal.message);
            }
            status(Outcome::Pristine, reason, refusal.message, base, timings)
        }
    };
    let is_new = status.write(&places.runtime).unwrap_or_else(|error| {
        log::error!("{error}");
        false
    });
    if let Err(error) = status.write_motd(&places.runtime, is_new) {
        log::warn!("{error}");
    }
    report::tell_journal(&places.root.join(Path::new("run/systemd/journal/socket")), &status);
}

fn success(plan: &Plan, base: &str, problems: usize) -> String {
    let how = match (plan.action, &plan.parent) {
        (Action::Used, _) => "layer".to_owned(),
        (Action::Bound, _) => "new, empty layer".to_owned(),
        (Action::Rebased, Some(parent)) => format!("layer derived from {parent},"),
        (Action::Rebased, None) => "derived layer".to_owned(),
    };
    let but = match problems {
        0 => String::new(),
        1 => "; there is one thing to know, see `veneer status`".to_owned(),
        more => format!("; there are {more} things to know, see `veneer status`"),
    };
    format!("/usr has the {how} {} on {base}{but}", plan.layer)
}

/// What is told of every boot; of one with a layer there is more.
fn status(outcome: Outcome, reason: Reason, message: String, base: StatusBase, timings: Timings) -> Status {
    let timings_us = timings.finish();
    Status {
        format: 1,
        outcome,
        reason,
        message,
        base,
        layer: None,
        lower: None,
        problems: Vec::new(),
        timings_us,
    }
}
