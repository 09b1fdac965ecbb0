//! What the user should know of packages after a rebase. Pure.

use super::admin::Listing;
use super::status::Stage;
use crate::packages::told::told;
use crate::packages::{Decision, Verdict};
use crate::report::{Problem, ProblemKind};

/// What became of packages, if it is not what the user would expect.
pub(super) fn of_decisions(decisions: &[Decision], layer: &Listing, new: &Listing) -> Vec<Problem> {
    let mut problems = Vec::new();
    for decision in decisions {
        let name = shown(decision);
        problems.extend(told(&name, decision, layer, new));
        let stage = decision.layer.and_then(|number| layer.status.stanza(number)).map(|stanza| stanza.stage);
        let stays = matches!(decision.verdict, Verdict::Keep { .. } | Verdict::Override);
        problems.extend(stage.filter(|_| stays).and_then(|stage| unfinished(&name, stage)));
    }
    problems
}

/// A package whose installation was cut off: it stays so, and dpkg knows how to go on.
fn unfinished(name: &str, stage: Stage) -> Option<Problem> {
    let message = match stage {
        Stage::HalfInstalled => "only half of it was installed; install it again",
        Stage::Unconfigured => "it is not configured yet; run `dpkg --configure --pending`",
        Stage::Leftover | Stage::Triggered | Stage::Installed => return None,
    };
    Some(Problem::of_package(ProblemKind::Unfinished, name, message.to_owned()))
}

/// As dpkg names it.
fn shown(decision: &Decision) -> String {
    match decision.arch.as_str() {
        "" => decision.name.clone(),
        arch => format!("{}:{arch}", decision.name),
    }
}
