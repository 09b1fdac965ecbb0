//! Whether the packages of the new set have what they need and stand each other: what stays against what the base has, and
//! the base's own packages where something of theirs is hidden. Pure.

use std::collections::BTreeSet;

use super::Desc;
use crate::order;
use crate::packages::dependency::pacman::{provided, requirement};
use crate::packages::dependency::{Check, Kind, Member, Unmet, What};
use crate::packages::version::Order;
use crate::report::{Problem, ProblemKind};

/// How often adopted packages may ask for more of them.
const ROUNDS: usize = 16;

/// The new set of packages.
pub(super) struct Set<'a> {
    /// The user's, which stay.
    pub(super) kept: Vec<&'a Desc>,
    /// The base's, which are there.
    pub(super) present: Vec<&'a Desc>,
    /// The base's, which are not: removed by the user, or newer in the layer.
    pub(super) absent: Vec<&'a Desc>,
}

impl<'a> Set<'a> {
    /// Numbers of those of `dropped` that packages need which stay, directly or through each other.
    pub(super) fn adopted(&self, dropped: &[&'a Desc]) -> Vec<usize> {
        let mut adopted = BTreeSet::new();
        for _ in 0..ROUNDS {
            let before = adopted.len();
            let mut check = Check::new(Order::Pacman, "");
            let mine =
                || self.kept.iter().copied().chain(adopted.iter().map(|number: &usize| dropped[*number]));
            mine().for_each(|desc| need(&mut check, desc));
            for desc in self.present.iter().copied().chain(mine()) {
                see(&mut check, desc);
            }
            let candidates =
                (0..dropped.len()).filter(|number| !adopted.contains(number)).collect::<Vec<_>>();
            for number in candidates {
                if see(&mut check, dropped[number]) {
                    adopted.insert(number);
                }
            }
            if adopted.len() == before {
                break;
            }
        }
        adopted.into_iter().collect()
    }

    /// What the user should know. `was_there` tells whether the old base had a package of a name.
    pub(super) fn problems(&self, was_there: impl Fn(&str) -> bool) -> Vec<Problem> {
        let mut problems = Vec::new();
        for unmet in self.unmet() {
            let missing = requirement_name(&unmet.requirement);
            let remedy = match &unmet.what {
                What::Conflict { with } => {
                    format!("remove one of the two, `pacman -R {}` or `pacman -R {with}`", unmet.package)
                }
                What::Missing { .. } if was_there(missing) => {
                    format!(
                        "the old base had it; `pacman -S {missing}` installs it, or remove {}",
                        unmet.package
                    )
                }
                _ => format!("install what is missing, or upgrade or remove {}", unmet.package),
            };
            let message = format!("{unmet}: {remedy}");
            problems.push(Problem::of_package(ProblemKind::Dependency, &unmet.package, message));
        }
        for heir in &self.present {
            for line in &heir.replaces {
                for desc in self.kept.iter().filter(|desc| desc.name != heir.name && answers(line, desc)) {
                    let message = format!(
                        "the new base has {}, which replaces {}: `pacman -R {}` removes yours",
                        heir.name, desc.name, desc.name
                    );
                    problems.push(Problem::of_package(ProblemKind::Dependency, &desc.name, message));
                }
            }
        }
        problems
    }

    /// What does not hold, less what does not hold in the bare base either: that is its builder's business.
    fn unmet(&self) -> Vec<Unmet> {
        let mut check = Check::new(Order::Pacman, "");
        let all = || self.kept.iter().chain(&self.present).copied();
        for desc in all() {
            need(&mut check, desc);
            let conflicts = desc.conflicts.iter().map(|line| requirement(line, Kind::Forbids));
            check.require(&member(desc), conflicts);
        }
        for desc in all() {
            see(&mut check, desc);
        }
        let unmet = check.finish(&|_| false).unmet;
        let bases = order::set(self.present.iter().map(|desc| desc.name.as_str()));
        if !unmet.iter().any(|unmet| bases.contains(unmet.package.as_str())) {
            return unmet;
        }
        let mut bare = Check::new(Order::Pacman, "");
        for unmet in unmet.iter().filter(|unmet| bases.contains(unmet.package.as_str())) {
            let kind = if matches!(unmet.what, What::Conflict { .. }) { Kind::Forbids } else { Kind::Needs };
            let asker = Member { name: &unmet.package, ..Member::default() };
            bare.require(&asker, [requirement(&unmet.requirement, kind)]);
        }
        for desc in self.present.iter().chain(&self.absent) {
            see(&mut bare, desc);
        }
        let bare = bare.finish(&|_| false).unmet;
        let is_bases = |unmet: &Unmet| {
            bare.iter().any(|b| (&b.package, &b.requirement) == (&unmet.package, &unmet.requirement))
        };
        unmet.into_iter().filter(|unmet| !is_bases(unmet)).collect()
    }
}

fn member(desc: &Desc) -> Member<'_> {
    Member { name: &desc.name, version: &desc.version, ..Member::default() }
}

