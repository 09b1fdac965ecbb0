//! What becomes of each package when its layer goes to another base: the rule table of docs/packages.md. Pure.

use std::cmp::Ordering;

use super::{Package, State};

/// What becomes of a package. The order is that of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The user's own, which the new base does not have: files and entry stay. An orphan is a package of the old base
    /// that the user has in another version and that the new base no longer has.
    Keep {
        /// True if no base will bring updates for it any more.
        orphan: bool,
    },
    /// The base's version is used, and the user's goes.
    HandBack,
    /// The user's version is newer than the base's and stays over it.
    Override,
    /// The base's, as it was.
    Base,
    /// Removed by the user, and it stays removed.
    Removed,
    /// Removed by the user, and there again all the same, since the system does not work without it or the layer does
    /// not tell for sure.
    Returned,
    /// The old base's, which the new one does not have: it goes.
    Dropped,
    /// The old base's, which the new one does not have, but a package that stays needs it: it is copied from the old base.
    Adopt,
}

/// What the old base had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old<'a> {
    /// The layer has no record of its base.
    Unknown,
    /// No such package, or none with files.
    Absent,
    /// This one.
    There(&'a Package),
}

/// How much depends on a package.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// What depends on it says so.
    #[default]
    Ordinary,
    /// The base says that no system goes without it: a newer version may take its place, nothing cannot.
    Essential,
    /// It is in the critical set ([`super::is_critical`]): the base's version is used.
    Critical,
}

/// One package, seen from three sides.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// In the old base.
    pub old: Old<'a>,
    /// What the layer showed on it; `None` if it had no files of it.
    pub layer: Option<&'a Package>,
    /// In the new base; `None` if it has no files of it.
    pub new: Option<&'a Package>,
    /// How much depends on it.
    pub weight: Weight,
    /// True if the layer has a description of its own of the package: it was installed, upgraded or reinstalled there.
    /// Counts where the old base is not known.
    pub in_layer: bool,
    /// True if the layer hides the old base's description, which tells that the package was removed; where a database
    /// is one file and cannot tell, true if the old base is known.
    pub hidden: bool,
}

impl Case<'_> {
    /// The verdict; `None` if nobody has files of the package, or only the old base had. [`Verdict::Adopt`] is never
    /// the answer here: whether somebody needs a dropped package is known when all verdicts are.
    #[must_use]
    #[allow(clippy::match_same_arms)] // a table: each row stands for a rule of its own
    pub fn verdict(&self, order: impl Fn(&str, &str) -> Ordering) -> Option<Verdict> {
        let unchanged = |layer: &Package| !self.is_changed(layer);
        let was_there = match self.old {
            Old::There(_) => true,
            Old::Absent => false,
            // Only something of the old base can be hidden.
            Old::Unknown => self.hidden,
        };
        Some(match (self.layer, self.new) {
            (None, None) => return None,
            (None, Some(_)) if !was_there => Verdict::Base,
            (None, Some(_)) if self.weight > Weight::Ordinary || !self.hidden => Verdict::Returned,
            (None, Some(_)) => Verdict::Removed,
            (Some(layer), None) if unchanged(layer) => Verdict::Dropped,
            // A libc of no base that is booted.
            (Some(_), None) if was_there && self.weight == Weight::Critical => Verdict::Dropped,
            (Some(_), None) => Verdict::Keep { orphan: was_there },
            (Some(layer), Some(_)) if unchanged(layer) => Verdict::Base,
            (Some(layer), Some(new)) => match order(&layer.version, &new.version) {
                Ordering::Less | Ordering::Equal => Verdict::HandBack,
                Ordering::Greater if self.weight == Weight::Critical => Verdict::HandBack,
                // Half a package over a whole one is none.
                Ordering::Greater if layer.state == State::Partial => Verdict::HandBack,
                Ordering::Greater => Verdict::Override,
            },
        })
    }
}

impl Case<'_> {
    /// Whether the layer's is not the old base's. A layer without a record shows it by its own description.
    fn is_changed(&self, layer: &Package) -> bool {
        match self.old {
            Old::There(old) => !old.is_same_build(layer),
            Old::Absent => true,
            Old::Unknown => self.in_layer,
        }
    }
}

