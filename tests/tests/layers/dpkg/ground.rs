//! Bases and layers of dpkg's packages, and what must hold of them after each rebase.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use veneer_tests::base::{Base, Form, system};
use veneer_tests::deb::{DATABASE, Deb, assert_content, fill, link_database, listed, unmet};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::status::Status;
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same};

pub(crate) fn packages_a() -> Vec<Deb> {
    vec![
        Deb::new("base-system", "1", system("1")),
        Deb::new(
            "libfoo",
            "1.0",
            Edits::new().file("lib/libfoo.so.1", "foo 1.0").file("share/doc/libfoo/NEWS", "1.0"),
        ),
        Deb::new(
            "editor",
            "1:3.0-1",
            Edits::new().file("bin/editor", "editor 3.0").file("share/editor/runtime/a", "a"),
        ),
        Deb::new("leftover", "1.0", Edits::new().file("bin/leftover", "leftover")),
    ]
}

pub(crate) fn packages_b() -> Vec<Deb> {
    vec![
        Deb::new("base-system", "2", system("2")),
        Deb::new(
            "libfoo",
            "1.1",
            Edits::new()
                .file("lib/libfoo.so.1", "foo 1.1")
                .file("share/doc/libfoo/NEWS", "1.1")
                .file("lib/foo/only-in-1.1", "x"),
        ),
        Deb::new(
            "editor",
            "1:3.1-1",
            Edits::new()
                .file("bin/editor", "editor 3.1")
                .file("share/editor/runtime/a", "a")
                .file("share/editor/new", "new"),
        ),
        Deb::new("newcomer", "1.0", Edits::new().file("bin/newcomer", "newcomer")),
    ]
}

pub(super) fn ollama(version: &'static str) -> Deb {
    let files = Edits::new()
        .file("bin/ollama", format!("ollama {version}"))
        .mode("bin/ollama", 0o755)
        .file("lib/systemd/system/ollama.service", "[Service]\nExecStart=/usr/bin/ollama\n")
        .file("share/doc/ollama/copyright", "free");
    Deb::new("ollama", version, files).with("Depends: libfoo (>= 1.0)\n")
}

/// What ollama brought: the directory of units came with it.
pub(super) fn ollamas(tree: &Tree) -> Tree {
    part(tree, &["ollama", "systemd/system/"]).and(tree.only("lib/systemd/system"))
}

pub(super) fn libfoo(version: &'static str) -> Deb {
    let files = Edits::new()
        .file("lib/libfoo.so.1", format!("foo {version}"))
        .file("share/doc/libfoo/NEWS", version)
        .file("lib/foo/only-in-the-users", "y");
    Deb::new("libfoo", version, files)
}

/// A machine on A that has booted a layer, and B ready.
pub(crate) fn machine_of(
    dir: &Path,
    form: Form,
    store: Store,
    a: &[Deb],
    b: &[Deb],
) -> (Machine, Base, Base) {
    let mut machine = Machine::new(dir, store);
    let (a, b) = boot_form(dir, form, &mut machine, a, b);
    (machine, a, b)
}

fn boot_form(dir: &Path, form: Form, machine: &mut Machine, a: &[Deb], b: &[Deb]) -> (Base, Base) {
    link_database(&machine.sysroot);
    let a = Base::build_with(dir, "A", form, |usr| fill(dir, usr, a));
    let b = Base::build_with(dir, "B", form, |usr| fill(dir, usr, b));
    machine.install(&a);
    assert_content(&machine.sysroot);
    machine.boot_layer("bound");
    (a, b)
}

/// The two bases, and a machine that has booted a layer on the first.
pub(super) fn boot(dir: &Path, machine: &mut Machine, a: &[Deb], b: &[Deb]) -> (Base, Base) {
    boot_form(dir, Form::Dir, machine, a, b)
}

pub(crate) fn machine(dir: &Path, a: &[Deb], b: &[Deb]) -> (Machine, Base, Base) {
    machine_of(dir, Form::Dir, Store::Dir, a, b)
}

/// What a rebase is to come to, besides the base.
#[derive(Default)]
pub(super) struct Expected<'a> {
    /// Packages that are listed in another version or state than the base's, as dpkg shows it: `1.0 ii`. Empty for one
    /// that is not listed.
    pub(super) listed: &'a [(&'a str, &'a str)],
    /// Paths of the base that are not visible, with all that is below.
    pub(super) hidden: &'a [&'a str],
    /// What of the layer is.
    pub(super) mine: Tree,
    /// Files of the database, beside the status, that are others than the base's.
    pub(super) database: &'a [&'a str],
    /// False if dependencies do not hold.
    pub(super) broken: bool,
}

