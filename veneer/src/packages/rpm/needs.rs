//! What packages that stay need, and whether it is there: of everything that the user has, and of the base's what the
//! user's took away.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::header::{Header, tag};
use super::list::List;
use crate::error::Result;
use crate::packages::dependency::{Check, Kind, Member, Provided, Report, Requirement, What, rpm};
use crate::packages::version::Order;
use crate::packages::{Database, Decision, Listed, Verdict, below_usr};
use crate::report::{Problem, ProblemKind};

/// The databases, what becomes of their packages, and which files are there then.
#[derive(Clone, Copy)]
pub(super) struct Needs<'a> {
    /// The old base's own database, if it is at hand.
    pub(super) old: Option<&'a List>,
    /// What the layer showed; `None` if it is the old base's.
    pub(super) layer: Option<&'a List>,
    pub(super) new: &'a List,
    pub(super) decisions: &'a [Decision],
    /// Whether a path, from the root on, is there.
    pub(super) is_file: &'a dyn Fn(&str) -> bool,
    /// Whether the base has it and it is not there all the same.
    pub(super) is_hidden: &'a dyn Fn(&str) -> bool,
}

/// A chain of packages of which each needs the next is not longer.
const ROUNDS: usize = 16;

impl Needs<'_> {
    /// The numbers, in the list of decisions, of those packages of the old base that the new one dropped and that
    /// something needs which stays.
    pub(super) fn wanted(&self) -> Result<BTreeSet<usize>> {
        let mut wanted = BTreeSet::new();
        let Some(old) = self.old else { return Ok(wanted) };
        let stays =
            |decision: &Decision| matches!(decision.verdict, Verdict::Keep { .. } | Verdict::Override);
        if !self.decisions.iter().any(stays) {
            return Ok(wanted);
        }
        for _ in 0..ROUNDS {
            let before = wanted.len();
            let mut check = self.check(&wanted)?;
            for (number, decision) in self.decisions.iter().enumerate() {
                if decision.verdict == Verdict::Dropped && !wanted.contains(&number) {
                    let see = |member: &Member<'_>, header: &Header<'_>| check.see(member, provides(header));
                    if with(Some(old), decision.old, see)? == Some(true) {
                        wanted.insert(number);
                    }
                }
            }
            let paths: HashSet<PathBuf> = check
                .finish(self.is_file)
                .unmet
                .iter()
                .filter(|unmet| matches!(unmet.what, What::Missing { .. }))
                .filter_map(|unmet| below_usr(unmet.requirement.as_bytes()).map(Path::to_path_buf))
                .collect();
            for (number, decision) in self.decisions.iter().enumerate().filter(|_| !paths.is_empty()) {
                if let (Verdict::Dropped, Some(place)) = (decision.verdict, decision.old) {
                    old.each_file(place, &mut |path, _| {
                        if matches!(path, Listed::Path(path) if paths.contains(path)) {
                            wanted.insert(number);
                        }
                    })?;
                }
            }
            if wanted.len() == before {
                break;
            }
        }
        Ok(wanted)
    }

    /// What is not met, for the user to know.
    pub(super) fn problems(&self) -> Result<Vec<Problem>> {
        // A base that is as it was built has no problems but its builder's.
        if self.decisions.iter().all(|decision| is_base(decision) || decision.verdict == Verdict::Dropped) {
            return Ok(Vec::new());
        }
        let check = self.check(&BTreeSet::new())?;
        let Report { unmet, complete } = check.finish(self.is_file);
        let mut problems = Vec::new();
        for unmet in unmet {
            let (kind, message) = match &unmet.what {
                What::Missing { .. } | What::Conflict { .. } => (
                    ProblemKind::Dependency,
                    format!("{unmet}: an upgrade of {} may mend it, and so may the next base", unmet.package),
                ),
                What::Unknown => (ProblemKind::Limited, format!("{unmet}: it was not checked")),
            };
            problems.push(Problem::of_package(kind, &unmet.package, message));
        }
        problems.extend(self.obsoleted()?);
        if !complete {
            let message = "the packages need more than could be checked; `dnf check` does it all".to_owned();
            problems.push(Problem::of_layer(ProblemKind::Limited, message));
        }
        Ok(problems)
    }

    /// Packages of the user's that one of the base's is there to replace. Both are there, until somebody upgrades.
    fn obsoleted(&self) -> Result<Vec<Problem>> {
        let mut problems = Vec::new();
        let is_kept = |decision: &&Decision| matches!(decision.verdict, Verdict::Keep { .. });
        let mut kept = BTreeMap::new();
        kept.extend(self.decisions.iter().filter(is_kept).map(|decision| (decision.name.as_str(), decision)));
        if kept.is_empty() {
            return Ok(problems);
        }
        for heir in self.decisions {
            let mut obsoletes = Vec::new();
            if is_base(heir) {
                with(Some(self.new), heir.new, |_, header| {
                    let tags = [tag::OBSOLETENAME, tag::OBSOLETEFLAGS, tag::OBSOLETEVERSION];
                    let known = relations(header, tags).filter(|(name, ..)| kept.contains_key(name));
                    obsoletes.extend(known.map(|(name, flags, version)| {
                        (name.to_owned(), rpm::requirement(name, flags, version, Kind::Needs))
                    }));
                })?;
            }
            for (name, line) in obsoletes {
                let Some(decision) = kept.get(name.as_str()) else { continue };
                let mut check = Check::new(Order::Rpm, "");
                check.require(&Member::default(), line);
                // By its name only: what it provides does not count (rpm-dependencies(7)).
                if with(self.layer, decision.layer, |member, _| check.see(member, []))? == Some(true) {
                    let message = format!(
                        "the new base has {}, which replaces {name}: the next upgrade removes yours",
                        heir.name
                    );
                    problems.push(Problem::of_package(ProblemKind::Dependency, &name, message));
                }
            }
        }
        Ok(problems)
    }

    /// A check that has seen everything that is there; of what is dropped, these numbers in the list of decisions.
    fn check(&self, adopted: &BTreeSet<usize>) -> Result<Check> {
        let mut check = Check::new(Order::Rpm, "");
        let place = |number: usize, decision: &Decision| match decision.verdict {
            Verdict::Keep { .. } | Verdict::Override => (self.layer, decision.layer),
            Verdict::Adopt => (self.old, decision.old),
            Verdict::Dropped if adopted.contains(&number) => (self.old, decision.old),
            Verdict::Base | Verdict::HandBack | Verdict::Returned => (Some(self.new), decision.new),
            Verdict::Dropped | Verdict::Removed => (None, None),
        };
        let touched = self.touched()?;
        for (number, decision) in self.decisions.iter().enumerate() {
            let (list, at) = place(number, decision);
            let is_base = is_base(decision);
            if is_base && touched.is_empty() {
                continue;
            }
            with(list, at, |member, header| {
                let all = requirements(header);
                // The base's own faults are not the layer's to tell.
                check.require(member, all.filter(|need| !is_base || self.concerns(&need.text, &touched)));
            })?;
        }
        for (number, decision) in self.decisions.iter().enumerate() {
            let (list, at) = place(number, decision);
            with(list, at, |member, header| check.see(member, provides(header)))?;
        }
        Ok(check)
    }

    /// Names that mean something else than on the bare base: of what the user has newer, removed, or added.
    fn touched(&self) -> Result<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for decision in self.decisions {
            let (list, at) = match decision.verdict {
                Verdict::Override | Verdict::Removed => (Some(self.new), decision.new),
                Verdict::Keep { .. } => (self.layer, decision.layer),
                _ => continue,
            };
            with(list, at, |member, header| {
                names.insert(member.name.to_owned());
                names.extend(provides(header).map(|provided| provided.name.to_owned()));
            })?;
        }
        Ok(names)
    }

    /// Whether a requirement of the base's is about such a name, or about a file that is hidden.
    fn concerns(&self, requirement: &str, touched: &BTreeSet<String>) -> bool {
        if requirement.starts_with('/') {
            return (self.is_hidden)(requirement);
        }
        let rich = requirement.starts_with('(');
        let trim = |word: &str| if rich { word.trim_matches(['(', ')']).to_owned() } else { word.to_owned() };
        requirement
            .split_ascii_whitespace()
            .any(|word| touched.contains(word) || touched.contains(&trim(word)))
    }
}

