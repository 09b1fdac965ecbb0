//! Bases and layers of pacman's packages, and what must hold of them after each rebase.

use std::collections::BTreeMap;
use std::path::Path;

use veneer_tests::base::{Base, Form, system};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::pacman::{DATABASE, Pkg, assert_content, assert_files, configure, fill, installed};
use veneer_tests::status::Status;
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same};

pub(super) fn packages_a() -> Vec<Pkg> {
    vec![
        Pkg::new("base-system", "1-1", system("1")),
        Pkg::new("glibc", "2.40-1", Edits::new().file("lib/libtest.so.6", "libc 2.40")),
        Pkg::new(
            "libfoo",
            "1.0-1",
            Edits::new().file("lib/libfoo.so.1", "foo 1.0").file("share/doc/libfoo/NEWS", "1.0"),
        ),
        Pkg::new(
            "editor",
            "1:3.0-1",
            Edits::new().file("bin/editor", "editor 3.0").file("share/editor/runtime/a", "a"),
        ),
        Pkg::new("leftover", "1.0-1", Edits::new().file("bin/leftover", "leftover")),
    ]
}

pub(super) fn packages_b() -> Vec<Pkg> {
    vec![
        Pkg::new("base-system", "2-1", system("2")),
        Pkg::new("glibc", "2.41-1", Edits::new().file("lib/libtest.so.6", "libc 2.41")),
        Pkg::new(
            "libfoo",
            "1.1-1",
            Edits::new()
                .file("lib/libfoo.so.1", "foo 1.1")
                .file("share/doc/libfoo/NEWS", "1.1")
                .file("lib/foo/only-in-1.1", "x"),
        ),
        Pkg::new(
            "editor",
            "1:3.1-1",
            Edits::new()
                .file("bin/editor", "editor 3.1")
                .file("share/editor/runtime/a", "a")
                .file("share/editor/new", "new"),
        ),
        Pkg::new("newcomer", "1.0-1", Edits::new().file("bin/newcomer", "newcomer")),
    ]
}

pub(super) fn ollama(version: &'static str) -> Pkg {
    let files = Edits::new()
        .file("bin/ollama", format!("ollama {version}"))
        .mode("bin/ollama", 0o755)
        .file("lib/systemd/system/ollama.service", "[Service]\nExecStart=/usr/bin/ollama\n")
        .file("share/licenses/ollama/LICENSE with spaces", "free");
    Pkg::new("ollama", version, files).with(&[("depend", "libfoo>=1.0")])
}

pub(super) fn libfoo_12() -> Pkg {
    let files = Edits::new()
        .file("lib/libfoo.so.1", "foo 1.2")
        .file("share/doc/libfoo/NEWS", "1.2")
        .file("lib/foo/only-in-1.2", "y");
    Pkg::new("libfoo", "1.2-1", files)
}

/// A machine on A that has booted a layer, and B ready. Only the editor is there because somebody asked for it.
pub(super) fn machine_of(
    dir: &Path,
    form: Form,
    store: Store,
    a: &[Pkg],
    b: &[Pkg],
) -> (Machine, Base, Base) {
    let mut machine = Machine::new(dir, store);
    configure(&machine.sysroot);
    let a = Base::build_with(dir, "A", form, |usr| fill(dir, usr, a, &["editor"]));
    let b = Base::build_with(dir, "B", form, |usr| fill(dir, usr, b, &["editor"]));
    machine.install(&a);
    assert_content(&machine.sysroot);
    machine.boot_layer("bound");
    (machine, a, b)
}

pub(super) fn machine(dir: &Path, b: &[Pkg]) -> (Machine, Base, Base) {
    machine_of(dir, Form::Dir, Store::Dir, &packages_a(), b)
}

/// What a rebase is to come to, besides the base.
#[derive(Default)]
pub(super) struct Expected<'a> {
    /// Packages that are listed in another version than the base's, or in none.
    pub(super) versions: &'a [(&'a str, Option<&'a str>)],
    /// Paths of the base that are not visible, with all that is below.
    pub(super) hidden: &'a [&'a str],
    /// What of the layer is.
    pub(super) mine: Tree,
    /// False if dependencies do not hold.
    pub(super) broken: bool,
}

/// What holds after each rebase: pacman is content, lists what the base and the user have and each once, and all of /usr is
/// the base's and the user's, path by path, the database too.
#[track_caller]
pub(super) fn assert_whole(machine: &Machine, expected: &Expected<'_>) {
    let local = Path::new(DATABASE).join("local");
    let name = |path: &Path| {
        path.strip_prefix(&local).ok().and_then(|p| p.iter().next()).map(std::borrow::ToOwned::to_owned)
    };
    let directories = machine.bare().0.keys().filter_map(|path| name(path)?.into_string().ok());
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for directory in directories.filter(|name| name != "ALPM_DB_VERSION") {
        let mut parts = directory.rsplitn(3, '-');
        let (release, version) = (parts.next().expect("a release"), parts.next().expect("a version"));
        let package = parts.next().expect("a name").to_owned();
        versions.insert(package, vec![format!("{version}-{release}")]);
    }
    let mut gone = Vec::new();
    for (package, version) in expected.versions {
        let before = match version {
            Some(version) => versions.insert((*package).to_owned(), vec![(*version).to_owned()]),
            None => versions.remove(*package),
        };
        gone.extend(before.map(|before| local.join(format!("{package}-{}", before[0]))));
    }
    assert_eq!(installed(&machine.sysroot), versions);
    if expected.broken {
        assert_files(&machine.sysroot);
    } else {
        assert_content(&machine.sysroot);
    }
    gone.extend(expected.hidden.iter().map(Into::into));
    let wanted = machine.bare().without(|path| gone.iter().any(|gone| path.starts_with(gone)));
    assert_same("all of /usr", &wanted.and(expected.mine.clone()), &machine.visible());
}

/// The paths of a tree that these words are in.
pub(super) fn part(tree: &Tree, words: &[&str]) -> Tree {
    tree.without(|path| !words.iter().any(|word| path.to_string_lossy().contains(word)))
}

/// What ollama brought: the directories that it is in came with it.
pub(super) fn ollamas(tree: &Tree) -> Tree {
    part(tree, &["ollama", "systemd/system/"])
        .and(tree.only("lib/systemd/system"))
        .and(tree.only("share/licenses"))
}

#[track_caller]
pub(super) fn rebase(machine: &mut Machine, base: &Base) -> Status {
    machine.install(base);
    machine.boot_layer("rebased").status
}

pub(super) fn tells_of(status: &Status, package: &str) -> bool {
    status.problems.iter().any(|problem| problem.package.as_deref() == Some(package))
}
