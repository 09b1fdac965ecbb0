//! What the user is told of a package by its verdict alone, whoever manages it. Pure.

use super::{Database, Decision, State, Verdict};
use crate::report::{Problem, ProblemKind};

/// What became of a package, named as its manager names it, if it is not what the user would expect.
pub(super) fn told(
    name: &str,
    decision: &Decision,
    layer: &dyn Database,
    new: &dyn Database,
) -> Option<Problem> {
    let theirs = decision.layer.and_then(|number| layer.packages().get(number));
    let ours = decision.new.and_then(|number| new.packages().get(number));
    let is_half = theirs.is_some_and(|package| package.state == State::Partial);
    let theirs = theirs.map_or("", |package| &package.version);
    let ours = ours.map_or("", |package| &package.version);
    let (kind, message) = match decision.verdict {
        Verdict::HandBack if is_half => {
            let message = format!("the installation of {theirs} was cut off; the base's {ours} is used");
            (ProblemKind::Unfinished, message)
        }
        Verdict::HandBack if decision.downgraded => (
            ProblemKind::HandedBack,
            format!(
                "yours was {theirs}; the base's {ours} is used, as of everything that the system boots with"
            ),
        ),
        Verdict::Returned => (
            ProblemKind::Returned,
            format!("it was not installed any more; the new base has {ours}, and it is there again"),
        ),
        Verdict::Dropped if decision.changed => (
            ProblemKind::Dropped,
            format!("yours was {theirs}; the new base has none, and the system boots with what the base has"),
        ),
        Verdict::Keep { orphan: true } => (
            ProblemKind::Orphaned,
            format!("the new base no longer has it; yours, {theirs}, stays, and only you will update it"),
        ),
        Verdict::Keep { orphan: false }
        | Verdict::HandBack
        | Verdict::Override
        | Verdict::Base
        | Verdict::Removed
        | Verdict::Dropped
        | Verdict::Adopt => return None,
    };
    Some(Problem::of_package(kind, name, message))
}
