//! What the user should know of packages after a rebase. Pure.

use super::admin::Listing;
use super::status::Stage;
use crate::packages::{Database as _, Decision, Package, State, Verdict};
use crate::report::{Problem, ProblemKind};

/// What became of packages, if it is not what the user would expect.
pub(super) fn of_decisions(decisions: &[Decision], layer: &Listing, new: &Listing) -> Vec<Problem> {
    let mut problems = Vec::new();
    for decision in decisions {
        let theirs = decision.layer.and_then(|number| layer.packages().get(number));
        let ours = decision.new.and_then(|number| new.packages().get(number));
        problems.extend(of_decision(decision, theirs, ours));
        let stage = decision.layer.and_then(|number| layer.status.stanza(number)).map(|stanza| stanza.stage);
        let stays = matches!(decision.verdict, Verdict::Keep { .. } | Verdict::Override);
        problems.extend(stage.filter(|_| stays).and_then(|stage| unfinished(&decision.name, stage)));
    }
    problems
}

fn of_decision(decision: &Decision, theirs: Option<&Package>, ours: Option<&Package>) -> Option<Problem> {
    let name = shown(decision);
    let version =
        |package: Option<&Package>| package.map_or(String::new(), |package| package.version.clone());
    let (kind, message) = match decision.verdict {
        Verdict::HandBack if decision.downgraded => {
            let why = match theirs.map(|package| package.state) {
                Some(State::Partial) => "since yours was only half installed",
                _ => "as of everything that the system boots with",
            };
            let message =
                format!("yours was {}; the base's {} is used, {why}", version(theirs), version(ours));
            (ProblemKind::HandedBack, message)
        }
        Verdict::Returned => (
            ProblemKind::Returned,
            format!(
                "it was not installed any more; the new base has {}, and it is there again",
                version(ours)
            ),
        ),
        Verdict::Dropped if decision.changed => (
            ProblemKind::Dropped,
            format!(
                "yours was {}; the new base has none, and the system boots with what the base has",
                version(theirs)
            ),
        ),
        Verdict::Keep { orphan: true } => (
            ProblemKind::Orphaned,
            format!(
                "the new base no longer has it; yours, {}, stays, and only you will update it",
                version(theirs)
            ),
        ),
        Verdict::Keep { orphan: false }
        | Verdict::HandBack
        | Verdict::Override
        | Verdict::Base
        | Verdict::Removed
        | Verdict::Dropped
        | Verdict::Adopt => return None,
    };
    Some(Problem::of_package(kind, &name, format!("{name}: {message}")))
}

/// A package whose installation was cut off: it stays so, and dpkg knows how to go on.
fn unfinished(name: &str, stage: Stage) -> Option<Problem> {
    let message = match stage {
        Stage::HalfInstalled => format!("{name}: only half of it was installed; install it again"),
        Stage::Unconfigured => format!("{name}: it is not configured yet; run `dpkg --configure --pending`"),
        Stage::Leftover | Stage::Triggered | Stage::Installed => return None,
    };
    Some(Problem::of_package(ProblemKind::Unfinished, name, message))
}

/// As dpkg names it.
fn shown(decision: &Decision) -> String {
    match decision.arch.as_str() {
        "" => decision.name.clone(),
        arch => format!("{}:{arch}", decision.name),
    }
}
