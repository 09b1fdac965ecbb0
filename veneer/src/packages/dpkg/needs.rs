//! Whether the packages of the new set have what they need and stand each other: what stays of the user's against what the
//! base has, and the base's own packages where something of theirs is not there. Pure.

use std::collections::BTreeSet;

use super::status::Status;
use crate::order;
use crate::packages::dependency::dpkg::{provides, requirements};
use crate::packages::dependency::{Check, Kind, Member, MultiArch, Requirement, Unmet, What};
use crate::packages::version::Order;
use crate::report::{Problem, ProblemKind};

/// How often adopted packages may ask for more of them.
const ROUNDS: usize = 16;

/// One package of a status file.
#[derive(Clone, Copy)]
pub(super) struct One<'a> {
    pub(super) status: &'a Status,
    pub(super) number: usize,
}

/// The new set of packages.
pub(super) struct Set<'a> {
    /// The machine's architecture.
    pub(super) native: &'a str,
    /// The user's, and the old base's that are adopted.
    pub(super) kept: Vec<One<'a>>,
    /// The base's, which are there.
    pub(super) present: Vec<One<'a>>,
    /// The base's, which are not: removed by the user, or newer in the layer.
    pub(super) absent: Vec<One<'a>>,
}

impl<'a> One<'a> {
    fn name(&self) -> &'a str {
        self.status.packages().get(self.number).map_or("", |package| &package.name)
    }

    fn arch(&self) -> &'a str {
        self.status.packages().get(self.number).map_or("", |package| &package.arch)
    }

    fn version(&self) -> &'a str {
        self.status.packages().get(self.number).map_or("", |package| &package.version)
    }

    fn field(&self, name: &str) -> String {
        self.status.field(self.number, name)
    }

    fn member(&self, multi_arch: MultiArch) -> Member<'a> {
        Member { name: self.name(), version: self.version(), arch: self.arch(), multi_arch }
    }

    fn requirements(&self, fields: &[&str], kind: Kind) -> Vec<Requirement> {
        fields.iter().flat_map(|field| requirements(&self.field(field), kind)).collect()
    }

    fn ask(&self, check: &mut Check, forbids: bool) {
        let mut all = self.requirements(&["Pre-Depends", "Depends"], Kind::Needs);
        if forbids {
            all.extend(self.requirements(&["Conflicts", "Breaks"], Kind::Forbids));
        }
        check.require(&self.member(MultiArch::No), all);
    }

    fn show(&self, check: &mut Check) -> bool {
        let multi_arch = MultiArch::parse(&self.field("Multi-Arch"));
        check.see(&self.member(multi_arch), provides(&self.field("Provides")))
    }
}

