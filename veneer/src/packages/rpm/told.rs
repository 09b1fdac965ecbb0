//! What the user is told of packages, beside what they need.

use std::path::Path;

use crate::packages::{Database, Decision, Verdict};
use crate::report::{Problem, ProblemKind};

/// Packages that are not as the user left them.
pub(super) fn told(decisions: &[Decision], layer: &dyn Database, new: &dyn Database) -> Vec<Problem> {
    let mut problems = Vec::new();
    for decision in decisions {
        let name = decision.name.as_str();
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
            _ => continue,
        };
        problems.push(Problem::of_package(kind, name, message));
    }
    problems
}

/// A database that rpm no longer writes.
pub(super) fn foreign(whose: &str, path: &Path, what: &str) -> Problem {
    limited(format!(
        "{whose} package database ({}) cannot be used: {what}. The layer's is set aside, so that rpm knows nothing of packages \
         of yours; their files stay",
        path.display()
    ))
}

/// A base with a place for a database and none in it.
pub(super) fn no_database(dir: &Path) -> Problem {
    limited(format!(
        "the new base has no package database in /usr/{}: the layer's is set aside, and packages of yours are files only",
        dir.display()
    ))
}

fn limited(message: String) -> Problem {
    Problem { kind: ProblemKind::Limited, package: None, path: None, message }
}
