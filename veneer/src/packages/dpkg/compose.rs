//! The new status file: which stanza comes from where. Pure.

use std::collections::BTreeSet;

use super::diversions::Composed;
use super::status::{Stage, Status, begins, lines};
use crate::order;
use crate::packages::{Decision, Package, Verdict};

/// Where a stanza comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// The new base.
    New,
    /// The layer.
    Layer,
    /// The old base.
    Old,
}

/// A stanza of the new status file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) source: Source,
    /// Of the package there.
    pub(super) number: usize,
    /// The first word of its `Status:`, if it is to be another.
    want: Option<String>,
}

/// The new status file, and whose version of each package is there.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Sorted by package.
    pub(super) pieces: Vec<Piece>,
    /// Packages whose version is the layer's or the old base's.
    layers: BTreeSet<String>,
    /// Packages whose version is the new base's.
    bases: BTreeSet<String>,
}

impl Composed for Plan {
    fn is_layers(&self, package: &str) -> bool {
        self.layers.contains(package)
    }

    fn is_bases(&self, package: &str) -> bool {
        self.bases.contains(package)
    }
}

/// The three status files; the old base's has stanzas only if the base is at hand.
#[derive(Clone, Copy)]
pub(super) struct Statuses<'a> {
    pub(super) old: Option<&'a Status>,
    pub(super) layer: &'a Status,
    pub(super) new: &'a Status,
}

impl<'a> Statuses<'a> {
    fn of(&self, source: Source) -> Option<&'a Status> {
        match source {
            Source::New => Some(self.new),
            Source::Layer => Some(self.layer),
            Source::Old => self.old,
        }
    }

    /// The package that a piece is of.
    pub(super) fn package(&self, piece: &Piece) -> Option<&'a Package> {
        self.of(piece.source)?.packages().get(piece.number)
    }
}

impl Plan {
    /// Plans the new file. `recorded` is the list of the old base's packages (`None` if it is not known), `held` the names
    /// of those that it held.
    pub(super) fn of(
        decisions: &[Decision],
        statuses: Statuses<'_>,
        recorded: Option<&[Package]>,
        held: &BTreeSet<String>,
    ) -> Self {
        let mut plan = Plan::default();
        let Statuses { layer, new, .. } = statuses;
        let mut taken = (BTreeSet::new(), BTreeSet::new());
        for decision in decisions {
            let (source, number) = match decision.verdict {
                Verdict::Keep { .. } | Verdict::Override => (Source::Layer, decision.layer),
                Verdict::HandBack | Verdict::Base | Verdict::Returned => (Source::New, decision.new),
                Verdict::Adopt => (Source::Old, decision.old),
                Verdict::Removed | Verdict::Dropped => {
                    taken.1.extend(decision.new);
                    continue;
                }
            };
            let key = (decision.name.as_str(), decision.arch.as_str());
            let find = |status: &Status| status.packages().binary_search_by(|p| p.key().cmp(&key)).ok();
            let in_layer = find(layer);
            taken.0.extend(in_layer);
            // If the base left its configuration of a package that the user has, the user's entry is the one.
            taken.1.extend(find(new));
            let Some(number) = number else { continue };
            let names = if source == Source::New { &mut plan.bases } else { &mut plan.layers };
            names.insert(decision.name.clone());
            let want = match (source, in_layer) {
                (Source::New, Some(in_layer)) => want(statuses, in_layer, number, held),
                _ => None,
            };
            plan.pieces.push(Piece { source, number, want });
        }
        // What packages left in /etc, as far as nobody has said anything of them by now.
        for (number, package) in new.packages().iter().enumerate() {
            if !taken.1.contains(&number) && !package.is_installed() {
                plan.pieces.push(Piece { source: Source::New, number, want: None });
                taken.0.extend(layer.packages().binary_search_by(|p| p.key().cmp(&package.key())).ok());
            }
        }
        for (number, package) in layer.packages().iter().enumerate() {
            let recorded = recorded.and_then(|old| {
                old.binary_search_by(|p| p.key().cmp(&package.key())).ok().map(|number| &old[number])
            });
            // Left by a package of the old base, which the new one does not have: nobody's any more.
            let bases = recorded.is_some_and(|old| !old.is_installed() && old.is_same_build(package));
            if !taken.0.contains(&number)
                && !package.is_installed()
                && !bases
                && layer.stanza(number).is_some()
            {
                plan.pieces.push(Piece { source: Source::Layer, number, want: None });
            }
        }
        order::sort_by(&mut plan.pieces, |a, b| {
            let key = |piece| statuses.package(piece).map(Package::key);
            key(a).cmp(&key(b))
        });
        plan
    }