/// True if the package is there in the new base's version.
fn is_base(decision: &Decision) -> bool {
    matches!(decision.verdict, Verdict::Base | Verdict::HandBack | Verdict::Returned)
}

/// Shows `see` a package by its header.
fn with<T>(
    list: Option<&List>,
    number: Option<usize>,
    see: impl FnOnce(&Member<'_>, &Header<'_>) -> T,
) -> Result<Option<T>> {
    let (Some(list), Some(number)) = (list, number) else { return Ok(None) };
    let Some(package) = list.packages().get(number) else { return Ok(None) };
    let member = Member { name: &package.name, version: &package.version, ..Member::default() };
    list.with_header(number, |header| see(&member, header))
}

/// Three lists that belong together, as texts; what is not UTF-8 is nothing that anybody asks for.
fn relations<'a>(
    header: &Header<'a>,
    [names, flags, versions]: [u32; 3],
) -> impl Iterator<Item = (&'a str, u32, &'a str)> + use<'a> {
    let mut flags = header.numbers(flags);
    let mut versions = header.texts(versions);
    header.texts(names).filter_map(move |name| {
        let flags = flags.next().and_then(|flags| u32::try_from(flags).ok()).unwrap_or(0);
        let version = versions.next().unwrap_or_default();
        Some((std::str::from_utf8(name).ok()?, flags, std::str::from_utf8(version).ok()?))
    })
}

