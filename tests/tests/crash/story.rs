//! The three things that a boot can do to a store, each up to the moment before it does it.

use std::path::Path;

use veneer_tests::base::{Base, Form, system};
use veneer_tests::deb::{DATABASE, Deb, fill, install, link_database};
use veneer_tests::edit::{Edits, Special};
use veneer_tests::machine::Machine;
use veneer_tests::tree::{Node, Tree, assert_same};

/// A machine that is switched off, with what the next boot will find.
pub(crate) struct Story {
    pub(crate) machine: Machine,
    /// What the next boot does to the store if nothing happens to it.
    pub(crate) action: &'static str,
    /// Layers that no boot may change, whole.
    pub(crate) kept: Vec<(String, Tree)>,
}

/// What a story does to a machine with an empty store.
pub(crate) type Prepare = fn(&Path, Machine) -> Story;

pub(crate) const STORIES: [(&str, Prepare); 3] = [("bind", bind), ("use", used), ("rebase", rebase)];

/// An empty store.
fn bind(dir: &Path, mut machine: Machine) -> Story {
    machine.install(&first(dir));
    Story { machine, action: "bound", kept: Vec::new() }
}

/// A layer of this base with files of the user's.
fn used(dir: &Path, mut machine: Machine) -> Story {
    machine.install(&first(dir));
    machine.boot_layer("bound");
    mine().apply(&machine.usr());
    machine.shutdown();
    Story { machine, action: "used", kept: Vec::new() }
}

/// A layer of another base, with everything in it that a layer can have, a package with its database too.
fn rebase(dir: &Path, mut machine: Machine) -> Story {
    link_database(&machine.sysroot);
    let (a, b) = (first(dir), second(dir));
    machine.install(&a);
    machine.boot_layer("bound");
    let package = Edits::new().file("bin/tool", "tool\n").mode("bin/tool", 0o755);
    install(&machine.sysroot, &[Deb::new("tool", "1.0", package).build(dir)]);
    mine().apply(&machine.usr());
    machine.install(&b);
    let kept = machine.layer_names().into_iter().map(|name| {
        let tree = Tree::read(&machine.layer(&name));
        (name, tree)
    });
    let kept = kept.collect();
    Story { machine, action: "rebased", kept }
}

fn first(dir: &Path) -> Base {
    let doc = Edits::new()
        .file("share/doc/base/NEWS", "of A")
        .file("share/doc/base/README", "read me")
        .file("share/old/one", "1")
        .file("share/old/two", "2");
    let packages = [Deb::new("base-system", "1", system("1")), Deb::new("base-doc", "1", doc)];
    Base::build_with(dir, "A", Form::Dir, |usr| fill(dir, usr, &packages))
}

fn second(dir: &Path) -> Base {
    let doc = Edits::new()
        .file("share/doc/base/NEWS", "of B")
        .file("share/doc/base/README", "read me")
        .file("share/old/three", "3");
    let packages = [Deb::new("base-system", "2", system("2")), Deb::new("base-doc", "2", doc)];
    Base::build_with(dir, "B", Form::Dir, |usr| fill(dir, usr, &packages))
}

/// Every kind of entry that an upper directory knows.
fn mine() -> Edits {
    Edits::new()
        .file("lib/mine/plugin.so", vec![7; 70_000])
        .file("lib/mine/data", "data")
        .hardlink("lib/mine/same-data", "lib/mine/data")
        .symlink("bin/me", "../lib/mine/data")
        .sparse("lib/mine/sparse", 3 << 20)
        .special("lib/mine/fifo", Special::Fifo)
        .xattr("lib/mine/data", "user.note", "keep me")
        .owner("lib/mine/data", 12, 34)
        .mode("lib/mine/plugin.so", 0o4711)
        .dir("lib/mine/empty")
        .file("share/doc/base/NEWS", "edited by hand")
        .remove("share/doc/base/README")
        .remove("share/old")
        .file("share/old/mine", "in an opaque directory")
}

impl Story {
    /// What /usr shows, less what differs from run to run: the time at which the database was written.
    pub(crate) fn visible(&self) -> Tree {
        timeless(self.machine.visible())
    }

    /// What /usr shows without a layer, in the same terms.
    pub(crate) fn bare(&self) -> Tree {
        timeless(self.machine.bare().clone())
    }

    /// Boots twice after whatever happened: the first boot must show `shown` by one of the actions that lead there,
    /// the second must find nothing left to do, and neither may have changed or lost anything else.
    /// Returns the first boot's action.
    #[track_caller]
    pub(crate) fn recovers(&mut self, what: &str, shown: &Tree) -> String {
        let first = self.machine.boot();
        let action = first.status.layer.as_ref().map_or("none", |layer| layer.action.as_str()).to_owned();
        assert!([self.action, "used"].contains(&action.as_str()), "{what}: {:?}", first.status);
        self.check(&format!("{what}, next boot"), shown);
        let names = self.machine.layer_names();
        let second = self.machine.boot();
        assert_eq!(second.status.layer().action, "used", "{what}: the boot after it: {:?}", second.status);
        assert_eq!(second.status.layer().id, first.status.layer().id, "{what}: another layer");
        assert_eq!(names, self.machine.layer_names(), "{what}: the layers after a boot with nothing to do");
        self.check(&format!("{what}, boot after it"), shown);
        self.machine.shutdown();
        action
    }

    #[track_caller]
    fn check(&self, what: &str, shown: &Tree) {
        assert_same(what, shown, &self.visible());
        for (name, tree) in &self.kept {
            assert_same(&format!("{what}: {name}"), tree, &Tree::read(&self.machine.layer(name)));
        }
        for path in self.machine.store_tree().0.keys() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let leftover = [".tmp", ".new"].iter().any(|end| name.ends_with(end))
                || [".veneer", ".reflink"].iter().any(|start| name.starts_with(start));
            assert!(!leftover, "{what}: {} is left in the store", path.display());
        }
    }
}

fn timeless(mut tree: Tree) -> Tree {
    for (path, node) in &mut tree.0 {
        if path.starts_with(DATABASE) {
            *node = Node::essence(node);
        }
    }
    tree
}
