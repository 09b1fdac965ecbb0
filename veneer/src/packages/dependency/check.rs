//! The check: what is asked for is held, what is there passes by.
//!
//! A layer's database may be anybody's: texts, comparisons and so time and memory are bounded, and a check that met a
//! bound says that it is not complete.

use std::collections::BTreeMap;

use super::matching::{Question, answers};
use super::{Capability, Kind, Member, Op, Provided, Qualifier, Report, Requirement, Unmet, Wants, What};
use crate::order;
use crate::packages::version::Order;

/// Bytes of what is held, with a share for each thing. Two hundred packages of the user's need a few MiB.
const ROOM: usize = 16 << 20;
/// What each thing takes besides its text.
const SHARE: usize = 200;
/// Bytes that are compared, with a share for each comparison. 750 packages
/// of Debian with themselves take 90 thousand.
const WORK: usize = 32 << 20;
/// Characters of a name or version in what is said about something that is there.
const SAID: usize = 80;

/// Collects what packages ask for, sees what is there, and tells what is unmet.
#[derive(Debug)]
pub struct Check {
    order: Order,
    native: String,
    askers: Vec<Asker>,
    relations: Vec<Relation>,
    slots: Vec<Slot>,
    /// The slots of single capabilities.
    by_name: BTreeMap<String, Vec<usize>>,
    /// The slots that one package must fill.
    joints: Vec<usize>,
    pub(super) room: usize,
    pub(super) work: usize,
}

#[derive(Debug)]
struct Asker {
    name: String,
    arch: String,
}

#[derive(Debug)]
struct Relation {
    asker: usize,
    text: String,
    kind: Kind,
    wants: Wants<usize>,
    /// What has the name, but not the version; or what is there and must not be.
    seen: Option<String>,
}

/// Something that is there or not.
#[derive(Debug)]
struct Slot {
    relation: usize,
    asks: Asks,
    met: bool,
    /// It belongs to what one package must have together: it matters who meets it.
    joint: bool,
}

#[derive(Debug)]
enum Asks {
    Capability {
        version: Option<(Op, String)>,
        arch: Qualifier,
    },
    /// In one package.
    Jointly(Wants<usize>),
}

impl Check {
    /// An empty check. `native` is the machine's architecture by dpkg's name; the other managers need none.
    #[must_use]
    pub fn new(order: Order, native: &str) -> Self {
        Check {
            order,
            native: native.to_owned(),
            askers: Vec::new(),
            relations: Vec::new(),
            slots: Vec::new(),
            by_name: BTreeMap::new(),
            joints: Vec::new(),
            room: ROOM,
            work: WORK,
        }
    }

    /// Notes what a package asks for. Only what is seen after that can meet it.
    pub fn require(&mut self, asker: &Member<'_>, requirements: impl IntoIterator<Item = Requirement>) {
        let mut requirements = requirements.into_iter().peekable();
        if requirements.peek().is_none() || !self.take_room(0) {
            return;
        }
        self.askers.push(Asker { name: asker.name.to_owned(), arch: self.arch(asker.arch).to_owned() });
        for requirement in requirements {
            // The name is said again for each.
            if !self.take_room(requirement.text.len() + asker.name.len() + asker.arch.len()) {
                return;
            }
            let wants = self.hold(requirement.wants);
            self.relations.push(Relation {
                asker: self.askers.len() - 1,
                text: requirement.text,
                kind: requirement.kind,
                wants,
                seen: None,
            });
        }
    }

    /// False if there is no room; it is never given back, so the report will say so.
    fn take_room(&mut self, bytes: usize) -> bool {
        self.room = self.room.saturating_sub(bytes + SHARE);
        self.room > 0
    }

    fn arch<'a>(&'a self, arch: &'a str) -> &'a str {
        if arch.is_empty() { &self.native } else { arch }
    }

