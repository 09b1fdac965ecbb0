//! One random story: a base, what a user does on it, the base after it; and sometimes the same again.

use std::fmt;
use std::path::{Path, PathBuf};

use veneer_tests::base::{Base, Form, system};
use veneer_tests::dice::Dice;
use veneer_tests::edit::{Edit, Edits, Special};
use veneer_tests::store::Store;

use crate::content::{CAPABILITY, acl};
use crate::rebased::{Ground, Journey};

/// All edits may fail, so that a story from which some are left out is a story, too.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) ground: Ground,
    /// Base A; the user on A; B, made from A; the user on B; C, made from B.
    pub(crate) acts: [Vec<Edit>; 5],
    /// Whether the journey ends on a base that is as the last one.
    same: bool,
}

/// What an act is, and how many edits it has.
const ACTS: [(&str, usize); 5] = [("A", 24), ("user on A", 14), ("B", 12), ("user on B", 8), ("C", 8)];

impl Case {
    pub(crate) fn new(dice: &mut Dice, form: Form, store: Store) -> Case {
        let recorded = !once_in(dice, 3);
        let length = if once_in(dice, 3) { 5 } else { 3 };
        let mut names = Names::default();
        let mut acts = ACTS.map(|(_, count)| (0..count).map(|_| names.edit(dice)).collect());
        for act in acts.iter_mut().skip(length) {
            *act = Vec::new();
        }
        Case { ground: Ground { form, store, recorded }, acts, same: once_in(dice, 3) }
    }

    /// Lives through it; panics where something is not as it must be.
    pub(crate) fn run(&self, dir: &Path) {
        let mut base = system("1").dir("share/r").then(tries(&self.acts[0]));
        let mut journey = Journey::start(dir, self.ground, &base);
        for (step, acts) in self.acts[1..].chunks(2).enumerate() {
            if step > 0 && acts.iter().all(Vec::is_empty) {
                continue;
            }
            journey.live(&tries(&acts[0]));
            base = base.then(tries(&acts[1])).file("lib/os-release", release(step));
            journey.follow(&Base::build(dir, &format!("B{step}"), self.ground.form, &base));
        }
        if self.same {
            journey.rest();
            let base = base.file("lib/os-release", release(9));
            journey.follow_same(&Base::build(dir, "Z", self.ground.form, &base));
        }
        journey.machine.shutdown();
    }
}

fn release(step: usize) -> String {
    veneer_tests::base::os_release(&[("VERSION_ID", &format!("{}", step + 2))])
}

fn tries(edits: &[Edit]) -> Edits {
    Edits(edits.iter().map(|edit| Edit::Try(Box::new(edit.clone()))).collect())
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{}", self.ground, if self.same { ", then a base as the last one" } else { "" })?;
        for ((name, _), act) in ACTS.iter().zip(&self.acts) {
            write!(f, "\n  {name}:")?;
            for edit in act {
                write!(f, "\n    {edit:?}")?;
            }
        }
        Ok(())
    }
}

/// Paths that were spoken of: few names, so that everything meets.
#[derive(Default)]
struct Names(Vec<PathBuf>);

/// Paths with a meaning.
const SPECIAL: [&str; 9] = [
    "share/icons/a/icon-theme.cache",
    "share/icons/a/index.theme",
    "share/r/a/__pycache__/b.cpython-313.pyc",
    "share/r/a/b.py",
    "lib/modules/6.1/modules.dep",
    "lib/modules/6.1/extra/x.ko",
    "lib/modules/6.2/x.ko",
    "lib/security/pam_a.so",
    "lib/security",
];

impl Names {
    fn any(&mut self, dice: &mut Dice) -> PathBuf {
        if once_in(dice, 15) {
            return PathBuf::from(*dice.one(&SPECIAL));
        }
        let mut path = PathBuf::from("share/r");
        for _ in 0..=dice.below(3) {
            path.push(dice.one(&["a", "b", "c"]));
        }
        self.0.push(path.clone());
        path
    }

    fn known(&mut self, dice: &mut Dice) -> PathBuf {
        if self.0.is_empty() || once_in(dice, 5) { self.any(dice) } else { dice.one(&self.0).clone() }
    }

    fn edit(&mut self, dice: &mut Dice) -> Edit {
        match dice.below(40) {
            0..=5 => Edit::File(self.any(dice), content(dice)),
            6..=8 => Edit::File(self.known(dice), content(dice)),
            9..=10 => Edit::Append(self.known(dice), b"two".to_vec()),
            11 => Edit::Truncate(self.known(dice), dice.below(5) as u64),
            12..=14 => Edit::Dir(self.any(dice)),
            15..=19 => Edit::Remove(self.known(dice)),
            20..=22 => Edit::Rename(self.known(dice), self.any(dice)),
            23..=24 => Edit::Hardlink(self.any(dice), self.known(dice)),
            25..=27 => Edit::Symlink(self.any(dice), PathBuf::from(*dice.one(&["a", "b", "../a"]))),
            28..=31 => Edit::Mode(self.known(dice), *dice.one(&[0o644, 0o600, 0o755, 0o4755, 0o1777])),
            32..=33 => Edit::Owner(self.known(dice), *dice.one(&[0, 5]), *dice.one(&[0, 6])),
            34..=36 => {
                let (name, value) = attribute(dice);
                Edit::Xattr(self.known(dice), name, value)
            }
            37 => Edit::Unset(self.known(dice), attribute(dice).0),
            38 => Edit::Special(self.any(dice), special(dice)),
            _ => Edit::Time(self.known(dice), *dice.one(&[1_000_000_000, 1_000_000_001])),
        }
    }
}

fn content(dice: &mut Dice) -> Vec<u8> {
    dice.one(&["", "one", "two", "six", "three"]).as_bytes().to_vec()
}

fn special(dice: &mut Dice) -> Special {
    *dice.one(&[Special::Fifo, Special::Socket, Special::Char(1, 3), Special::Char(1, 5)])
}

fn attribute(dice: &mut Dice) -> (String, Vec<u8>) {
    match dice.below(8) {
        0 => ("security.capability".into(), CAPABILITY.to_vec()),
        1 => ("system.posix_acl_access".into(), acl()),
        2 => ("system.posix_acl_default".into(), acl()),
        3..=5 => ("user.note".into(), vec![b'0' + u8::try_from(dice.below(3)).expect("small")]),
        _ => ("trusted.note".into(), vec![b'0' + u8::try_from(dice.below(3)).expect("small")]),
    }
}

/// True once in so many times.
fn once_in(dice: &mut Dice, times: usize) -> bool {
    dice.below(times) == 0
}