/// A package, the verdict on it, and its number in each of the databases that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its name.
    pub name: String,
    /// See [`Package::arch`].
    pub arch: String,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Its number in the old base's list; `None` too if that is not known.
    pub old: Option<usize>,
    /// Its number in the layer's list.
    pub layer: Option<usize>,
    /// Its number in the new base's list.
    pub new: Option<usize>,
    /// True if the layer's is not the old base's: the user installed or upgraded it.
    pub changed: bool,
    /// True if the layer's version is newer than the base's that takes its place.
    pub downgraded: bool,
}

/// What a package manager knows that the lists of packages do not say.
pub struct Rules<'a> {
    /// Its order of versions.
    pub order: &'a dyn Fn(&str, &str) -> Ordering,
    /// See [`Case::weight`]: the greater one, of the layer's and the new base's, counts.
    pub weight: &'a dyn Fn(&Package) -> Weight,
    /// See [`Case::in_layer`].
    pub in_layer: &'a dyn Fn(&Package) -> bool,
    /// See [`Case::hidden`].
    pub hidden: &'a dyn Fn(&Package) -> bool,
}

/// Judges every package that the layer or the new base has files of. All lists are sorted by [`Package::key`]; `old` is
/// `None` if nothing is known of the old base.
#[must_use]
pub fn judge(
    old: Option<&[Package]>,
    layer: &[Package],
    new: &[Package],
    rules: &Rules<'_>,
) -> Vec<Decision> {
    let mut decisions = Vec::with_capacity(new.len());
    let (mut o, mut b) = (0, 0);
    while o < layer.len() || b < new.len() {
        let ordering = match (layer.get(o), new.get(b)) {
            (Some(left), Some(right)) => left.key().cmp(&right.key()),
            (None, _) => Ordering::Greater,
            (_, None) => Ordering::Less,
        };
        let (in_layer, in_new) = (ordering.is_le().then_some(o), ordering.is_ge().then_some(b));
        o += usize::from(in_layer.is_some());
        b += usize::from(in_new.is_some());
        let installed = |list: &'_ [Package], number: Option<usize>| {
            number.filter(|number| list.get(*number).is_some_and(Package::is_installed))
        };
        let (in_layer, in_new) = (installed(layer, in_layer), installed(new, in_new));
        let (theirs, ours) = (in_layer.map(|n| &layer[n]), in_new.map(|n| &new[n]));
        let Some(one) = theirs.or(ours) else { continue };
        let in_old = old.and_then(|old| {
            installed(old, old.binary_search_by(|package| package.key().cmp(&one.key())).ok())
        });
        let case = Case {
            old: match (old, in_old) {
                (None, _) => Old::Unknown,
                (Some(_), None) => Old::Absent,
                (Some(old), Some(number)) => Old::There(&old[number]),
            },
            layer: theirs,
            new: ours,
            weight: (rules.weight)(one).max(ours.map_or(Weight::Ordinary, rules.weight)),
            in_layer: (rules.in_layer)(one),
            hidden: (rules.hidden)(one),
        };
        let Some(verdict) = case.verdict(rules.order) else { continue };
        let downgraded = verdict == Verdict::HandBack
            && theirs.zip(ours).is_some_and(|(o, b)| (rules.order)(&o.version, &b.version).is_gt());
        decisions.push(Decision {
            name: one.name.clone(),
            arch: one.arch.clone(),
            verdict,
            old: in_old,
            layer: in_layer,
            new: in_new,
            changed: theirs.is_some_and(|theirs| case.is_changed(theirs)),
            downgraded,
        });
    }
    decisions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(version: &str) -> Package {
        Package { name: "x".into(), version: version.into(), ..Package::default() }
    }

    /// `-` for absent, `?` for unknown, else a version; versions are compared as texts.
    fn verdict(old: &str, layer: &str, new: &str, more: impl Fn(&mut Case<'_>)) -> Option<Verdict> {
        let there = |text: &str| (text != "-").then(|| package(text));
        let (a, o, b) = (there(old), there(layer), there(new));
        let mut case = Case {
            old: match &a {
                _ if old == "?" => Old::Unknown,
                None => Old::Absent,
                Some(a) => Old::There(a),
            },
            layer: o.as_ref(),
            new: b.as_ref(),
            weight: Weight::Ordinary,
            in_layer: false,
            hidden: true,
        };
        more(&mut case);
        case.verdict(str::cmp)
    }

    #[test]
    fn the_table() {
        use Verdict::{Base, Dropped, HandBack, Keep, Override, Removed};
        for (a, o, b, expected) in [
            ("-", "1", "-", Some(Keep { orphan: false })),
            ("-", "1", "1", Some(HandBack)),
            ("-", "1", "2", Some(HandBack)),
            ("-", "3", "2", Some(Override)),
            ("1", "1", "1", Some(Base)),
            ("1", "1", "2", Some(Base)),
            // A base that goes back.
            ("2", "2", "1", Some(Base)),
            ("1", "2", "2", Some(HandBack)),
            ("1", "2", "3", Some(HandBack)),
            ("1", "3", "2", Some(Override)),
            // The user went back, and the base did not.
            ("2", "1", "2", Some(HandBack)),
            ("1", "2", "-", Some(Keep { orphan: true })),
            ("1", "1", "-", Some(Dropped)),
            ("1", "-", "1", Some(Removed)),
            ("1", "-", "2", Some(Removed)),
            ("-", "-", "1", Some(Base)),
            ("1", "-", "-", None),
            ("-", "-", "-", None),
        ] {
            assert_eq!(verdict(a, o, b, |_| {}), expected, "{a} {o} {b}");
        }
    }

    #[test]
    fn the_critical_set_is_the_bases() {
        use Verdict::{Base, Dropped, HandBack, Keep, Returned};
        for (a, o, b, expected) in [
            ("1", "3", "2", HandBack),
            ("-", "3", "2", HandBack),
            ("1", "2", "-", Dropped),
            ("1", "-", "2", Returned),
            ("1", "1", "2", Base),
            // A kernel of the user's own, or libc for another architecture.
            ("-", "1", "-", Keep { orphan: false }),
        ] {
            assert_eq!(
                verdict(a, o, b, |case| case.weight = Weight::Critical),
                Some(expected),
                "{a} {o} {b}"
            );
        }
    }

    #[test]
    fn what_no_system_goes_without_may_be_newer_but_not_gone() {
        assert_eq!(verdict("1", "3", "2", |case| case.weight = Weight::Essential), Some(Verdict::Override));
        assert_eq!(verdict("1", "-", "2", |case| case.weight = Weight::Essential), Some(Verdict::Returned));
    }

    #[test]
    fn what_the_layer_does_not_show_for_sure_is_not_removed() {
        assert_eq!(verdict("1", "-", "2", |case| case.hidden = false), Some(Verdict::Returned));
    }

    #[test]
    fn half_a_package_goes_back() {
        let half = Package { state: State::Partial, ..package("3") };
        let (a, b) = (package("1"), package("2"));
        let case = Case {
            old: Old::There(&a),
            layer: Some(&half),
            new: Some(&b),
            weight: Weight::Ordinary,
            in_layer: true,
            hidden: false,
        };
        assert_eq!(case.verdict(str::cmp), Some(Verdict::HandBack));
    }

    #[test]
    fn without_a_record_the_layers_own_descriptions_tell() {
        use Verdict::{Base, Dropped, HandBack, Keep, Override, Removed};
        for (o, b, in_layer, hidden, expected) in [
            ("1", "-", true, false, Keep { orphan: false }),
            ("1", "-", false, false, Dropped),
            ("1", "2", true, false, HandBack),
            ("3", "2", true, false, Override),
            ("1", "2", false, false, Base),
            ("3", "2", false, false, Base),
            ("-", "1", false, false, Base),
            ("-", "1", false, true, Removed),
        ] {
            let got = verdict("?", o, b, |case| (case.in_layer, case.hidden) = (in_layer, hidden));
            assert_eq!(got, Some(expected), "{o} {b} {in_layer} {hidden}");
        }
    }

    #[test]
    fn each_package_is_judged_once_and_found_again() {
        let list = |rows: &[(&str, &str, State)]| -> Vec<Package> {
            rows.iter()
                .map(|(name, version, state)| Package {
                    name: (*name).into(),
                    version: (*version).into(),
                    state: *state,
                    ..Package::default()
                })
                .collect()
        };
        let i = State::Installed;
        let a = list(&[("base", "1", i), ("gone", "1", i), ("left", "1", State::Leftover), ("rm", "1", i)]);
        let o = list(&[
            ("base", "1", i),
            ("gone", "1", i),
            ("left", "1", State::Leftover),
            ("mine", "1", i),
            ("rm", "1", State::Leftover),
        ]);
        let b = list(&[("base", "2", i), ("left", "2", i), ("new", "1", i), ("rm", "2", i)]);
        let no = |_: &Package| false;
        let rules = Rules {
            order: &|a, b| a.cmp(b),
            weight: &|_| Weight::Ordinary,
            in_layer: &no,
            hidden: &|_| true,
        };
        let got: Vec<_> = judge(Some(&a), &o, &b, &rules)
            .into_iter()
            .map(|d| (d.name, d.verdict, (d.old, d.layer, d.new)))
            .collect();
        let row = |name: &str, verdict, numbers| (name.to_owned(), verdict, numbers);
        let expected = [
            row("base", Verdict::Base, (Some(0), Some(0), Some(0))),
            row("gone", Verdict::Dropped, (Some(1), Some(1), None)),
            row("left", Verdict::Base, (None, None, Some(1))),
            row("mine", Verdict::Keep { orphan: false }, (None, Some(3), None)),
            row("new", Verdict::Base, (None, None, Some(2))),
            row("rm", Verdict::Removed, (Some(3), None, Some(3))),
        ];
        assert_eq!(got, expected);
    }

    /// A million: see [`crate::fuzz`].
    #[test]
    fn noise_is_judged_without_a_panic_and_each_package_once() {
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(3000) {
            let mut list = || {
                let mut packages: Vec<Package> = (0..random.below(12))
                    .map(|_| Package {
                        name: ["a", "b", "c", ""][random.below(4)].into(),
                        arch: ["", "x"][random.below(2)].into(),
                        version: ["1", "2", "3"][random.below(3)].into(),
                        identity: random.below(2) as u64,
                        state: [State::Installed, State::Partial, State::Leftover][random.below(3)],
                        wanted: false,
                    })
                    .collect();
                packages.sort_by(|a, b| a.key().cmp(&b.key()));
                packages.dedup_by(|a, b| a.key() == b.key());
                packages
            };
            let (a, o, b) = (list(), list(), list());
            let old = (random.below(4) > 0).then_some(a.as_slice());
            let (critical, in_layer, hidden) =
                (random.below(2) == 0, random.below(2) == 0, random.below(2) == 0);
            let rules = Rules {
                order: &|a, b| a.cmp(b),
                weight: &|_| if critical { Weight::Critical } else { Weight::Ordinary },
                in_layer: &|_| in_layer,
                hidden: &|_| hidden,
            };
            let decisions = judge(old, &o, &b, &rules);
            assert!(
                decisions.windows(2).all(|two| (&two[0].name, &two[0].arch) < (&two[1].name, &two[1].arch))
            );
            for decision in decisions {
                let installed = |list: &[Package], n: Option<usize>| n.is_none_or(|n| list[n].is_installed());
                assert!(installed(&o, decision.layer) && installed(&b, decision.new), "{decision:?}");
                let (o, b) = (decision.layer.map(|n| &o[n]), decision.new.map(|n| &b[n]));
                match decision.verdict {
                    Verdict::Keep { .. } | Verdict::Dropped => assert!(o.is_some() && b.is_none()),
                    Verdict::HandBack => assert!(o.is_some() && b.is_some()),
                    Verdict::Override => {
                        assert!(!critical && o.is_some_and(|o| b.is_some_and(|b| o.version > b.version)));
                    }
                    Verdict::Base => assert!(b.is_some()),
                    Verdict::Removed | Verdict::Returned => assert!(o.is_none() && b.is_some()),
                    Verdict::Adopt => panic!("nobody asked whether it is needed"),
                }
            }
        }
    }
}