    /// True if the new file is the base's as it is.
    pub(super) fn is_bases_own(&self, statuses: Statuses<'_>) -> bool {
        self.pieces.len() == statuses.new.packages().len()
            && self.pieces.iter().all(|piece| piece.source == Source::New && piece.want.is_none())
            && self.others(statuses).len() == statuses.new.others().count()
    }

    /// Entries about packages that nobody has: the base's, then the layer's.
    fn others<'a>(&self, statuses: Statuses<'a>) -> Vec<&'a [u8]> {
        let named = self.pieces.iter().filter_map(|piece| statuses.package(piece));
        let mut named = order::set(named.map(|package| package.name.as_str()));
        let all = statuses.new.others().chain(statuses.layer.others());
        all.filter(|(name, _)| named.insert(name)).map(|(_, text)| text).collect()
    }

    /// Shows the new file, in pieces.
    pub(super) fn write<E>(
        &self,
        statuses: Statuses<'_>,
        mut write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for piece in &self.pieces {
            let Some(status) = statuses.of(piece.source) else { continue };
            let text = status.text(piece.number);
            let triggered =
                status.stanza(piece.number).is_some_and(|stanza| stanza.stage == Stage::Triggered);
            if piece.want.is_none() && !triggered {
                write(text)?;
            } else {
                write(&adapted(text, piece.want.as_deref(), triggered))?;
            }
            write(if text.ends_with(b"\n") { b"\n" } else { b"\n\n" })?;
        }
        for text in self.others(statuses) {
            write(text)?;
            write(if text.ends_with(b"\n") { b"\n" } else { b"\n\n" })?;
        }
        Ok(())
    }
}

/// What the user wants to become of a package, if that is not what the new base says, and was not the old base's wish.
fn want(statuses: Statuses<'_>, layer: usize, new: usize, held: &BTreeSet<String>) -> Option<String> {
    let (theirs, ours) = (statuses.layer.stanza(layer)?, statuses.new.stanza(new)?);
    let package = statuses.layer.packages().get(layer)?;
    let old = if held.contains(&package.name) { "hold" } else { "install" };
    let users = matches!(theirs.want.as_str(), "hold" | "install") && theirs.want != old;
    (users && theirs.want != ours.want && package.is_installed()).then(|| theirs.want.clone())
}