/// What holds after each rebase: dpkg is content, lists what the base and the user have and each once, and all of /usr is
/// the base's and the user's, path by path, the database too.
#[track_caller]
pub(super) fn assert_whole(machine: &Machine, expected: &Expected<'_>) {
    let visible = machine.visible();
    let mut all = status(machine.bare(), &machine.base_point());
    let mut gone: Vec<PathBuf> = expected.hidden.iter().map(PathBuf::from).collect();
    let info = Path::new(DATABASE).join("info");
    for (package, state) in expected.listed {
        if all.remove(*package).is_some() {
            // Its descriptions are the layer's, or not there.
            let stems = [format!("{package}."), format!("{package}:")];
            let theirs = machine.bare().0.keys().filter(|path| path.parent() == Some(info.as_path()));
            let is_its = |path: &&PathBuf| {
                let name = path.file_name().expect("a name").to_string_lossy();
                stems.iter().any(|stem| name.starts_with(stem))
            };
            gone.extend(theirs.filter(is_its).cloned());
        }
        if !state.is_empty() {
            all.insert((*package).to_owned(), vec![(*state).to_owned()]);
        }
    }
    assert_eq!(listed(&machine.sysroot), all);
    assert_content(&machine.sysroot);
    assert_eq!(!unmet(&machine.sysroot).is_empty(), expected.broken, "{}", unmet(&machine.sysroot));

    let mut changed: BTreeSet<PathBuf> =
        expected.database.iter().map(|name| Path::new(DATABASE).join(name)).collect();
    if !expected.listed.is_empty() {
        changed.insert(Path::new(DATABASE).join("status"));
    }
    let is_changed = |path: &Path| changed.contains(path);
    let wanted = machine.bare().without(|path| gone.iter().any(|gone| path.starts_with(gone)));
    let wanted = wanted.and(expected.mine.clone());
    assert_same("all of /usr", &wanted.without(is_changed), &visible.without(is_changed));
    for path in &changed {
        let there = |tree: &Tree| tree.get(path).map(|node| (node.kind.clone(), node.mode, node.owner));
        assert_ne!(there(machine.bare()), there(&visible), "{} is the base's", path.display());
    }
}

/// What dpkg lists of the bare base.
fn status(bare: &Tree, usr: &Path) -> BTreeMap<String, Vec<String>> {
    assert!(bare.get(Path::new(DATABASE).join("status")).is_some(), "the base has a database");
    let root = usr.with_extension("root");
    std::fs::create_dir_all(root.join("var/lib")).expect("make a root");
    std::os::unix::fs::symlink(usr.join(DATABASE), root.join("var/lib/dpkg")).expect("link the database");
    let all = listed(&root);
    std::fs::remove_dir_all(&root).expect("remove the root");
    all
}

/// The paths of a tree that these words are in.
pub(super) fn part(tree: &Tree, words: &[&str]) -> Tree {
    tree.without(|path| !words.iter().any(|word| path.to_string_lossy().contains(word)))
}

/// Updates the base and boots; then once more, which changes nothing.
#[track_caller]
pub(super) fn rebase(machine: &mut Machine, base: &Base) -> Status {
    machine.shutdown();
    let names = machine.layer_names();
    let source = machine.layer(names.last().expect("a layer"));
    let before = Tree::read(&source).without(|path| path.starts_with("work"));
    machine.install(base);
    let status = machine.boot_layer("rebased").status;
    let after = Tree::read(&source).without(|path| path.starts_with("work"));
    assert_same("the source layer", &before, &after);
    let visible = machine.visible();
    let again = machine.boot_layer("used").status;
    assert_eq!(again.problems.len(), status.problems.len(), "{again:?}");
    assert_same("the second boot", &visible, &machine.visible());
    status
}

pub(super) fn tells_of(status: &Status, package: &str) -> bool {
    status.problems.iter().any(|problem| problem.package.as_deref() == Some(package))
}

/// Brings the record of the running layer up to date, as the service does after boot.
#[track_caller]
pub(super) fn record(machine: &Machine) {
    machine.record();
}