fn need(check: &mut Check, desc: &Desc) {
    check.require(&member(desc), desc.depends.iter().map(|line| requirement(line, Kind::Needs)));
}

fn see(check: &mut Check, desc: &Desc) -> bool {
    check.see(&member(desc), desc.provides.iter().filter_map(|line| provided(line)))
}

/// True if a package is one that a line means, by its own name.
fn answers(line: &str, desc: &Desc) -> bool {
    let mut check = Check::new(Order::Pacman, "");
    check.require(&Member::default(), [requirement(line, Kind::Needs)]);
    check.see(&member(desc), [])
}

fn requirement_name(text: &str) -> &str {
    text.split(['<', '>', '=']).next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `NAME-VERSION FIELD=LINE …`
    fn desc(text: &str) -> Desc {
        let mut words = text.split(' ');
        let (name, version) = super::super::split(words.next().expect("a name")).expect("a package");
        let mut desc = Desc { name: name.into(), version: version.into(), ..Desc::default() };
        for word in words {
            let (field, line) = word.split_once(':').expect("a field and a line");
            match field {
                "needs" => desc.depends.push(line.into()),
                "provides" => desc.provides.push(line.into()),
                "conflicts" => desc.conflicts.push(line.into()),
                "replaces" => desc.replaces.push(line.into()),
                _ => panic!("{field}"),
            }
        }
        desc
    }

    fn all(texts: &[&str]) -> Vec<Desc> {
        texts.iter().map(|text| desc(text)).collect()
    }

    fn told(kept: &[&str], present: &[&str], absent: &[&str]) -> Vec<String> {
        let (kept, present, absent) = (all(kept), all(present), all(absent));
        let set = Set {
            kept: kept.iter().collect(),
            present: present.iter().collect(),
            absent: absent.iter().collect(),
        };
        let problems = set.problems(|name| name == "old").into_iter();
        problems.map(|p| format!("{}: {}", p.package.unwrap_or_default(), p.message)).collect()
    }

    #[test]
    fn what_holds_is_not_spoken_of() {
        let kept = ["ollama-1-1 needs:libfoo>=1.0 needs:libfoo.so=1-64 conflicts:rival<2"];
        let present = ["libfoo-1.1-1 provides:libfoo.so=1-64", "rival-2-1", "heir-1-1 replaces:other"];
        assert_eq!(told(&kept, &present, &[]), [""; 0]);
    }

    #[test]
    fn each_thing_that_is_missing_is_told_with_what_can_be_done() {
        let kept = ["ollama-1-1 needs:libfoo>=2 needs:old needs:libfoo.so=1-64"];
        let present = ["libfoo-1.1-1 provides:libfoo.so=2-64"];
        let told = told(&kept, &present, &[]);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told.iter().all(|line| line.starts_with("ollama: ollama needs ")), "{told:?}");
        assert!(told[0].contains("libfoo>=2; there is libfoo 1.1-1"), "{told:?}");
        assert!(told[1].contains("pacman -S old"), "{told:?}");
        assert!(told[2].contains("libfoo.so=1-64; there is libfoo.so 2-64 of libfoo"), "{told:?}");
    }

    #[test]
    fn conflicts_count_both_ways_and_replacements_are_told() {
        let told = told(
            &["mine-1-1 conflicts:theirs", "tool-1-1", "young-5-1"],
            &["theirs-1-1", "rival-1-1 conflicts:tool<2", "heir-1-1 replaces:tool replaces:young<5"],
            &[],
        );
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("mine: mine conflicts with theirs"), "{told:?}");
        assert!(told[1].starts_with("rival: rival conflicts with tool<2; there is tool"), "{told:?}");
        assert!(told[2].starts_with("tool: the new base has heir"), "{told:?}");
    }

    #[test]
    fn the_base_is_held_to_what_it_keeps_itself() {
        // Needs what was removed; needs what nobody ever had; needs an older version than the layer's.
        let present = ["app-1-1 needs:editor", "odd-1-1 needs:nothing", "strict-1-1 needs:libfoo=1.1"];
        let told = told(&["libfoo-1.2-1"], &present, &["editor-1-1", "libfoo-1.1-1"]);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("app: app needs editor"), "{told:?}");
        assert!(told[1].starts_with("strict: strict needs libfoo=1.1; there is libfoo 1.2-1"), "{told:?}");
    }

    #[test]
    fn what_is_needed_of_the_old_base_is_adopted_with_what_that_needs() {
        let (kept, present) = (all(&["mine-1-1 needs:a needs:lib>=2"]), all(&["there-1-1", "lib-2-1"]));
        let dropped = all(&[
            "a-1-1 needs:b needs:there",
            "b-1-1 needs:virtual",
            "c-1-1",
            "d-1-1 provides:virtual",
            "lib-1-1",
        ]);
        let set = Set { kept: kept.iter().collect(), present: present.iter().collect(), absent: Vec::new() };
        assert_eq!(set.adopted(&dropped.iter().collect::<Vec<_>>()), [0, 1, 3]);
    }
}