impl<'a> Set<'a> {
    /// Numbers of those of `dropped` that packages need which stay, directly or through each other.
    pub(super) fn adopted(&self, dropped: &[One<'a>]) -> Vec<usize> {
        let mut adopted = BTreeSet::new();
        for _ in 0..ROUNDS {
            let before = adopted.len();
            let mut check = Check::new(Order::Dpkg, self.native);
            let taken: Vec<One<'_>> = adopted.iter().map(|number: &usize| dropped[*number]).collect();
            let mine = || self.kept.iter().chain(&taken);
            mine().for_each(|one| one.ask(&mut check, false));
            for one in self.present.iter().chain(mine()) {
                one.show(&mut check);
            }
            for (number, one) in dropped.iter().enumerate() {
                if !adopted.contains(&number) && one.show(&mut check) {
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
        let mut problems: Vec<Problem> =
            self.unmet().iter().map(|unmet| self.problem(unmet, &was_there)).collect();
        problems.extend(self.out_of_step());
        problems
    }

    fn problem(&self, unmet: &Unmet, was_there: impl Fn(&str) -> bool) -> Problem {
        let asker = match unmet.arch.as_str() {
            arch if arch.is_empty() || arch == self.native => unmet.package.clone(),
            arch => format!("{}:{arch}", unmet.package),
        };
        let first = unmet.requirement.split([' ', '(', '|', ':']).next().unwrap_or_default();
        let remedy = match &unmet.what {
            What::Conflict { with } => format!("`apt remove {asker}` or `apt remove {with}`"),
            What::Missing { .. } if was_there(first) => format!(
                "the old base had {first}; `apt --fix-broken install` gets what is missing, or `apt remove {asker}`"
            ),
            What::Missing { .. } => {
                format!("`apt --fix-broken install` gets what is missing, or `apt remove {asker}`")
            }
            What::Unknown => "ask `apt-get check`".to_owned(),
        };
        Problem::of_package(ProblemKind::Dependency, &asker, format!("{unmet}: {remedy}"))
    }

    /// What does not hold, less what does not hold in the bare base either: that is its builder's business.
    fn unmet(&self) -> Vec<Unmet> {
        let mut check = Check::new(Order::Dpkg, self.native);
        let all = || self.kept.iter().chain(&self.present);
        all().for_each(|one| one.ask(&mut check, true));
        for one in all() {
            one.show(&mut check);
        }
        let unmet = check.finish(&|_| false).unmet;
        let key = |unmet: &Unmet| (unmet.package.clone(), unmet.arch.clone());
        let blamed = order::set(unmet.iter().map(key));
        let arch = |one: &One<'_>| if one.arch().is_empty() { self.native } else { one.arch() }.to_owned();
        let bases: Vec<&One<'_>> =
            self.present.iter().filter(|one| blamed.contains(&(one.name().to_owned(), arch(one)))).collect();
        if bases.is_empty() {
            return unmet;
        }
        let mut bare = Check::new(Order::Dpkg, self.native);
        for one in bases {
            one.ask(&mut bare, true);
        }
        for one in self.present.iter().chain(&self.absent) {
            one.show(&mut bare);
        }
        let bare = bare.finish(&|_| false).unmet;
        let is_bases =
            |unmet: &Unmet| bare.iter().any(|b| key(b) == key(unmet) && b.requirement == unmet.requirement);
        unmet.into_iter().filter(|unmet| !is_bases(unmet)).collect()
    }

    /// `Multi-Arch: same` packages have one version for all architectures: apt refuses all else until that is so.
    fn out_of_step(&self) -> Vec<Problem> {
        let same = |one: &One<'_>| one.field("Multi-Arch") == "same";
        let mut problems = Vec::new();
        for one in self.kept.iter().filter(|one| same(one)) {
            let siblings = self.present.iter().chain(&self.kept);
            let other = siblings.filter(|other| other.name() == one.name() && other.arch() != one.arch());
            if let Some(other) =
                other.filter(|other| same(other)).find(|other| other.version() != one.version())
            {
                let (name, arch) = (one.name(), if one.arch().is_empty() { self.native } else { one.arch() });
                let message = format!(
                    "{name}:{arch} is {}, and {name} of the other architecture {}: they must be of one version; \
                     `apt install {name}:{arch}` brings them together, or `apt remove {name}:{arch}`",
                    one.version(),
                    other.version()
                );
                problems.push(Problem::of_package(
                    ProblemKind::Dependency,
                    &format!("{name}:{arch}"),
                    message,
                ));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stanza a line: `NAME VERSION ARCH`, then fields parted by `;`.
    fn status(text: &str) -> Status {
        let stanza = |line: &str| {
            let mut parts = line.trim().split(';');
            let head: Vec<&str> = parts.next().unwrap_or_default().split(' ').collect();
            let fields: Vec<&str> = parts.map(str::trim).collect();
            let fields = fields.join("\n");
            format!(
                "Package: {}\nStatus: install ok installed\nArchitecture: {}\nVersion: {}\n{fields}\n\n",
                head[0], head[2], head[1]
            )
        };
        let text: String = text.lines().filter(|line| !line.trim().is_empty()).map(stanza).collect();
        Status::parse(text.into_bytes(), "amd64").expect("well-formed")
    }

    fn all(status: &Status) -> Vec<One<'_>> {
        (0..status.packages().len()).map(|number| One { status, number }).collect()
    }

    fn told(kept: &str, present: &str, absent: &str) -> Vec<String> {
        let (kept, present, absent) = (status(kept), status(present), status(absent));
        let set = Set { native: "amd64", kept: all(&kept), present: all(&present), absent: all(&absent) };
        set.problems(|name| name == "old").into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn what_holds_is_not_spoken_of() {
        let kept = "mine 1 amd64; Pre-Depends: libc6 (>= 2); Depends: a | b, virtual (>= 1), py:any; Conflicts: rival (<< 2)";
        let present = "libc6 2.41 amd64\nb 1 all\nv 1 amd64; Provides: virtual (= 3)\nrival 2 amd64\npy 3 amd64; Multi-Arch: allowed";
        assert_eq!(told(kept, present, ""), [""; 0]);
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let kept = "mine 1 amd64; Depends: libfoo1 (>= 1.0), old, gone (= 1); Breaks: rival";
        let told = told(kept, "libfoo1 0.9 amd64\nrival 1 amd64\nb 1 all; Breaks: mine (<< 2)", "");
        assert_eq!(told.len(), 5, "{told:#?}");
        assert!(told[0].starts_with("b conflicts with mine (<< 2); there is mine"), "{told:#?}");
        assert!(told[1].starts_with("mine needs libfoo1 (>= 1.0); there is libfoo1 0.9: `apt"), "{told:#?}");
        assert!(told[2].contains("the old base had old"), "{told:#?}");
        assert!(told[3].starts_with("mine needs gone (= 1): "), "{told:#?}");
        assert!(told[4].contains("`apt remove mine` or `apt remove rival`"), "{told:#?}");
    }

    #[test]
    fn a_base_package_without_what_it_needs_is_told_unless_the_base_never_had_it() {
        let present = "shell 1 amd64; Depends: removed, never";
        let told = told("", present, "removed 1 amd64");
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].starts_with("shell needs removed: "), "{told:#?}");
    }

    #[test]
    fn packages_of_two_architectures_have_one_version() {
        let kept = "libfoo1 1 i386; Multi-Arch: same\nlibbar1 2 i386; Multi-Arch: same";
        let present = "libfoo1 2 amd64; Multi-Arch: same\nlibbar1 2 amd64; Multi-Arch: same";
        let told = told(kept, present, "");
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].starts_with("libfoo1:i386 is 1"), "{told:#?}");
    }

    #[test]
    fn what_is_needed_is_adopted_with_what_that_needs() {
        let (kept, present) = (status("mine 1 amd64; Depends: libfoo1, libc6"), status("libc6 2 amd64"));
        let dropped = status("libbar1 1 amd64\nlibfoo1 1 amd64; Depends: libbar1\nother 1 amd64");
        let set = Set { native: "amd64", kept: all(&kept), present: all(&present), absent: Vec::new() };
        assert_eq!(set.adopted(&all(&dropped)), [0, 1]);
    }
}