/// A stanza with another wish, and without triggers that wait: those that they wait for are the new base's, which waits for
/// nothing. They are activated anew when the system runs.
fn adapted(text: &[u8], want: Option<&str>, triggered: bool) -> Vec<u8> {
    let mut new = Vec::with_capacity(text.len() + 16);
    let mut dropping = false;
    for line in lines(text) {
        let Some((field, value)) = begins(line) else {
            if !dropping {
                new.extend_from_slice(line);
            }
            continue;
        };
        let is = |name: &str| field.eq_ignore_ascii_case(name.as_bytes());
        dropping = triggered && (is("Triggers-Pending") || is("Triggers-Awaited"));
        if dropping {
            continue;
        }
        if !is("Status") {
            new.extend_from_slice(line);
            continue;
        }
        let mut words: Vec<&[u8]> =
            value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
        if let (Some(want), Some(first)) = (want, words.first_mut()) {
            *first = want.as_bytes();
        }
        if let (true, Some(last)) = (triggered, words.last_mut()) {
            *last = b"installed";
        }
        new.extend_from_slice(b"Status: ");
        new.extend_from_slice(&words.join(&b' '));
        new.push(b'\n');
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::{Rules, Weight, judge};

    /// Rows of name, version and state; a version of `-` stands for a package that left its configuration.
    fn status(rows: &str) -> Status {
        let stanza = |row: &str| {
            let mut words = row.split(' ');
            let (name, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let state = match (words.next(), version) {
                (Some("hold"), _) => "hold ok installed",
                (Some("awaits"), _) => "install ok triggers-awaited",
                (Some("never"), _) => return format!("Package: {name}\nStatus: hold ok not-installed\n\n"),
                (_, "-") => "deinstall ok config-files",
                _ => "install ok installed",
            };
            let more = if state.ends_with("awaited") { "Triggers-Awaited: man-db\n more\n" } else { "" };
            format!(
                "Package: {name}\nStatus: {state}\nArchitecture: all\nVersion: {version}\n{more}Description: x\n\n"
            )
        };
        let text: String = rows.split(", ").filter(|row| !row.is_empty()).map(stanza).collect();
        Status::parse(text.into_bytes(), "").expect("well-formed")
    }

    fn plan(a: Option<&str>, o: &str, b: &str) -> (Plan, String) {
        let (a, o, b) = (a.map(status), status(o), status(b));
        let no = |_: &Package| false;
        let rules =
            Rules { order: &str::cmp, weight: &|_| Weight::Ordinary, in_layer: &no, hidden: &|_| true };
        let recorded = a.as_ref().map(Status::packages);
        let decisions = judge(recorded, o.packages(), b.packages(), &rules);
        let statuses = Statuses { old: None, layer: &o, new: &b };
        let held = BTreeSet::from(["held-by-a".to_owned()]);
        let plan = Plan::of(&decisions, statuses, recorded, &held);
        let mut text = Vec::new();
        plan.write(statuses, |piece| {
            text.extend_from_slice(piece);
            Ok::<(), ()>(())
        })
        .expect("a vector");
        let text = String::from_utf8(text).expect("UTF-8");
        assert_eq!(plan.is_bases_own(statuses), text.as_bytes() == whole(&b), "{text}");
        (plan, text)
    }

    fn whole(status: &Status) -> Vec<u8> {
        let texts = (0..status.packages().len()).map(|number| status.text(number));
        texts.chain(status.others().map(|(_, text)| text)).flat_map(|text| [text, b"\n"].concat()).collect()
    }

    fn rows(text: &str) -> Vec<String> {
        let status = Status::parse(text.as_bytes().to_vec(), "").expect("well-formed");
        let row = |(number, package): (usize, &Package)| {
            let want = status.stanza(number).map_or("", |stanza| &stanza.want);
            format!("{} {} {want}", package.name, package.version)
        };
        status.packages().iter().enumerate().map(row).collect()
    }

    #[test]
    fn the_base_wins_and_the_users_own_stay() {
        let a = "base 1, gone 1, newer 1, removed 1";
        let o = "base 1, gone 1, mine 7, newer 3";
        let (plan, text) = plan(Some(a), o, "base 2, fresh 1, newer 2, removed 2");
        assert_eq!(rows(&text), ["base 2 install", "fresh 1 install", "mine 7 install", "newer 3 install"]);
        assert!(plan.is_layers("mine") && plan.is_layers("newer") && plan.is_bases("base"));
        assert!(!plan.is_bases("newer") && !plan.is_bases("removed") && !plan.is_layers("gone"));
    }

    #[test]
    fn without_changes_the_file_is_the_bases() {
        let (_, text) = plan(Some("a 1, b 1"), "a 1, b 1", "a 2, b -, c 1 never");
        assert_eq!(rows(&text), ["a 2 install", "b - deinstall"]);
    }

    #[test]
    fn what_a_package_left_in_etc_stays_known() {
        let (_, text) = plan(Some("a 1, b 1, d -"), "a -, b 1, c -, d -", "a 2, b 2");
        assert_eq!(rows(&text), ["a - deinstall", "b 2 install", "c - deinstall"]);
        let (_, text) = plan(Some(""), "a -", "a 2");
        assert_eq!(rows(&text), ["a 2 install"], "the base has it now");
        let (_, text) = plan(Some(""), "a 5, b -", "a -, b -");
        assert_eq!(rows(&text), ["a 5 install", "b - deinstall"]);
    }

    #[test]
    fn holds_are_the_users() {
        let o = "a 1 hold, held-by-a 1, both 3 hold, old 1 hold";
        let (_, text) =
            plan(Some("a 1, held-by-a 1, both 1, old 1"), o, "a 2, held-by-a 2 hold, both 2, old 2 hold");
        assert_eq!(rows(&text), ["a 2 hold", "both 3 hold", "held-by-a 2 install", "old 2 hold"]);
        let (_, text) = plan(None, "x 1 never, y 1 never", "y 1");
        assert!(
            text.contains("Package: x\nStatus: hold ok not-installed\n")
                && text.matches("Package: y").count() == 1
        );
    }

    #[test]
    fn triggers_do_not_wait_for_a_base_that_is_gone() {
        let (_, text) = plan(Some(""), "mine 1 awaits", "man-db 1");
        assert!(text.contains("Package: mine\nStatus: install ok installed\n"), "{text}");
        assert!(
            !text.contains("Triggers-") && !text.contains("more") && text.contains("Description: x\n"),
            "{text}"
        );
    }

    /// A million: see [`crate::fuzz`].
    #[test]
    fn noise_is_composed_without_a_panic_and_each_package_once() {
        let good = b"Package: a\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 1:2~rc1-3\n\n\
            Package: b\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 2\nProvides: e\n more\n\n\
            Package: c\nStatus: install ok triggers-awaited\nVersion: 1\nTriggers-Awaited: a\n\n";
        let mut random = crate::fuzz::Random::new();
        let order = |a: &str, b: &str| crate::packages::version::Order::Dpkg.compare(a, b);
        for round in 0..crate::fuzz::rounds(3000) {
            let mut status = || loop {
                if let Ok(status) = Status::parse(random.mangle(good), "amd64") {
                    return status;
                }
            };
            let (a, o, b) = (status(), status(), status());
            let old = (round % 2 == 0).then_some(a.packages());
            let rules = Rules {
                order: &order,
                weight: &|package| match package.name.as_str() {
                    "b" => Weight::Essential,
                    "c" => Weight::Critical,
                    _ => Weight::Ordinary,
                },
                in_layer: &|package| package.name != "b",
                hidden: &|package| package.name != "a",
            };
            let decisions = judge(old, o.packages(), b.packages(), &rules);
            let statuses = Statuses { old: None, layer: &o, new: &b };
            let plan = Plan::of(&decisions, statuses, old, &BTreeSet::new());
            let mut text = Vec::new();
            plan.write(statuses, |piece| {
                text.extend_from_slice(piece);
                Ok::<(), ()>(())
            })
            .expect("a vector");
            let keys: Vec<_> =
                plan.pieces.iter().filter_map(|piece| statuses.package(piece)).map(Package::key).collect();
            assert!(keys.windows(2).all(|two| two[0] < two[1]), "{keys:?}");
            let again = Status::parse(text.clone(), "amd64").expect("what is composed is well-formed");
            let found: Vec<_> = again.packages().iter().map(Package::key).collect();
            assert_eq!(found, keys, "{}", text.escape_ascii());
        }
    }
}
