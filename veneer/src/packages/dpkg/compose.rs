//! Which packages the new database lists. Pure: three lists of stanzas in, one out.

use std::collections::{BTreeMap, BTreeSet};

use super::status::{Name, Stanza};
use crate::report::{Problem, ProblemKind};

/// The new database, and what follows from it for files.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Composition {
    /// The new status file.
    pub status: String,
    /// Packages of the user's that the base lacks: they stay, files and all.
    pub kept: BTreeSet<Name>,
    /// Packages that the base has, or that nobody has any more: what the layer holds of them goes.
    pub gone: BTreeSet<Name>,
    /// Packages that the user removed and the base has: they are back, so what hides their files goes.
    pub returned: BTreeSet<Name>,
    /// What the user should know.
    pub problems: Vec<Problem>,
}

/// Composes the database for base B.
///
/// `old` is base A's list, `None` if nothing is known of A; `layer` is what the layer showed on A; `new` is B's.
/// `in_upper` tells whether the layer holds files of a package, which stands in for A's list where that is unknown.
#[must_use]
pub fn compose(
    old: Option<&[Stanza]>,
    layer: &[Stanza],
    new: &[Stanza],
    in_upper: impl Fn(&Name) -> bool,
) -> Composition {
    let (a, o, b) = (old.map(index), index(layer), index(new));
    let mut result = Composition::default();
    // The base's, replaced and joined by the user's.
    let mut stanzas = b.clone();
    for (&name, &theirs) in &o {
        let before = a.as_ref().and_then(|a| a.get(name));
        let unchanged = before
            .is_some_and(|before| before.version == theirs.version && before.installed == theirs.installed);
        match b.get(name) {
            Some(_) if unchanged => {}
            Some(base) if theirs.installed && base.installed => {
                // Without A's list, a package whose version is the base's own, or that has no file in the layer, was
                // never the user's.
                if theirs.version != base.version && (a.is_some() || in_upper(name)) {
                    result.problems.push(handed_back(name, theirs, base));
                }
                result.gone.insert(name.clone());
            }
            Some(base) if base.installed => {
                result.problems.push(returned(name, base));
                result.returned.insert(name.clone());
            }
            Some(_) | None if theirs.installed => {
                let users_own = if a.is_some() { !unchanged } else { in_upper(name) };
                if users_own {
                    result.kept.insert(name.clone());
                    stanzas.insert(name, theirs);
                } else {
                    result.gone.insert(name.clone());
                }
            }
            // Removed by the user, its configuration kept in /etc: the entry is all there is of it.
            None if !unchanged => {
                stanzas.insert(name, theirs);
            }
            Some(_) | None => {}
        }
    }
    for (&name, &base) in &b {
        let removed = a.as_ref().is_some_and(|a| a.get(name).is_some_and(|before| before.installed));
        if base.installed && removed && !o.contains_key(name) {
            result.problems.push(returned(name, base));
            result.returned.insert(name.clone());
        }
    }
    let stanzas: Vec<&Stanza> = stanzas.into_values().collect();
    check_dependencies(&stanzas, &result.kept, &mut result.problems);
    for stanza in &stanzas {
        result.status.extend([&*stanza.text, "\n\n"]);
    }
    result
}

/// The stanzas by name; of two of one name the later counts.
fn index(list: &[Stanza]) -> BTreeMap<&Name, &Stanza> {
    list.iter().map(|stanza| (&stanza.name, stanza)).collect()
}

fn handed_back(name: &Name, theirs: &Stanza, base: &Stanza) -> Problem {
    let message = format!(
        "the layer had {name} {}, the base has {}: the base's is used; install yours again if you need it",
        theirs.version, base.version
    );
    Problem::of_package(ProblemKind::HandedBack, &name.package, message)
}

fn returned(name: &Name, base: &Stanza) -> Problem {
    let message = format!("{name} had been removed; the new base has {} and it is there again", base.version);
    Problem::of_package(ProblemKind::Returned, &name.package, message)
}

