//! What becomes of pacman's packages, in words for the user.

use super::{Base, FORMAT, Layer};
use crate::packages::told::told;
use crate::packages::{Database, Decision, Package, State, Verdict};
use crate::report::{Problem, ProblemKind};

/// A database that cannot be composed with.
pub(super) fn unknown_format(whose: &str, format: &str) -> Problem {
    let said =
        if format.is_empty() { "does not say its format".into() } else { format!("has format {format}") };
    let message = format!(
        "{whose} database of packages {said}, and Veneer knows format {FORMAT}: the layer's database is set aside, so that \
         pacman knows nothing of packages of yours; their files stay"
    );
    Problem::of_layer(ProblemKind::Limited, message)
}

/// What the user should know of the verdicts.
pub(super) fn problems(decisions: &[Decision], layer: &Layer, new: &Base) -> Vec<Problem> {
    let mut problems = Vec::new();
    let is_half = |decision: &Decision| {
        decision.layer.and_then(|n| layer.packages().get(n)).is_some_and(|p| p.state == State::Partial)
    };
    // Half of an upgrade is spoken of below.
    let whole = decisions.iter().filter(|d| d.verdict != Verdict::HandBack || !is_half(d));
    problems.extend(whole.filter_map(|decision| told(decision, layer, new)));
    for package in layer.packages().iter().filter(|package| package.state == State::Partial) {
        let Package { name, version, .. } = package;
        let is_new = decisions.iter().any(|d| d.name == *name && matches!(d.verdict, Verdict::Keep { .. }));
        let message = if is_new {
            format!(
                "the installation of version {version} was cut off: what it had written is still there and belongs to no \
                 package; `pacman -S --overwrite '*' {name}` completes it"
            )
        } else {
            format!("the upgrade to version {version} was cut off: the new base's is used")
        };
        problems.push(Problem::of_package(ProblemKind::Limited, name, message));
    }
    problems
}
