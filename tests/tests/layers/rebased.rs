//! The fixture of all rebases: edits on A, then B, and everything that must hold after it.

use std::path::Path;

use veneer_tests::base::{Base, Form};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::model::{Model, Outcome, rebase};
use veneer_tests::status::Status;
use veneer_tests::store::Store;
use veneer_tests::tree::{Kind, Node, Tree, assert_same};
use veneer_tests::upper::{Entry, Upper};

/// What a rebase left, for the particular assertions of a scenario.
pub(crate) struct Rebased {
    pub(crate) machine: Machine,
    pub(crate) status: Status,
    pub(crate) outcome: Outcome,
}

impl Rebased {
    /// Whether the user's node of this path is set aside, whole.
    fn has_aside(&self, path: &Path, node: &Node) -> bool {
        let aside = Tree::read(&self.machine.layer(&self.status.layer().id).join("quarantine"));
        aside.0.iter().any(|(found, candidate)| found.ends_with(path) && alike(node, candidate))
    }
}

fn alike(a: &Node, b: &Node) -> bool {
    let own = |node: &Node| {
        let mut node = Node { same_as: None, ..node.essence() };
        node.xattrs.retain(|name, _| !name.starts_with("trusted.overlay."));
        node
    };
    own(a) == own(b)
}

/// Edits on A, then B: everything that all rebases must come up to.
#[track_caller]
pub(crate) fn rebased(dir: &Path, form: Form, store: Store, a: &Edits, user: &Edits, b: &Edits) -> Rebased {
    let mut machine = Machine::new(dir, store);
    let (a, b) = (Base::build(dir, "A", form, a), Base::build(dir, "B", form, b));
    machine.install(&a);
    let on_a = machine.boot_layer("bound").status;
    let bare_a = machine.bare().clone();
    let mut model = Model::new(&bare_a);
    model.apply(user);
    let upper = model.upper.clone();
    user.apply(&machine.usr());
    let shown = machine.visible();
    machine.shutdown();
    let layer_a = machine.layer(&on_a.layer().id);
    assert_eq!(upper, Upper::read(&layer_a.join("upper")), "the model does not follow overlayfs");
    let source = Tree::read(&layer_a);

    machine.install(&b);
    let outcome = rebase(&upper, &bare_a, &shown, machine.bare(), &|_| false);
    let status = machine.boot_layer("rebased").status;
    assert_same("what is visible after the rebase", &outcome.visible, &machine.visible());
    assert_same("the source layer", &source, &Tree::read(&layer_a));
    let rebased = Rebased { machine, status, outcome };
    check_aside(&rebased);
    check_upper(&rebased);
    second_boot(rebased, &source, &layer_a)
}

/// Everything that left its place is in the quarantine, and the user is told of it, and of nothing else.
fn check_aside(rebased: &Rebased) {
    for (path, node) in &rebased.outcome.quarantined {
        assert!(rebased.has_aside(path, node), "{} is not set aside: {node}", path.display());
        assert!(
            rebased.status.speaks_of(path),
            "{} is not reported: {:?}",
            path.display(),
            rebased.status.problems
        );
    }
    for problem in &rebased.status.problems {
        let path = problem.path.as_deref().unwrap_or_else(|| panic!("a problem without a path: {problem:?}"));
        let path = Path::new(path.trim_start_matches('/'));
        let path = path.strip_prefix("usr").unwrap_or(path);
        assert!(rebased.outcome.quarantined.contains_key(path), "reported without a reason: {problem:?}");
    }
}

/// The new upper on disk: no stale file handle, no mark that freezes a directory, no orphan whiteout.
fn check_upper(rebased: &Rebased) {
    let machine = &rebased.machine;
    let upper = machine.layer(&rebased.status.layer().id).join("upper");
    for (path, node) in &Tree::read(&upper).0 {
        let path = path.display();
        if node.kind != Kind::Dir {
            assert!(!node.xattrs.contains_key("trusted.overlay.origin"), "{path} keeps its origin: {node}");
        }
        for name in ["trusted.overlay.redirect", "trusted.overlay.metacopy"] {
            assert!(!node.xattrs.contains_key(name), "{path} has {name}");
        }
    }
    for (path, entry) in &Upper::read(&upper).0 {
        let base = machine.bare().get(path);
        assert!(*entry != Entry::Whiteout || base.is_some(), "an orphan whiteout: {}", path.display());
        assert!(*entry != Entry::Opaque || base.is_none(), "an opaque directory: {}", path.display());
    }
}

/// The next boot shows the same, changes nothing, and still knows the problems.
fn second_boot(mut rebased: Rebased, source: &Tree, layer_a: &Path) -> Rebased {
    let visible = rebased.machine.visible();
    rebased.machine.shutdown();
    let kept = rebased.machine.kept_tree();
    let again = rebased.machine.boot_layer("used").status;
    assert_eq!(again.layer().id, rebased.status.layer().id);
    assert_eq!(again.layer().parent, rebased.status.layer().parent);
    assert_same("the second boot", &visible, &rebased.machine.visible());
    let messages = |status: &Status| status.problems.iter().map(|p| p.message.clone()).collect::<Vec<_>>();
    assert_eq!(messages(&rebased.status), messages(&again), "problems are remembered with the layer");
    rebased.machine.shutdown();
    assert_same("the store after a second boot", &kept, &rebased.machine.kept_tree());
    assert_same("the source layer", source, &Tree::read(layer_a));
    rebased
}
