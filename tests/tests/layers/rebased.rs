//! The fixture of all rebases: a layer follows its bases, and after each step everything must hold that holds for all
//! rebases. What is visible, set aside and told is the model's word.

use std::collections::BTreeSet;
use std::path::Path;

use veneer_tests::base::{Base, Form};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::model::{Case, Left, Outcome, Past, rebase};
use veneer_tests::status::{Status, spelled};
use veneer_tests::store::Store;
use veneer_tests::tree::{Kind, Node, Tree, assert_same};
use veneer_tests::upper::{Entry, Upper, shown};

/// On what a rebase takes place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ground {
    pub(crate) form: Form,
    pub(crate) store: Store,
    /// Whether the record is brought up to date before the machine is switched off.
    pub(crate) recorded: bool,
}

/// A plain directory, with and without a record.
pub(crate) const PLAIN: [Ground; 2] = [
    Ground { form: Form::Dir, store: Store::Dir, recorded: true },
    Ground { form: Form::Dir, store: Store::Dir, recorded: false },
];

/// A machine whose base is replaced again and again.
pub(crate) struct Journey {
    pub(crate) machine: Machine,
    pub(crate) status: Status,
    ground: Ground,
    /// What the record was made from, if there is one.
    recorded: Option<Upper>,
    /// What the user saw last.
    pub(crate) shown: Tree,
    /// What the layer has, and its whole directory.
    upper: Upper,
    source: Tree,
}

/// What of the default of `protected=` these trials touch.
const PROTECTED: &[&str] = &[
    "lib*/security/pam_*.so",
    "lib/*/security/pam_*.so",
    "lib/systemd/systemd",
    "lib/*/libc.so*",
    "lib/*/ld-linux*.so*",
    "lib64/ld-linux*.so*",
];

impl Journey {
    /// A first boot, with a layer bound.
    #[track_caller]
    pub(crate) fn start(dir: &Path, ground: Ground, a: &Edits) -> Journey {
        let mut machine = Machine::new(dir, ground.store);
        machine.install(&Base::build(dir, "A", ground.form, a));
        let status = machine.boot_layer("bound").status;
        let (upper, source, shown) = (Upper::default(), Tree::default(), Tree::default());
        Journey { machine, status, ground, recorded: None, shown, upper, source }
    }

    /// The running layer's directory.
    fn layer(&self) -> std::path::PathBuf {
        self.machine.layer(&self.status.layer().id)
    }

    /// The user works, and switches off.
    #[track_caller]
    pub(crate) fn live(&mut self, user: &Edits) {
        user.apply(&self.machine.usr());
        self.rest();
    }

    /// Switches off.
    #[track_caller]
    pub(crate) fn rest(&mut self) {
        self.shown = self.machine.visible();
        self.stop();
        let over = self.upper.over(self.machine.bare());
        assert_same("overlayfs does not show what it should", &over, &self.shown);
    }