/// Reports kept packages that need a package which is not there at all. Whether its version is enough is for the
/// package engine, and for `apt-get check`.
fn check_dependencies(stanzas: &[&Stanza], kept: &BTreeSet<Name>, problems: &mut Vec<Problem>) {
    let mut there: BTreeSet<String> = BTreeSet::new();
    for stanza in stanzas.iter().filter(|stanza| stanza.installed) {
        there.insert(stanza.name.package.clone());
        there.extend(names(&stanza.field("Provides").unwrap_or_default(), ','));
    }
    for stanza in stanzas.iter().filter(|stanza| kept.contains(&stanza.name)) {
        for field in ["Pre-Depends", "Depends"] {
            for group in stanza.field(field).unwrap_or_default().split(',').filter(|g| !g.trim().is_empty()) {
                if !names(group, '|').iter().any(|name| there.contains(name)) {
                    let message = format!(
                        "{} needs {}, which this base does not have; `apt-get --fix-broken install` gets it",
                        stanza.name,
                        group.trim()
                    );
                    problems.push(Problem::of_package(
                        ProblemKind::Dependency,
                        &stanza.name.package,
                        message,
                    ));
                }
            }
        }
    }
}

/// The package names of a relation field: `a:any (>= 1) [amd64]` is `a`.
fn names(field: &str, separator: char) -> Vec<String> {
    let ends = [' ', '\t', '\n', '(', '[', ':', '<'];
    let name = |part: &str| part.trim().split(ends).next().unwrap_or_default().to_owned();
    field.split(separator).map(name).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::status::parse_status;
    use super::*;

    fn list(rows: &[&str]) -> Vec<Stanza> {
        let stanza = |row: &&str| {
            let mut words = row.splitn(3, ' ');
            let (name, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let state = if version == "-" { "deinstall ok config-files" } else { "install ok installed" };
            let more = words.next().unwrap_or_default();
            format!("Package: {name}\nStatus: {state}\nArchitecture: amd64\nVersion: {version}\n{more}\n\n")
        };
        parse_status(&rows.iter().map(stanza).collect::<String>())
    }

    fn versions(composition: &Composition) -> Vec<String> {
        let row = |stanza: Stanza| format!("{} {}", stanza.name, stanza.version);
        parse_status(&composition.status).into_iter().map(row).collect()
    }

    fn kinds(composition: &Composition) -> Vec<ProblemKind> {
        composition.problems.iter().map(|problem| problem.kind).collect()
    }

    #[test]
    fn the_base_wins_and_the_users_own_stay() {
        let a = list(&["libc 1", "gone 1", "tool 1"]);
        let o = list(&["libc 1", "gone 1", "tool 1", "mine 7 Depends: libc (>= 1)", "both 1"]);
        let b = list(&["libc 2", "tool 1", "both 2", "new 1"]);
        let got = compose(Some(&a), &o, &b, |_| false);
        assert_eq!(versions(&got), ["both 2", "libc 2", "mine 7", "new 1", "tool 1"]);
        assert_eq!(kinds(&got), [ProblemKind::HandedBack]);
        assert_eq!(got.kept.len(), 1);
    }

    #[test]
    fn removed_packages_come_back_and_are_named() {
        let a = list(&["x 1", "y 1"]);
        let got = compose(Some(&a), &list(&["y -"]), &list(&["x 2", "y 2"]), |_| false);
        assert_eq!(versions(&got), ["x 2", "y 2"]);
        assert_eq!(kinds(&got), [ProblemKind::Returned, ProblemKind::Returned]);
    }

    #[test]
    fn without_a_record_files_in_the_layer_tell_whose_a_package_is() {
        let o = list(&["old 1", "mine 1"]);
        let got = compose(None, &o, &[], |name| name.package == "mine");
        assert_eq!(versions(&got), ["mine 1"]);
        assert!(got.gone.iter().any(|name| name.package == "old"));
    }

    #[test]
    fn missing_dependencies_are_named() {
        let o = list(&["mine 1 Depends: there | other, virtual:any (>= 2), lost (= 1)"]);
        let b = list(&["there 1 Provides: virtual (= 3)"]);
        let got = compose(Some(&[]), &o, &b, |_| true);
        assert_eq!(kinds(&got), [ProblemKind::Dependency]);
        assert!(got.problems[0].message.contains("lost (= 1)"));
    }
}
