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

/// What became of packages, if it is not what the user would expect.
pub(super) fn problems(decisions: &[Decision], layer: &Layer, new: &Base) -> Vec<Problem> {
    let mut problems = Vec::new();
    for decision in decisions {
        problems.extend(told(&decision.name, decision, layer, new));
        problems.extend(unfinished(decision, layer));
    }
    problems
}

/// A package whose installation was cut off, and that the base does not have.
fn unfinished(decision: &Decision, layer: &Layer) -> Option<Problem> {
    let package = decision.layer.and_then(|number| layer.packages().get(number))?;
    let stays = matches!(decision.verdict, Verdict::Keep { .. }) && package.state == State::Partial;
    let Package { name, version, .. } = package;
    stays.then(|| {
        let message = format!(
            "the installation of {version} was cut off: what there is of it stays, and belongs to no package; \
             `pacman -S --overwrite '*' {name}` completes it"
        );
        Problem::of_package(ProblemKind::Unfinished, name, message)
    })
}