    /// Switches off, whatever was visible.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        if self.ground.recorded {
            let before = self.machine.visible();
            self.machine.record();
            assert_same("a record changes nothing", &before, &self.machine.visible());
        }
        self.machine.shutdown();
        self.look();
        if self.ground.recorded {
            self.recorded = Some(self.upper.clone());
        }
    }

    /// Boots the same base again.
    #[track_caller]
    pub(crate) fn resume(&mut self) {
        self.status = self.machine.boot_layer("used").status;
    }

    /// Looks at the layer of the machine that is switched off.
    pub(crate) fn look(&mut self) {
        self.source = Tree::read(&self.layer());
        self.upper = Upper::read(&self.layer().join("upper"));
    }

    /// The next boot is on another base.
    #[track_caller]
    pub(crate) fn follow(&mut self, base: &Base) -> Outcome {
        let layer = self.layer();
        let old = self.machine.bare().clone();
        self.machine.install(base);
        let past = match &self.recorded {
            None => Past::Unknown,
            Some(upper) => Past::Since(&old, upper),
        };
        let case = Case { upper: &self.upper, past, new: self.machine.bare(), protected: PROTECTED };
        let outcome = rebase(&case);
        self.status = self.machine.boot_layer("rebased").status;
        assert_same("what is visible after the rebase", &outcome.visible, &self.machine.visible());
        assert_same("the source layer", &self.source, &Tree::read(&layer));
        self.check_aside(&outcome);
        self.check_upper(&outcome);
        // A rebase leaves a record of what it compared.
        self.recorded = Some(Upper::read(&self.layer().join("upper")));
        outcome
    }

    /// Everything that left its place is in the quarantine as it was, and the user is told of it, and of nothing else
    /// than the model names.
    #[track_caller]
    fn check_aside(&self, outcome: &Outcome) {
        let aside = Tree::read(&self.layer().join("quarantine")).below("tree");
        for (path, node) in &outcome.aside {
            let found =
                aside.get(path).unwrap_or_else(|| panic!("{} is not set aside: {node}", path.display()));
            assert!(is_alike(node, found), "{} is set aside as {found}, not {node}", path.display());
        }
        let within = |path: &Path| outcome.aside.keys().any(|aside| aside.starts_with(path));
        for (path, node) in &aside.0 {
            assert!(within(path) || node.is_whiteout(), "{} is set aside: {node}", path.display());
        }
        let problems = &self.status.problems;
        // A directory goes along with what is in it.
        let told = outcome.aside.keys().filter(|path| !outcome.aside.keys().any(|below| is_in(below, path)));
        for path in told {
            assert!(self.status.speaks_of(path), "{} is not reported: {problems:?}", path.display());
        }
        let told = self.told();
        for path in &outcome.listed {
            assert!(told.contains(&spelled(path)), "{} is not listed: {told:?}", path.display());
        }
        let known: BTreeSet<String> =
            outcome.aside.keys().chain(&outcome.listed).map(|path| spelled(path)).collect();
        for problem in problems {
            let path =
                problem.path.as_deref().unwrap_or_else(|| panic!("a problem without a path: {problem:?}"));
            let path = path.trim_start_matches('/').trim_start_matches("usr/");
            assert!(known.contains(path), "reported without a reason: {problem:?}");
        }
    }

    /// The paths of the problems and of the layer's list of verdicts.
    fn told(&self) -> BTreeSet<String> {
        let mut told: BTreeSet<String> = self.status.problems.iter().filter_map(|p| p.path.clone()).collect();
        let list = std::fs::read_to_string(self.layer().join("verdicts")).unwrap_or_default();
        told.extend(list.lines().map(|line| {
            let line: serde_json::Value =
                serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            line["path"].as_str().expect("a path").to_owned()
        }));
        told.iter().map(|path| path.trim_start_matches("/usr/").to_owned()).collect()
    }

    /// The new upper on disk: what is in it and nothing else, without a mark of another overlay.
    #[track_caller]
    fn check_upper(&self, outcome: &Outcome) {
        let tree = Tree::read(&self.layer().join("upper"));
        let upper = Upper::of(&tree);
        let left = upper.0.iter().map(|(path, item)| {
            let left = match item.entry {
                Entry::Whiteout => Left::Whiteout,
                Entry::Merged | Entry::Opaque => Left::Dir,
                Entry::Leaf => Left::Leaf,
            };
            (path.clone(), left)
        });
        assert_eq!(outcome.left, left.collect(), "the entries of the new layer");
        for (path, node) in &tree.0 {
            let foreign = node.xattrs.keys().find(|name| {
                name.starts_with("trusted.overlay.") && !name.starts_with("trusted.overlay.overlay.")
            });
            // The running overlay marks directories, when they are looked at and when something is linked into them.
            let running = ["trusted.overlay.impure", "trusted.overlay.origin"];
            let foreign = foreign.filter(|name| node.kind != Kind::Dir || !running.contains(&name.as_str()));
            assert_eq!(foreign, None, "{} has a mark: {node}", path.display());
        }
    }

    /// The next boot shows the same, changes nothing, and still knows the problems.
    #[track_caller]
    pub(crate) fn again(&mut self) {
        let visible = self.machine.visible();
        let (before, layer) = (self.status.clone(), self.layer());
        self.machine.shutdown();
        let kept = self.machine.kept_tree();
        let again = self.machine.boot_layer("used").status;
        assert_eq!(again.layer().id, before.layer().id);
        assert_eq!(again.layer().parent, before.layer().parent);
        assert_same("the second boot", &visible, &self.machine.visible());
        let messages =
            |status: &Status| status.problems.iter().map(|p| p.message.clone()).collect::<Vec<_>>();
        assert_eq!(messages(&before), messages(&again), "problems are remembered with the layer");
        self.machine.shutdown();
        assert_same("the store after a second boot", &kept, &self.machine.kept_tree());
        self.source = Tree::read(&layer);
        self.upper = Upper::of(&self.source.below("upper"));
        self.shown = visible;
    }

    /// The same content with another id: a second rebase changes nothing.
    #[track_caller]
    pub(crate) fn follow_same(&mut self, base: &Base) {
        let (before, shown, layer) = (self.upper.clone(), self.shown.clone(), self.layer());
        self.machine.install(base);
        self.status = self.machine.boot_layer("rebased").status;
        // What tells the bases apart, and the times at which they were made.
        let rest = |tree: &Tree| {
            let tree = tree.without(|path| path == Path::new("lib/os-release"));
            Tree(tree.0.iter().map(|(path, node)| (path.clone(), node.essence())).collect())
        };
        assert_same("what is visible on the same base", &rest(&shown), &rest(&self.machine.visible()));
        assert_same("the source layer", &self.source, &Tree::read(&layer));
        let upper = Upper::read(&self.layer().join("upper"));
        let plain = |upper: &Upper| {
            Tree(upper.0.iter().map(|(path, item)| (path.clone(), item.node.essence())).collect())
        };
        assert_same("the layer on the same base", &plain(&before), &plain(&upper));
        let aside = Tree::read(&self.layer().join("quarantine"));
        assert!(aside.0.is_empty(), "set aside on the same base: {aside:?}");
        self.recorded = Some(upper);
    }
}

fn is_in(path: &Path, dir: &Path) -> bool {
    path != dir && path.starts_with(dir)
}

fn is_alike(a: &Node, b: &Node) -> bool {
    let own = |node: &Node| Node { same_as: None, ..shown(node).essence() };
    // The quarantine keeps the entry, and the model the sight of it.
    own(a) == own(b) || own(a) == Node { same_as: None, ..b.essence() }
}

/// Edits on A, then B, and the boot after it: the machine, switched off, and the layer of B.
#[track_caller]
pub(crate) fn rebased(dir: &Path, ground: Ground, a: &Edits, user: &Edits, b: &Edits) -> (Machine, String) {
    let mut journey = Journey::start(dir, ground, a);
    journey.live(user);
    journey.follow(&Base::build(dir, "B", ground.form, b));
    journey.again();
    let id = journey.status.layer().id.clone();
    (journey.machine, id)
}
