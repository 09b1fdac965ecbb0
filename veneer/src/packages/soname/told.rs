//! What is amiss with programs and libraries, in words for the user.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Amiss, What, Where};
use crate::report::{Problem, ProblemKind, display_path};

/// Programs that are named one by one.
const NAMED: usize = 3;

/// All that is amiss; `is_cut` if there was too much to look at.
pub(super) fn problems(amiss: Amiss, is_cut: bool) -> Vec<Problem> {
    let mut problems: Vec<_> =
        amiss.into_iter().map(|((package, what), place)| problem(package, &what, &place)).collect();
    if is_cut {
        let message =
            "there is too much in the layer's programs to say of all whether they find their libraries";
        problems.push(Problem::of_layer(ProblemKind::Limited, message.to_owned()));
    }
    problems
}

fn problem(package: Option<String>, what: &What, place: &Where) -> Problem {
    let path = display_path(&Path::new("/usr").join(&place.first));
    let of = package.as_ref().map(|package| format!(" of {package}")).unwrap_or_default();
    let needs = match place.count {
        0 | 1 => format!("{path}{of} needs"),
        count => format!("{path} and {} more{of} need", count - 1),
    };
    let remedy = match &package {
        Some(package) => format!("upgrade {package}, or remove it"),
        None => "get one that was made for this base".to_owned(),
    };
    let message = match what {
        What::Loader(loader) => format!("{needs} the loader {loader}, which is not there: {remedy}"),
        What::Library(library) => {
            let instead = match &place.instead[..] {
                [] => String::new(),
                there => format!(" (there is {})", there.join(", ")),
            };
            format!("{needs} {library}, which is not there{instead}: {remedy}")
        }
        What::Version { library, version } => {
            let latest = match place.instead.first() {
                None => String::new(),
                Some(latest) => format!(" (it goes up to {latest})"),
            };
            format!("{needs} {version} of {library}, which the one that is there lacks{latest}: {remedy}")
        }
        What::Weaker { library, version } => format!(
            "{path}{of} stands before the base's {library} and lacks {version}, which that one has: {}: {remedy}",
            concerned(place.users.as_ref())
        ),
        What::Renamed { library } => {
            let instead = match &place.instead[..] {
                [] => String::new(),
                there => format!(" (there is {})", there.join(", ")),
            };
            let package = package.as_deref().unwrap_or_default();
            format!(
                "your version of {package} hides the base's, and with it {library}{instead}: {}: {remedy}",
                concerned(place.users.as_ref())
            )
        }
    };
    Problem { kind: ProblemKind::Dependency, package, path: Some(path), message }
}

/// Which programs of the base do not start.
fn concerned(users: Option<&BTreeSet<PathBuf>>) -> String {
    let Some(users) = users else { return "programs of the base that need it do not start".into() };
    let named: Vec<String> =
        users.iter().take(NAMED).map(|path| display_path(&Path::new("/usr").join(path))).collect();
    match users.len().saturating_sub(NAMED) {
        0 => format!("{} cannot start with it", named.join(", ")),
        more => format!("{} and {more} more of the base cannot start with it", named.join(", ")),
    }
}