    /// Slots for what a requirement consists of.
    fn hold(&mut self, wants: Wants) -> Wants<usize> {
        let mut all = |list: Vec<Wants>| list.into_iter().map(|wants| self.hold(wants)).collect();
        match wants {
            Wants::One(capability) => self.hold_one(capability),
            Wants::Any(list) => Wants::Any(all(list)),
            Wants::All(list) => Wants::All(all(list)),
            Wants::Together(list) => {
                let first = self.slots.len();
                let list = list.into_iter().map(|wants| self.hold(wants)).collect();
                self.hold_jointly(first, Wants::Together(list))
            }
            Wants::Without(what, not) => {
                let first = self.slots.len();
                let [what, not] = [what, not].map(|wants| Box::new(self.hold(*wants)));
                self.hold_jointly(first, Wants::Without(what, not))
            }
            Wants::If { what, when, otherwise } => {
                let [what, when] = [what, when].map(|wants| Box::new(self.hold(*wants)));
                let otherwise = otherwise.map(|wants| Box::new(self.hold(*wants)));
                Wants::If { what, when, otherwise }
            }
            Wants::Unless { what, when, otherwise } => {
                let [what, when] = [what, when].map(|wants| Box::new(self.hold(*wants)));
                let otherwise = otherwise.map(|wants| Box::new(self.hold(*wants)));
                Wants::Unless { what, when, otherwise }
            }
            Wants::Unknown => Wants::Unknown,
        }
    }

    fn hold_one(&mut self, capability: Capability) -> Wants<usize> {
        let Capability { name, version, arch } = capability;
        if !self.take_room(name.len() + version.as_ref().map_or(0, |(_, version)| version.len())) {
            return Wants::Unknown;
        }
        // What rpm itself can do. The rpm of the new base has installed more than the layer's ever did.
        let met = self.order == Order::Rpm && name.starts_with("rpmlib(");
        let number = self.slot(Asks::Capability { version, arch }, met);
        self.by_name.entry(name).or_default().push(number);
        Wants::One(number)
    }

    /// A slot for what one package must have, of which the parts are the slots from `first` on.
    fn hold_jointly(&mut self, first: usize, wants: Wants<usize>) -> Wants<usize> {
        self.slots[first..].iter_mut().for_each(|slot| slot.joint = true);
        let number = self.slot(Asks::Jointly(wants), false);
        self.joints.push(number);
        Wants::One(number)
    }

    fn slot(&mut self, asks: Asks, met: bool) -> usize {
        // The relation that is being read is pushed when it has been.
        self.slots.push(Slot { relation: self.relations.len(), asks, met, joint: false });
        self.slots.len() - 1
    }

