//! What the user is told of a package by its verdict alone, whoever manages it. Pure.

use super::{Database, Decision, Verdict};
use crate::report::{Problem, ProblemKind};

/// A package that is not as the user left it; `None` for any other.
pub(super) fn told(decision: &Decision, layer: &dyn Database, new: &dyn Database) -> Option<Problem> {
    let version = |database: &dyn Database, number: Option<usize>| {
        let package = number.and_then(|number| database.packages().get(number));
        package.map(|package| package.version.clone()).unwrap_or_default()
    };
    let (theirs, ours) = (version(layer, decision.layer), version(new, decision.new));
    let (kind, message) = match decision.verdict {
        Verdict::HandBack if decision.downgraded => (
            ProblemKind::HandedBack,
            format!(
                "version {theirs} gave way to {ours}, the new base's: the system is made of this package"
            ),
        ),
        Verdict::Returned => {
            (ProblemKind::Returned, format!("was removed and is there again, as the new base's {ours}"))
        }
        _ => return None,
    };
    Some(Problem::of_package(kind, &decision.name, message))
}