fn provides<'a>(header: &Header<'a>) -> impl Iterator<Item = Provided<'a>> + use<'a> {
    relations(header, [tag::PROVIDENAME, tag::PROVIDEFLAGS, tag::PROVIDEVERSION])
        .map(|(name, flags, version)| rpm::provided(name, flags, version))
}

fn requirements(header: &Header<'_>) -> impl Iterator<Item = Requirement> {
    let needs = relations(header, [tag::REQUIRENAME, tag::REQUIREFLAGS, tag::REQUIREVERSION]);
    let forbids = relations(header, [tag::CONFLICTNAME, tag::CONFLICTFLAGS, tag::CONFLICTVERSION]);
    let read = |kind| move |(name, flags, version)| rpm::requirement(name, flags, version, kind);
    needs.filter_map(read(Kind::Needs)).chain(forbids.filter_map(read(Kind::Forbids)))
}

#[cfg(test)]
mod tests {
    use super::super::made::{Value, list, package};
    use super::*;
    use crate::packages::{Package, Rules, Weight, judge};

    const FROM: u32 = 12;
    const EQUAL: u32 = 8;
    const LESS: u32 = 2;

    fn needs<'a>(name: &'a [&'a str], flags: &'a [u32], version: &'a [&'a str]) -> Vec<(u32, Value<'a>)> {
        three([tag::REQUIRENAME, tag::REQUIREFLAGS, tag::REQUIREVERSION], name, flags, version)
    }

    fn three<'a>(
        tags: [u32; 3],
        names: &'a [&'a str],
        flags: &'a [u32],
        versions: &'a [&'a str],
    ) -> Vec<(u32, Value<'a>)> {
        vec![
            (tags[0], Value::Texts(names)),
            (tags[1], Value::Numbers(flags)),
            (tags[2], Value::Texts(versions)),
        ]
    }

    fn files<'a>(dirs: &'a [&'a str], names: &'a [&'a str], indexes: &'a [u32]) -> Vec<(u32, Value<'a>)> {
        vec![
            (tag::DIRNAMES, Value::Texts(dirs)),
            (tag::BASENAMES, Value::Texts(names)),
            (tag::DIRINDEXES, Value::Numbers(indexes)),
        ]
    }

    fn decide(old: &List, layer: &List, new: &List) -> Vec<Decision> {
        let no = |_: &Package| false;
        let rules = Rules {
            order: &crate::packages::version::compare_rpm,
            weight: &|_| Weight::Ordinary,
            in_layer: &no,
            hidden: &|_| true,
        };
        judge(Some(old.packages()), layer.packages(), new.packages(), &rules)
    }

    /// The problems, and the names of what is wanted of the old base.
    fn judged(old: &[Vec<u8>], layer: &[Vec<u8>], new: &[Vec<u8>]) -> (Vec<String>, Vec<String>) {
        let [old, layer, new] = [old, layer, new].map(|blobs| list(blobs).expect("good"));
        let mut decisions = decide(&old, &layer, &new);
        let ask = |decisions: &[Decision]| {
            let needs = Needs {
                old: Some(&old),
                layer: Some(&layer),
                new: &new,
                decisions,
                is_file: &|path| path == "/usr/bin/there",
                is_hidden: &|path| path == "/usr/bin/hidden",
            };
            (needs.wanted().expect("good"), needs.problems().expect("good"))
        };
        let (wanted, _) = ask(&decisions);
        for number in &wanted {
            decisions[*number].verdict = Verdict::Adopt;
        }
        let (_, problems) = ask(&decisions);
        let problems = problems.into_iter().map(|problem| problem.message).collect();
        (problems, wanted.into_iter().map(|number| decisions[number].name.clone()).collect())
    }

    fn said(problems: &[String], words: &[&str]) {
        assert_eq!(problems.len(), words.len(), "{problems:#?}");
        for (problem, words) in problems.iter().zip(words) {
            assert!(problem.starts_with(words), "{problem} is not {words}…");
        }
    }

    #[test]
    fn what_stays_needs_what_is_there() {
        let mine = package(
            "mine 1-1",
            needs(
                &["lib", "lib", "/usr/bin/there", "/usr/bin/lost", "rpmlib(X)", "(lib or lost)"],
                &[FROM, FROM, 0, 0, 1 << 24 | FROM, 0],
                &["1", "3", "", "", "1", ""],
            ),
        );
        let (problems, _) = judged(
            &[package("lib 1-1", vec![])],
            &[package("lib 1-1", vec![]), mine],
            &[package("lib 2-1", needs(&["nobody-has-it"], &[0], &[""]))],
        );
        said(&problems, &["mine needs lib >= 3; there is lib 2-1", "mine needs /usr/bin/lost"]);
    }

    #[test]
    fn the_base_needs_what_the_user_took_away() {
        let new = [
            package("lib 2-1", vec![]),
            package("removed 2-1", vec![]),
            package(
                "app 1-1",
                needs(&["lib", "removed", "/usr/bin/hidden"], &[EQUAL, 0, 0], &["2-1", "", ""]),
            ),
            package("rich 1-1", needs(&["(removed or lib = 2-1)"], &[0], &[""])),
        ];
        let (problems, _) = judged(
            &[package("lib 1-1", vec![]), package("removed 1-1", vec![]), package("app 1-1", vec![])],
            &[package("lib 3-1", vec![]), package("app 1-1", vec![])],
            &new,
        );
        said(
            &problems,
            &[
                "app needs lib = 2-1; there is lib 3-1",
                "app needs removed",
                "app needs /usr/bin/hidden",
                "rich needs (removed or lib = 2-1)",
            ],
        );
    }

    #[test]
    fn what_is_needed_is_taken_from_the_old_base_with_what_that_needs() {
        let dropped = [
            package("a 1-1", needs(&["b"], &[0], &[""])),
            package("b 1-1", vec![]),
            package("c 1-1", files(&["/usr/lib/"], &["c"], &[0])),
            package("unneeded 1-1", vec![]),
        ];
        let mine = package("mine 1-1", needs(&["a", "/usr/lib/c"], &[0, 0], &["", ""]));
        let (problems, wanted) = judged(&dropped, &[&dropped[..], &[mine]].concat(), &[]);
        assert_eq!(wanted, ["a", "b", "c"]);
        // Here nobody says that the file of an adopted package is there.
        said(&problems, &["mine needs /usr/lib/c"]);
    }

    #[test]
    fn conflicts_and_heirs_are_told() {
        let conflict =
            three([tag::CONFLICTNAME, tag::CONFLICTFLAGS, tag::CONFLICTVERSION], &["mine"], &[LESS], &["2"]);
        let obsolete = three(
            [tag::OBSOLETENAME, tag::OBSOLETEFLAGS, tag::OBSOLETEVERSION],
            &["mine", "other"],
            &[LESS, LESS],
            &["2", "1"],
        );
        let (problems, _) = judged(
            &[],
            &[package("mine 1-1", vec![]), package("other 1-1", vec![])],
            &[package("enemy 1-1", conflict), package("heir 1-1", obsolete)],
        );
        said(&problems, &["enemy conflicts with mine", "the new base has heir, which replaces mine"]);
    }
}