    /// Sees a package that is there, with what it says that it provides. True if that meets something that a package
    /// needs and that nothing seen before has met: a reason to have it.
    pub fn see<'a>(&mut self, member: &Member<'_>, provides: impl IntoIterator<Item = Provided<'a>>) -> bool {
        let native = self.native.clone();
        let arch = if member.arch.is_empty() { &native } else { member.arch };
        let member = Member { arch, ..*member };
        let itself = Provided { name: member.name, version: Some((Op::EQUAL, member.version)), arch: None };
        let (mut fresh, mut here) = (Vec::new(), Vec::new());
        self.match_one(&member, &itself, &mut fresh, &mut here);
        for provided in provides {
            self.match_one(&member, &provided, &mut fresh, &mut here);
        }
        if !here.is_empty() {
            self.match_jointly(&member, &here, &mut fresh);
        }
        let useful = fresh.iter().any(|&slot| {
            let relation = &self.relations[self.slots[slot].relation];
            relation.kind == Kind::Needs && !self.holds(&relation.wants)
        });
        for slot in fresh {
            self.slots[slot].met = true;
        }
        useful
    }

    /// Slots that `provided` meets: new ones into `fresh`, if one package has to meet several all into `here`.
    fn match_one(
        &mut self,
        member: &Member<'_>,
        provided: &Provided<'_>,
        fresh: &mut Vec<usize>,
        here: &mut Vec<usize>,
    ) {
        let Some(slots) = self.by_name.get(provided.name) else { return };
        for &number in slots {
            let slot = &self.slots[number];
            let Asks::Capability { version, arch } = &slot.asks else { continue };
            let relation = &mut self.relations[slot.relation];
            let asker = &self.askers[relation.asker];
            if (slot.met && !slot.joint) || (relation.kind == Kind::Forbids && asker.name == member.name) {
                continue;
            }
            let version = version.as_ref().map(|(op, version)| (*op, version.as_str()));
            let length = |version: Option<(Op, &str)>| version.map_or(0, |(_, version)| version.len());
            self.work = self.work.saturating_sub(16 + length(version) + length(provided.version));
            if self.work == 0 {
                return;
            }
            let question = Question { version, arch, own_arch: &asker.arch, kind: relation.kind };
            let answer = answers(self.order, question, member, provided);
            if answer && slot.joint {
                here.push(number);
            }
            if answer && !slot.met {
                fresh.push(number);
            }
            // Of what is there in spite of all, the package; of what is not, what comes near.
            if answer == (relation.kind == Kind::Forbids) && relation.seen.is_none() {
                relation.seen = Some(describe(member, provided, relation.kind));
            }
        }
    }

    fn match_jointly(&mut self, member: &Member<'_>, here: &[usize], fresh: &mut Vec<usize>) {
        for &number in &self.joints {
            let slot = &self.slots[number];
            let Asks::Jointly(wants) = &slot.asks else { continue };
            let relation = &mut self.relations[slot.relation];
            self.work = self.work.saturating_sub(16 * (1 + here.len()));
            if self.work == 0 || slot.met {
                continue;
            }
            if wants.holds(&|slot| here.contains(&slot)) {
                fresh.push(number);
                if relation.kind == Kind::Forbids {
                    relation.seen = Some(short(member.name).to_owned());
                }
            }
        }
    }

    fn holds(&self, wants: &Wants<usize>) -> bool {
        wants.holds(&|slot| self.slots[slot].met)
    }

    /// What is not met. `is_file` answers whether a package that is there has a path, from the root on; a requirement
    /// of rpm's may be one.
    #[must_use]
    pub fn finish(mut self, is_file: &dyn Fn(&str) -> bool) -> Report {
        // All paths are together in the order of names.
        for (path, slots) in
            self.by_name.range("/".to_owned()..).take_while(|(name, _)| name.starts_with('/'))
        {
            let wanted = |slot: &&usize| {
                let Slot { relation, asks, met, .. } = &self.slots[**slot];
                let any_version = matches!(asks, Asks::Capability { version: None, .. });
                !met && any_version && self.relations[*relation].kind != Kind::Forbids
            };
            let wanted: Vec<usize> = slots.iter().filter(wanted).copied().collect();
            // Bases have /bin, /sbin and /lib* as links into /usr.
            if !wanted.is_empty() && (is_file(path) || is_file(&format!("/usr{path}"))) {
                for slot in wanted {
                    self.slots[slot].met = true;
                }
            }
        }
        let complete = self.room > 0 && self.work > 0;
        let mut unmet = Vec::new();
        for relation in &self.relations {
            let there = relation.seen.clone();
            let what = match (relation.kind, relation.wants.is_unknown()) {
                (_, true) => What::Unknown,
                // With a part unseen, what is missing here may be there.
                (Kind::Needs | Kind::Wishes, false) if self.work == 0 || self.holds(&relation.wants) => {
                    continue;
                }
                (Kind::Forbids, false) if !self.holds(&relation.wants) => continue,
                (Kind::Needs, false) => What::Missing { strong: true, there },
                (Kind::Wishes, false) => What::Missing { strong: false, there },
                (Kind::Forbids, false) => What::Conflict { with: there.unwrap_or_default() },
            };
            let asker = &self.askers[relation.asker];
            unmet.push(Unmet {
                package: asker.name.clone(),
                arch: asker.arch.clone(),
                requirement: relation.text.clone(),
                what,
            });
        }
        order::sort_by(&mut unmet, |a, b| (&a.package, &a.arch).cmp(&(&b.package, &b.arch)));
        Report { unmet, complete }
    }
}

fn describe(member: &Member<'_>, provided: &Provided<'_>, kind: Kind) -> String {
    let version = provided.version.map_or("without a version", |(_, version)| short(version));
    let (name, of) = (short(provided.name), short(member.name));
    match (kind, provided.name == member.name) {
        (Kind::Forbids, _) => of.to_owned(),
        (_, true) => format!("{name} {version}"),
        (_, false) => format!("{name} {version} of {of}"),
    }
}

fn short(text: &str) -> &str {
    text.char_indices().nth(SAID).map_or(text, |(end, _)| &text[..end])
}
