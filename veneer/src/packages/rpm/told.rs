//! What the user is told of databases that cannot be composed with.

use std::path::Path;

use crate::report::{Problem, ProblemKind};

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
    Problem::of_layer(ProblemKind::Limited, message)
}
